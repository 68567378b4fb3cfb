"""Settings are saved: a person's file stays theirs, whatever is changed in it."""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from strixdesk.core.errors import SettingsError
from strixdesk.core.tier import Capability
from strixdesk.settings import (
    BoxSettings,
    ChatSettings,
    ControlSettings,
    MicrophoneSettings,
    Settings,
    TierSettings,
    UiSettings,
    VoiceSettings,
)
from strixdesk.settings_file import load, save

COMMENTED = """\
# my settings
default_tier = "coder"   # who else

[ui]
theme = "dark"  # eyes

# the small one
[[tiers]]
name = "utility"  # on the box
base_url = "http://strix:8012/v1"
api_key = "sk-secret-123456"

# code goes here
[[tiers]]
base_url = "http://strix:8002/v1"
name = "coder"
# its role
role = "coder"

[voice]
# a little faster
speed = 1.2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "strixdesk.toml"


def test_given_nothing_changed_then_not_a_byte_of_the_file_does(file: Path) -> None:
    file.write_text(COMMENTED)
    save(file, load(file).settings)
    assert file.read_text() == COMMENTED


def test_given_one_change_then_only_its_line_differs(file: Path) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    save(file, settings.model_copy(update={"ui": UiSettings(theme="light")}))
    changed = [
        (a, b)
        for a, b in zip(COMMENTED.splitlines(), file.read_text().splitlines(), strict=True)
        if a != b
    ]
    assert changed == [('theme = "dark"  # eyes', 'theme = "light"  # eyes')]


def test_given_a_new_file_then_only_what_differs_from_the_defaults_is_in_it(file: Path) -> None:
    save(file, Settings(ui=UiSettings(theme="light"), default_tier="x"))
    assert tomllib.loads(file.read_text()) == {"default_tier": "x", "ui": {"theme": "light"}}


def tiers(settings: Settings, *chosen: TierSettings) -> Settings:
    return settings.model_copy(update={"tiers": chosen})


def test_given_a_removed_tier_then_it_goes_with_its_comment_and_nothing_else(file: Path) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    save(file, tiers(settings, settings.tiers[1]))
    text = file.read_text()
    assert load(file).settings.tiers == (settings.tiers[1],)
    assert "the small one" not in text
    for comment in ("# my settings", "# who else", "# eyes", "# code goes here", "# its role"):
        assert comment in text
    assert text.startswith(COMMENTED[: COMMENTED.index("# the small one")])
    assert text.endswith(COMMENTED[COMMENTED.index("# code goes here") :])


def test_given_the_last_tier_removed_then_the_comments_of_others_stay(file: Path) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    save(file, tiers(settings, settings.tiers[0]))
    text = file.read_text()
    assert "# code goes here" not in text
    assert "# on the box" in text
    assert "# a little faster" in text
    save(file, tiers(settings))
    assert load(file).settings.tiers == ()
    assert "# a little faster" in file.read_text()


def test_given_an_added_and_an_edited_tier_then_the_others_keep_their_comments(
    file: Path,
) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    edited = settings.tiers[0].model_copy(update={"model": "qwen"})
    new = TierSettings(name="new", base_url="http://n/v1", capabilities=frozenset(Capability))
    save(file, tiers(settings, edited, settings.tiers[1], new))
    text = file.read_text()
    assert load(file).settings.tiers == (edited, settings.tiers[1], new)
    for line in COMMENTED.splitlines():
        assert line in text.splitlines()


def test_given_tiers_in_another_order_then_they_are_saved_in_that_order(file: Path) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    turned = tiers(settings, *reversed(settings.tiers))
    save(file, turned)
    assert load(file).settings == turned
    assert "# its role" in file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "tiers = [{ name = 'x', base_url = 'http://x' }, { name = 'y', base_url = 'http://y' }]",
        "[[tiers]]\nname='x'\nbase_url='http://x'\n[ui]\ntheme='dark'\n[[tiers]]\nname='y'\n"
        "base_url='http://y'\n",
        '[chat]\nsystem_prompt = """\n[[tiers]]\nname = nobody\n"""\n[[tiers]]\nname="x"\n'
        'base_url="http://x"\n[[ "tiers" ]]\nname="y"\nbase_url="http://y"\n',
    ],
    ids=["inline", "apart", "misleading"],
)
def test_given_an_unusual_way_of_writing_then_a_removed_tier_is_all_that_goes(
    file: Path, text: str
) -> None:
    file.write_text(text)
    settings = load(file).settings
    assert [tier.name for tier in settings.tiers] == ["x", "y"]
    for kept in (settings.tiers[:1], settings.tiers[1:]):
        file.write_text(text)
        save(file, tiers(settings, *kept))
        assert load(file).settings == tiers(settings, *kept)


def test_given_a_key_then_it_survives_a_save_of_something_else(file: Path) -> None:
    file.write_text(COMMENTED)
    settings = load(file).settings
    save(file, settings.model_copy(update={"default_tier": None}))
    again = load(file).settings
    assert again.tiers[0].tier().api_key == "sk-secret-123456"
    assert again.default_tier is None


def test_given_a_file_that_was_edited_meanwhile_then_those_edits_stay(file: Path) -> None:
    file.write_text(COMMENTED)
    before = load(file).settings
    by_hand = COMMENTED.replace("1.2", "1.5") + (
        '\n[[tiers]]\nname = "mine"\nbase_url = "http://mine/v1"\n'
    )
    file.write_text(by_hand)
    new = TierSettings(name="new", base_url="http://n/v1")
    after = before.model_copy(
        update={"ui": UiSettings(theme="light"), "tiers": (before.tiers[1], new)}
    )
    save(file, after, before)
    now = load(file).settings
    assert now.voice.speed == 1.5
    assert now.ui.theme == "light"
    assert [tier.name for tier in now.tiers] == ["coder", "new", "mine"]


def test_given_a_save_then_only_the_user_can_read_the_file(file: Path) -> None:
    file.write_text(COMMENTED)
    file.chmod(0o644)
    save(file, Settings())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file], "no temporary file is left"


def test_given_a_link_then_it_stays_one(tmp_path: Path, file: Path) -> None:
    target = tmp_path / "dotfiles" / "strixdesk.toml"
    file.symlink_to(target)
    save(file, Settings(ui=UiSettings(theme="dark")))
    assert file.is_symlink()
    assert load(target).settings.ui.theme == "dark"


def test_given_a_disk_that_refuses_then_the_file_is_as_before_and_a_sentence_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(COMMENTED)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        save(file, Settings())
    assert file.read_text() == COMMENTED
    assert list(file.parent.iterdir()) == [file]


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
TIER = st.builds(
    TierSettings,
    name=st.from_regex(r"[A-Za-z0-9.ü\"'#\[][A-Za-z0-9 .ü\"'#\[\]=]{0,20}", fullmatch=True),
    base_url=st.sampled_from(["http://a:1/v1", "https://b/v1"]),
    role=WORDS,
    model=st.none() | WORDS,
    capabilities=st.none() | st.frozensets(st.sampled_from(list(Capability))),
    context_tokens=st.none() | st.integers(256, 10**6),
    api_key=st.none() | WORDS,
)
SETTINGS = st.builds(
    Settings,
    tiers=st.lists(TIER, max_size=4, unique_by=lambda tier: tier.name.casefold()).map(tuple),
    default_tier=st.none() | WORDS,
    chat=st.builds(ChatSettings, system_prompt=WORDS, temperature=st.none() | st.floats(0, 2)),
    voice=st.builds(VoiceSettings, speed=st.floats(0.5, 2.0), enabled=st.booleans()),
    microphone=st.builds(MicrophoneSettings, device=st.none() | WORDS),
)


@effort(max_examples=30, deadline=None)
@given(first=SETTINGS, second=SETTINGS)
def test_given_any_settings_then_they_come_back_as_they_were_saved(
    first: Settings, second: Settings
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "strixdesk.toml"
        file.write_text(COMMENTED)
        for wanted in (first, second):
            save(file, wanted)
            loaded = load(file)
            assert loaded.problem is None
            assert loaded.settings == wanted
        assert "# eyes" in file.read_text() or second.ui == UiSettings()


def test_given_a_box_with_controlled_tiers_then_only_what_says_something_is_written(
    file: Path,
) -> None:
    tier = TierSettings(
        name="coder",
        base_url="http://strix:8002/v1",
        control=ControlSettings(box="strix", unit="vllm_coder"),
    )
    settings = Settings(boxes=(BoxSettings(name="strix", host="strix"),), tiers=(tier,))
    save(file, settings)
    assert tomllib.loads(file.read_text()) == {
        "boxes": [{"name": "strix", "host": "strix"}],
        "tiers": [
            {
                "name": "coder",
                "base_url": "http://strix:8002/v1",
                "control": {"box": "strix", "unit": "vllm_coder"},
            }
        ],
    }
    assert load(file).settings == settings


def test_given_a_removed_box_then_the_others_keep_their_comments(file: Path) -> None:
    file.write_text(
        '# the old one\n[[boxes]]\nname = "a"\n# mine\n[[boxes]]\nname = "b"\nhost = "b"  # lan\n'
    )
    settings = load(file).settings
    save(file, settings.model_copy(update={"boxes": settings.boxes[1:]}))
    assert file.read_text() == '# mine\n[[boxes]]\nname = "b"\nhost = "b"  # lan\n'
