"""`strixdesk config`: where, what, and what is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from strixdesk.cli.main import main

KEYED = """\
[[tiers]]
name = "x"
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-secret-123456"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "strixdesk.toml"


def config(file: Path, *arguments: str) -> int:
    data = str(file.parent / "data")
    return main(["--config", str(file), "--data-dir", data, "config", *arguments])


def test_given_path_then_it_is_printed_also_before_there_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["--data-dir", str(tmp_path / "data"), "config", "path"]) == 0
    file = Path(capsys.readouterr().out.rstrip("\n"))
    assert file.name == "strixdesk.toml"
    assert not file.exists()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_given_a_key_then_show_prints_stars(
    file: Path, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    file.write_text(KEYED)
    assert config(file, "show", *form) == 0
    out = capsys.readouterr().out
    shown = json.loads(out) if form else tomllib.loads(out)
    assert "secret" not in out
    assert set(shown["tiers"][0]["api_key"]) == {"*"}
    assert shown["voice"]["speed"] == 1.0, "defaults are in force too"


def test_given_a_good_file_or_a_bad_one_then_check_says_which(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(KEYED)
    assert config(file, "check") == 0
    assert capsys.readouterr().out == f"{file} is fine.\n"
    file.write_text(KEYED + "\n[voice]\nspeed = 9\n")
    assert config(file, "check") == 1
    out = capsys.readouterr().out
    assert "line 7 (voice.speed): it must be at most 2.0" in out
    assert "secret" not in out
