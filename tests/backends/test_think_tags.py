from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends.think_tags import ThinkTags


def split(*deltas: str) -> tuple[str, str]:
    """(answer, thinking)"""
    tags = ThinkTags()
    parts = [*(tags.feed(delta) for delta in deltas), tags.finish()]
    return "".join(part.text for part in parts), "".join(part.thinking for part in parts)


@pytest.mark.parametrize(
    ("written", "answer", "thinking"),
    [
        ("Paris.", "Paris.", ""),
        ("<think>France…</think>Paris.", "Paris.", "France…"),
        ("<think>\nFrance…\n</think>\n\nParis.", "Paris.", "\nFrance…\n"),
        ("<thinking>a < b</thinking> Yes.", "Yes.", "a < b"),
        ("<think></think>\n\nParis.", "Paris.", ""),
        ("<think>one</think>\n<think>two</think>\nParis.", "Paris.", "onetwo"),
        ("<think>never closed", "", "never closed"),
        ("<think>almost closed</thin", "", "almost closed</thin"),
        ("The <think> tag is literal here.", "The <think> tag is literal here.", ""),
        ("<thin ice>", "<thin ice>", ""),
        ("  indented", "  indented", ""),
        ("<", "<", ""),
        ("", "", ""),
        ("a</think>b", "a</think>b", ""),
    ],
)
def test_thinking_is_told_from_the_answer(written: str, answer: str, thinking: str) -> None:
    assert split(written) == (answer, thinking)


pieces = st.sampled_from(
    ["<think>", "</think>", "<thinking>", "</thinking>", "<", ">", "/", "think", " ", "\n", "ab"]
)


@given(st.lists(pieces, max_size=12).map("".join), st.data())
def test_tags_cut_over_deltas_give_the_same(written: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    edges = [0, *cuts, len(written)]
    deltas = [written[a:b] for a, b in itertools.pairwise(edges)]
    assert split(*deltas) == split(written)


def test_the_first_words_of_an_answer_are_not_held_back() -> None:
    assert ThinkTags().feed("The").text == "The"


def test_thinking_is_handed_on_while_it_is_written() -> None:
    tags = ThinkTags()
    assert tags.feed("<think>so far").thinking == "so far"
