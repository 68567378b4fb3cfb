"""How an answer is cut into pieces to speak."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strixdesk.core.sentences import LONGEST_CHARS, SentenceSplitter, SpeechChunk
from tests.support.proportion import assert_in_proportion


def pieces(*deltas: str) -> list[SpeechChunk]:
    splitter = SentenceSplitter()
    chunks = [chunk for delta in deltas for chunk in splitter.feed(delta)]
    return chunks + splitter.flush()


def spoken(*deltas: str) -> list[str]:
    return [chunk.raw.strip() for chunk in pieces(*deltas)]


LEAD = "This is the first sentence of it. "


def after_the_lead(text: str) -> list[str]:
    return spoken(LEAD + text)[1:]


@pytest.mark.parametrize(
    "sentence",
    [
        "Ask Dr. Smith about all of this.",
        "Use fruit, e.g. Apples and pears, for that.",
        "The U.S. Army was founded some time ago.",
        "See No. 5 and Fig. 3 for the details.",
        "It costs 3.14 euros at the moment.",
        "Version v1.2.3 is out since yesterday.",
        "Read https://example.com/a.b?c=d.e for the rest.",
        "Open file.py and then main.rs, please.",
        "J. R. R. Tolkien wrote it all down.",
        "He waited ... and then he left again.",
        "“Really?” she asked him at once.",
        "The call `a.b. C` is code and stays whole.",
        "Read [the manual. All of it](https://example.com) today.",
        "At approx. 5 p.m. we meet at the door.",
        "Prof. Dr. Who vs. Mr. Hyde is on tonight.",
        "It was made by Foo Inc. and is sold by others.",
        "Address 192.168.0.1. is a strange way to write it.",
    ],
)
def test_a_point_inside_a_sentence_does_not_cut_it(sentence: str) -> None:
    assert after_the_lead(sentence + " Then something else follows.") == [
        sentence,
        "Then something else follows.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It happened in 2020. Then it stopped there.",
            ["It happened in 2020.", "Then it stopped there."],
        ),
        ("That cannot be! But it is so, is it?", ["That cannot be!", "But it is so, is it?"]),
        (
            "We bought pears, etc. The rest was gone.",
            ["We bought pears, etc.", "The rest was gone."],
        ),
        (
            "I do not think so: no. Ask again tomorrow.",
            ["I do not think so: no.", "Ask again tomorrow."],
        ),
        ("He said “go away.” Nobody did that.", ["He said “go away.”", "Nobody did that."]),
        (
            "**Mind the gap here.** It is wide enough.",
            ["**Mind the gap here.**", "It is wide enough."],
        ),
        ("What is that?! Nobody knows it yet.", ["What is that?!", "Nobody knows it yet."]),
        ("The first paragraph\n\nthe second one", ["The first paragraph", "the second one"]),
        (
            "今日は天気がいいですね。散歩に行きましょう！",
            ["今日は天気がいいですね。", "散歩に行きましょう！"],
        ),
        ("यह पहला वाक्य है। यह दूसरा वाक्य है।", ["यह पहला वाक्य है।", "यह दूसरा वाक्य है।"]),
        ("هل هذا صحيح فعلا؟ نعم هذا صحيح.", ["هل هذا صحيح فعلا؟", "نعم هذا صحيح."]),
    ],
)
def test_sentences_are_cut_where_they_end(text: str, expected: list[str]) -> None:
    assert after_the_lead(text) == expected


def test_the_first_piece_ends_at_a_clause_so_that_speech_starts_soon() -> None:
    splitter = SentenceSplitter()
    first = splitter.feed("The capital of France is Paris, which ")
    assert [chunk.raw for chunk in first] == ["The capital of France is Paris,"]


def test_a_long_first_phrase_without_marks_ends_before_a_conjunction() -> None:
    splitter = SentenceSplitter()
    text = "The machine in the corner of the room hums quietly because nobody turned it off"
    assert [c.raw for c in splitter.feed(text)] == [
        "The machine in the corner of the room hums quietly"
    ]


def test_a_short_first_sentence_is_spoken_at_once() -> None:
    assert [c.raw for c in SentenceSplitter().feed("Sure! Here")] == ["Sure!"]


@pytest.mark.parametrize("opening", ["Well, it depends", "In 1,234 years from now", "1. Take"])
def test_too_little_is_not_spoken_alone(opening: str) -> None:
    assert SentenceSplitter().feed(opening) == []


def test_later_clauses_wait_for_their_sentence() -> None:
    assert after_the_lead("One thing, another thing, and a last thing. End of it all.") == [
        "One thing, another thing, and a last thing.",
        "End of it all.",
    ]


def test_a_very_short_sentence_is_spoken_with_the_next() -> None:
    assert after_the_lead("Yes. No. That is the whole story.") == [
        "Yes. No. That is the whole story."
    ]


def test_list_items_end_where_their_line_ends() -> None:
    text = "- The first item of them\n- The second item of them\n1. The third item of them\n"
    assert after_the_lead(text) == [
        "- The first item of them",
        "- The second item of them",
        "1. The third item of them",
    ]


def test_wrapped_lines_go_on() -> None:
    wrapped = "A line that somebody wrapped at some sixty columns or so because\nJohn likes that."
    assert after_the_lead(wrapped + " A new sentence.") == [wrapped, "A new sentence."]


def test_text_before_code_is_spoken_without_waiting_for_its_end() -> None:
    splitter = SentenceSplitter()
    assert [c.raw for c in splitter.feed("Like this\n```py\nprint('a. B')\n")] == ["Like this\n"]


@pytest.mark.parametrize(
    "block",
    [
        "```python\nprint('One. Two. Three.')\n\n# A comment. And more.\n```",
        "~~~\nOne. Two. Three four five six seven.\n```\nEight. Nine.\n~~~",
        "````\n```\nInner. Fence. And more of it.\n```\n````",
        "| City. A | Size. B |\n|---|---|\n| Rome. One | Two. Three |",
        "$$\nx = 1. And. More of it here\n$$",
        "> ```\n> Quoted. Code. And more.\n> ```",
        "```\nnever closed. Not at all. Really not.",
    ],
)
def test_blocks_are_pieces_of_their_own(block: str) -> None:
    tail = "" if "never closed" in block else "\nAnd this comes after it."
    expected = [block, "And this comes after it."] if tail else [block]
    assert after_the_lead("\n" + block + tail) == expected


def test_text_without_any_mark_is_cut_between_words() -> None:
    chunks = pieces(LEAD + "word " * 500)
    assert all(len(chunk.raw) <= LONGEST_CHARS for chunk in chunks)
    assert all(chunk.raw.strip().endswith("word") for chunk in chunks[1:])


SCRAPS = """Hello world§. §, §! §? §```§```py§`§**§[§](§)§- §1. §# §| a |§$$§\\[§\\]§Dr. §e.g. §U.S.
§3.14§...§… §。§」§“§” §! ”§ and § because §—§ - §~~~§> §   §😀§The end§x§I. §No. 5§\t§
§

§    """
markdownish = st.lists(
    st.sampled_from(SCRAPS.split("§")) | st.text(max_size=4),
    max_size=60,
).map("".join)


@given(text=markdownish, cuts=st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=300, deadline=None)
def test_how_the_stream_is_sliced_changes_nothing_and_nothing_is_lost(
    text: str, cuts: list[int]
) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    deltas = [text[a:b] for a, b in pairwise(edges)]
    whole = pieces(text)
    assert pieces(*deltas) == whole
    assert pieces(*text) == whole
    position = 0
    for chunk in whole:
        assert (chunk.start, text[chunk.start : chunk.end]) == (position, chunk.raw)
        assert chunk.raw.strip()
        position = chunk.end
    assert not text[position:].strip()


@pytest.mark.parametrize(
    "filler", ["word ", "[", "`", "x", ". ", ">", "\n", "...", "a, ", "```\n", "| a |\n", "$$\n"]
)
def test_a_huge_answer_takes_time_in_proportion(filler: str) -> None:
    def cut(chars: int) -> None:
        text = (filler * chars)[:chars]
        splitter = SentenceSplitter()
        for at in range(0, len(text), 5):
            splitter.feed(text[at : at + 5])
        chunks = splitter.flush()
        assert sum(len(chunk.raw) for chunk in chunks) <= len(text)

    assert_in_proportion(cut)
