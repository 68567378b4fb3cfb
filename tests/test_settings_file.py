"""Settings on disk: whatever is wrong with a person's file is told in plain words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from strixdesk.core.errors import SettingsError
from strixdesk.key_variables import take_key
from strixdesk.settings import Settings, UiSettings
from strixdesk.settings_file import load, save


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "strixdesk.toml"


def test_given_the_two_lines_of_the_readme_then_they_are_enough(file: Path) -> None:
    file.write_text('[[tiers]]\nname = "utility"\nbase_url = "http://strix:8012/v1"\n')
    loaded = load(file)
    assert loaded.problem is None
    (tier,) = loaded.settings.tiers
    assert (tier.name, tier.base_url) == ("utility", "http://strix:8012/v1")


def test_given_no_file_then_the_defaults_hold_and_none_is_made(file: Path) -> None:
    assert load(file).settings == Settings()
    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("voice = 5", "line 1 (voice): it must be a table"),
        ("[voice]\nspeed = 9", "line 2 (voice.speed): it must be at most 2.0"),
        ("[voice]\n\nspeed = 0.1", "line 3 (voice.speed): it must be at least 0.5"),
        ('[voice]\nspeed = "fast"', "line 2 (voice.speed): it must be a number"),
        ("voice.speed = 9", "line 1 (voice.speed): it must be at most 2.0"),
        ("\nvoice = { speed = 9 }", "line 2 (voice.speed): it must be at most 2.0"),
        ("[voice]\nenabled = 7", "line 2 (voice.enabled): it must be true or false"),
        ("[voice]\nenabled = 'maybe'", "line 2 (voice.enabled): it must be true or false"),
        ("[voice]\nmodel = 7", "line 2 (voice.model): it must be text in quotes"),
        ("[voice]\nsped = 1", "line 2 (voice.sped): there is no such setting"),
        ("[vioce]\nspeed = 1", "line 1 (vioce): there is no such setting"),
        ("a = 1\n[ui]\ntheme = 'x'", "line 1 (a): there is no such setting"),
        ("[ui]\ntheme = 'x'", "line 2 (ui.theme): it must be 'system', 'light' or 'dark'"),
        ("[chat]\nmax_answer_tokens = 1.5", "line 2 (chat.max_answer_tokens): it must be a whole"),
        ("[chat]\nconnect_timeout_s = 0", "line 2 (chat.connect_timeout_s): it must be more than"),
        ("[chat]\ntemperature = nan", "line 2 (chat.temperature): it must be"),
        ("tiers = 3", "line 1 (tiers): it must be a list of tables"),
        ("[tiers]\nname = 'x'", "line 1 (tiers): it must be a list of tables"),
        ("[[tiers]]\nname = 'x'", "line 1 (tiers.1.base_url): it is missing"),
        (
            "[[tiers]]\nname='x'\nbase_url='http://a'\n[ui]\n[[tiers]]\nname='y'",
            "line 5 (tiers.2.base_url): it is missing",
        ),
        ("[[tiers]]\nname='x'\nbase_url='a:1'", "line 3 (tiers.1.base_url): must begin with http"),
        ("[[tiers]]\nname=''\nbase_url='http://a'", "line 2 (tiers.1.name): it must not be empty"),
        ("[[tiers]]\nname='/x'\nbase_url='http://a'", "line 2 (tiers.1.name): it must be one line"),
        (
            "[[tiers]]\nname='x'\nbase_url='http://a'\ncapabilities=['x-ray']",
            "line 4 (tiers.1.capabilities",
        ),
        (
            "[[tiers]]\nname='x'\nbase_url='http://a'\n[[tiers]]\nname='X'\nbase_url='http://b'",
            '(tiers): two tiers are called "X"',
        ),
        ("[voice\nspeed = 1", "is not valid TOML: Expected ']'"),
        ("[voice]\nspeed =", "at end of document"),
        ("x = " + "[" * 5000, "is not valid TOML"),
    ],
)
def test_given_a_mistake_then_line_and_key_are_told_and_the_file_is_left_alone(
    file: Path, text: str, told: str
) -> None:
    file.write_text(text)
    loaded = load(file)
    assert loaded.problem is not None
    assert told in loaded.problem.message
    assert str(file) in loaded.problem.message
    assert "left as it is" in loaded.problem.advice
    assert loaded.settings == Settings()
    with pytest.raises(SettingsError, match="not saved"):
        save(file, Settings(ui=UiSettings(theme="light")))
    assert file.read_text() == text


def test_given_several_mistakes_then_all_are_told(file: Path) -> None:
    file.write_text("[voice]\nspeed = 9\n[ui]\ntheme = 'x'\n")
    problem = load(file).problem
    assert problem is not None
    assert "line 2" in problem.message
    assert "line 4" in problem.message


@pytest.mark.parametrize("data", [b"\xff\xfe\0x", b"theme = '\xe4'"])
def test_given_bytes_that_are_no_text_then_that_is_told(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    problem = load(file).problem
    assert problem is not None
    assert "not UTF-8" in problem.message
    assert file.read_bytes() == data


def test_given_a_byte_order_mark_then_it_does_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[ui]\r\ntheme = 'dark'\r\n")
    assert load(file).settings.ui.theme == "dark"


def test_given_a_folder_in_its_place_then_that_is_told(file: Path) -> None:
    file.mkdir()
    assert load(file).problem is not None
    with pytest.raises(SettingsError):
        save(file, Settings())


def test_given_a_key_in_a_file_with_a_mistake_then_it_is_not_told(file: Path) -> None:
    file.write_text(
        "[[tiers]]\nname='x'\nbase_url='http://a'\napi_key='sk-secret-1'\nrole=1\nkey='sk-other'"
    )
    problem = load(file).problem
    assert problem is not None
    assert "sk-" not in problem.sentence()


def test_given_a_start_then_the_library_that_writes_settings_is_not_loaded() -> None:
    code = "import sys, strixdesk.settings_file; print('tomlkit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_given_a_key_in_a_variable_then_it_is_known_on_every_reading_and_inherited_by_nobody(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_TIER", "sk-tier")
    monkeypatch.setenv("KEY_OF_SOURCE", "sk-source")
    file.write_text(
        '[[tiers]]\nname = "a"\nbase_url = "http://a/v1"\napi_key_env = "KEY_OF_TIER"\n'
        '[[sources]]\nname = "b"\nkind = "litellm"\napi_key_env = "KEY_OF_SOURCE"\n'
    )
    for _ in range(2):
        assert load(file).settings.tiers[0].tier().api_key == "sk-tier"
        assert take_key("KEY_OF_SOURCE") == "sk-source"
    child = [sys.executable, "-c", "import os; print('KEY_OF' in str(os.environ))"]
    assert subprocess.run(child, capture_output=True, check=True).stdout.strip() == b"False"


def test_given_a_variable_that_is_set_anew_then_its_new_key_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert take_key("KEY_SET_LATER") is None
    for key in ("sk-first", "sk-second"):
        monkeypatch.setenv("KEY_SET_LATER", key)
        assert take_key("KEY_SET_LATER") == key
