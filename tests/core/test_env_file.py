from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.env_file import MASK, changed, difference, values
from strixdesk.core.errors import SettingsError

TEXT = """\
# ports
ORCH_PORT=8001   # the big one
export CODER_GPU_UTIL = 0.60
HF_TOKEN=hf_verysecret
NAME="two words"
RAW='a $b'

EMPTY=
"""


def test_values_are_read_without_quotes_and_comments() -> None:
    assert values(TEXT) == {
        "ORCH_PORT": "8001",
        "CODER_GPU_UTIL": "0.60",
        "HF_TOKEN": "hf_verysecret",
        "NAME": "two words",
        "RAW": "a $b",
        "EMPTY": "",
    }


def test_a_change_leaves_everything_else_as_it_was() -> None:
    after = changed(TEXT, {"ORCH_PORT": "9001", "NAME": "three words now", "RAW": "c"})
    assert after == TEXT.replace("8001", "9001").replace("two words", "three words now").replace(
        "a $b", "c"
    )


def test_a_new_name_is_added_at_the_end() -> None:
    assert changed("A=1", {"B": "x y"}) == 'A=1\nB="x y"\n'


def test_the_last_of_several_lines_counts_and_is_changed() -> None:
    assert changed("A=1\nA=2\n", {"A": "3"}) == "A=1\nA=3\n"


def test_line_ends_stay() -> None:
    assert changed("A=1\r\nB=2\r\n", {"A": "3"}) == "A=3\r\nB=2\r\n"


@pytest.mark.parametrize(("name", "value"), [("A B", "1"), ("A", "1\nB=2"), ("", "x"), ("A", "\0")])
def test_what_could_break_out_of_its_line_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError):
        changed(TEXT, {name: value})


def test_a_diff_shows_the_change() -> None:
    diff = difference(TEXT, changed(TEXT, {"CODER_GPU_UTIL": "0.55"}))
    assert "-export CODER_GPU_UTIL = 0.60" in diff
    assert "+export CODER_GPU_UTIL = 0.55" in diff


@pytest.mark.parametrize(
    "line",
    [
        "HF_TOKEN=hf_verysecret",
        "OPENAI_API_KEY='hf_verysecret'",
        "DB_PASSWORD = hf_verysecret # mine",
        "# HF_TOKEN=hf_verysecret",
        "PROXY=http://me:hf_verysecret@proxy:80",
        'PRIVATE_KEY="begin\nhf_verysecret\nend"',
    ],
)
def test_no_diff_shows_a_secret(line: str) -> None:
    before = f"A=1\n{line}\nB=1\n"
    for after in (before.replace("=1", "=2"), before.replace("hf_very", "new")):
        shown = difference(before, after)
        assert "verysecret" not in shown
        assert "newsecret" not in shown
        assert MASK in shown


def test_nothing_changed_is_no_diff() -> None:
    assert difference(TEXT, changed(TEXT, {"ORCH_PORT": "8001"})) == ""


LINE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f\x85"))


@given(st.text(max_size=200), LINE)
def test_what_is_written_reads_back(text: str, value: str) -> None:
    if "\u2028" in value or "\u2029" in value:
        return
    assert values(changed(text, {"SOME_NAME": value.strip()}))["SOME_NAME"] == value.strip()
