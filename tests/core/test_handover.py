"""One tier began the answer, another continues it: no word twice, none missing."""

from __future__ import annotations

import random
import unicodedata
from typing import Literal

import pytest

from strixdesk.core.handover import Continuation, inside_fence, instruction
from strixdesk.core.prefill import Prefill, broken_from, prefill

WORDS = " ".join(f"w{n}" for n in range(1, 201))
PROSE = (
    "The harbour was quiet that morning. A few gulls sat on the wall, and the boats lay still. "
    "“Nobody sails today,” said the old man; he had seen such skies before. Then the wind rose."
)
CODE = (
    "Here is the function:\n\n```python\ndef add(a, b):\n    if a is None:\n        return b\n"
    "    return a + b\n```\n\nCall it with two numbers."
)
SIGNS = (
    "Die Fähre kostet 3,50 €, sagt Zoë; siehe https://example.org/a_b-c?d=1#e (neu).\n\n"
    "1. **Fett** und `code`\n2. 東京は日本の首都で、とても"
    "大きな都市です。人々は毎日電車に乗ります。\n"
    "Family 👩‍👩‍👧‍👦, thumbs 👍🏽, flags 🇨🇭.\n\n| a | b |\n|---|---|\n"
    "c2FtcGxlIHRleHQgdGhhdCBpcyBub3QgYSB3b3JkIGF0IGFsbA==\n"
)
TEXTS = {"words": WORDS, "prose": PROSE, "code": CODE, "signs": SIGNS}
LATIN = {name: text for name, text in TEXTS.items() if name != "signs"}


def continued(so_far: str, said: str, *, prefilled: Prefill | None = None, piece: int = 3) -> str:
    joint = Continuation(so_far, prefilled=prefilled)
    new = [joint.feed(said[at : at + piece]) for at in range(0, len(said), piece)]
    return so_far + "".join(new) + joint.finish()


def last_words(text: str, count: int) -> int:
    """Where the last so many words begin."""
    at = len(text.rstrip())
    for _ in range(count):
        at = max(text.rfind(" ", 0, at), text.rfind("\n", 0, at))
    return at + 1


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_a_prefilled_answer_goes_on_where_it_was_cut_wherever_that_is(
    name: str, piece: int
) -> None:
    whole = TEXTS[name]
    for cut in range(len(whole)):
        given = prefill(whole[:cut])
        rest = whole[len(given.given) :]
        assert continued(whole[:cut], rest, prefilled=given, piece=piece) == whole


@pytest.mark.parametrize("name", TEXTS)
def test_a_word_that_is_given_as_it_was_cut_goes_on_there(name: str) -> None:
    whole = TEXTS[name]
    for cut in range(len(whole)):
        given = prefill(whole[:cut], exact=True)
        rest = whole[len(given.given) :]
        assert continued(whole[:cut], rest, prefilled=given) == whole


@pytest.mark.parametrize(
    ("so_far", "given", "again"),
    [
        ("It is Par", "It is", " Par"),
        ("It is Paris. ", "It is Paris.", " "),
        ("Look:\n\n- **Bo", "Look:\n\n-", " **Bo"),
        ("Look:\n\n```pyt", "Look:", "\n\n```pyt"),
        ("Par", "Par", ""),
        ("  \n", "", ""),
        ("Sum: " + "a" * 80, "Sum: " + "a" * 48, "a" * 32),
        ("Yes " + "👩‍👩‍👧‍👦" * 8, "Yes " + "👩‍👩‍👧‍👦" * 3, "👩‍👩‍👧‍👦" * 5),
    ],
)
def test_a_server_is_given_the_text_before_the_last_word_which_it_writes_again(
    so_far: str, given: str, again: str
) -> None:
    assert prefill(so_far) == Prefill(given, again)


@pytest.mark.parametrize(
    ("again", "whole"),
    [(" Paris, of course.", "It is Paris, of course."), ("Paris", "It is Paris")],
)
def test_white_space_before_the_word_that_is_written_again_stands_there_once(
    again: str, whole: str
) -> None:
    assert continued("It is Par", again, prefilled=prefill("It is Par"), piece=1) == whole


@pytest.mark.parametrize(
    ("text", "last"),
    [
        *(("", ""), ("One.", ""), ("One ", ""), ("He said “one”", ""), ("One tw", "tw")),
        *(("It is 3.", "3."), ("It is 3,1", "3,1"), ("One: ", ""), ("un cafe\u0301", "cafe\u0301")),
    ],
)
def test_a_text_may_end_within_its_last_word_or_number(text: str, last: str) -> None:
    assert text[broken_from(text) :] == last


@pytest.mark.parametrize("said", [" London", " Pa", ""])
def test_another_word_than_the_one_that_was_begun_is_not_used(said: str) -> None:
    joint = Continuation("It is Par", prefilled=prefill("It is Par"))
    assert joint.feed(said) + joint.finish() == ""
    assert joint.differs


@pytest.mark.parametrize("name", LATIN)
@pytest.mark.parametrize("count", [3, 12])
def test_the_last_words_said_again_are_taken_out(name: str, count: int) -> None:
    whole = TEXTS[name]
    for cut in range(60, len(whole)):
        assert continued(whole[:cut], whole[last_words(whole[:cut], count) :]) == whole


@pytest.mark.parametrize("name", TEXTS)
def test_an_answer_said_again_from_its_beginning_is_taken_out(name: str) -> None:
    whole = TEXTS[name]
    for cut in range(1, len(whole)):
        assert continued(whole[:cut], whole) == whole


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("begun_in", ["NFC", "NFD"])
def test_accents_may_be_written_in_one_with_their_letter_or_behind_it(
    begun_in: Literal["NFC", "NFD"], form: Literal["NFC", "NFD"]
) -> None:
    whole = "Zoë aß crème brûlée, à la carte, müßig. 한국어는 재미있습니다. Ça y est : là-bas."
    for cut in range(20, len(whole)):
        so_far = unicodedata.normalize(begun_in, whole[:cut])
        again = unicodedata.normalize(form, whole[last_words(whole[:cut], 3) :])
        assert unicodedata.normalize("NFC", continued(so_far, again)) == whole


@pytest.mark.parametrize(
    "whole",
    [
        "東京は日本の首都で、とても大きな都市です。友達は毎日電車に乗ります。とても速いです。",
        "ภาษาไทยเป็นภาษาที่น่าสนใจมากและมีคนพูดหลายล้านคน",
    ],
)
@pytest.mark.parametrize("count", [6, 12])
def test_scripts_without_spaces_may_be_said_again_from_any_character(
    whole: str, count: int
) -> None:
    for cut in range(count, len(whole)):
        assert continued(whole[:cut], whole[cut - count :]) == whole


def test_numbered_words_go_on_without_any_repetition_even_in_the_middle_of_a_word() -> None:
    for cut in range(4, len(WORDS)):
        assert continued(WORDS[:cut], WORDS[cut:].lstrip()) == WORDS


def test_how_the_words_are_cut_into_pieces_does_not_matter() -> None:
    chance = random.Random(3)
    for _ in range(200):
        cut = chance.randrange(70, len(PROSE))
        said = PROSE[last_words(PROSE[:cut], chance.randrange(1, 9)) :]
        once = continued(PROSE[:cut], said, piece=10_000)
        assert continued(PROSE[:cut], said, piece=chance.randrange(1, 9)) == once


def test_nor_does_it_with_signs_of_all_kinds() -> None:
    signs = [
        *("the", "a", "w1", "w2", "Sure", ",", "continuing:", "```python", "```", "-", "|", "**"),
        *("1.", ";", "“", "e\u0301", "東", "👩\u200d", "ß"),
    ]
    signs += ["\n", "\n\n", " ", "  ", "\t", "```\n", "here is the rest:", "<think>"]
    chance = random.Random(4)
    for _ in range(2000):
        so_far = "".join(chance.choices(signs, k=chance.randrange(1, 20)))
        begun = so_far[chance.randrange(len(so_far)) :]
        said = "".join([*chance.choices([begun, "", "Sure. "]), *chance.choices(signs, k=6)])
        given = chance.choice([None, prefill(so_far)])
        once = continued(so_far, said, prefilled=given, piece=1000)
        assert continued(so_far, said, prefilled=given, piece=chance.randrange(1, 5)) == once


@pytest.mark.parametrize(
    "introduction",
    [
        *("Sure, continuing: ", "Okay.\n\n", "Got it! ", "[continued] ", "**Continuing:**\n\n"),
        *("Natürlich, hier geht es weiter:\n\n", "Here is the rest:\n", "Answer: "),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_an_introduction_is_known_by_the_repetition_behind_it(
    introduction: str, piece: int
) -> None:
    for cut in range(100, len(PROSE), 7):
        said = introduction + PROSE[last_words(PROSE[:cut], 12) :]
        assert continued(PROSE[:cut], said, piece=piece) == PROSE


@pytest.mark.parametrize("said", ["He said: no.", "Sure.\nNo", "(No.)", "- two\n- three"])
def test_what_only_looks_like_an_introduction_stays(said: str) -> None:
    assert continued("It was dark.\n\n", said) == f"It was dark.\n\n{said}"


@pytest.mark.parametrize(
    ("so_far", "said", "whole"),
    [
        ("One. Two and", "Sure, continuing:\n\nOne. Two and three.", "One. Two and three."),
        ("It was a dark night.", "It was a dark night. The end.", "It was a dark night. The end."),
        ("It was a dark night.", "The end.", "It was a dark night. The end."),
        ("It was a dark", "it was a **dark** night.", "It was a dark** night."),
        ("I like a", "apple trees.", "I like a apple trees."),
        ("I like appl", "apple trees.", "I like apple trees."),
        ("We count: one, two", ", three.", "We count: one, two, three."),
        ("The list:\n- one", "- two", "The list:\n- one\n- two"),
        ("The list:\n- one\n", "- one\n- two", "The list:\n- one\n- two"),
        ("So it is", "", "So it is"),
        ("So it is", "So it is", "So it is"),
        ("", "All of it.", "All of it."),
    ],
)
def test_the_joint(so_far: str, said: str, whole: str) -> None:
    assert continued(so_far, said, piece=2) == whole


def test_a_code_fence_that_is_opened_again_is_taken_out() -> None:
    so_far = "Look:\n\n```python\ndef add(a, b):\n    total ="
    said = "```python\n    total = a + b\n    return total\n```\nDone."
    assert continued(so_far, said) == (
        "Look:\n\n```python\ndef add(a, b):\n    total = a + b\n    return total\n```\nDone."
    )


def test_a_fence_that_is_closed_is_no_reopened_one() -> None:
    so_far = "```python\nx = 1\n"
    assert continued(so_far, "```") == "```python\nx = 1\n```"
    assert continued(so_far, "```\nDone.") == "```python\nx = 1\n```\nDone."


def test_a_last_sentence_in_slightly_other_words_is_not_said_twice() -> None:
    so_far = "The tide turned at noon, and the boats went out. Nobody on the wall said a word"
    said = (
        "The tide turned at noon and then the boats went out. Nobody on the wall said a word "
        "until dusk."
    )
    assert continued(so_far, said) == f"{so_far} until dusk."


@pytest.mark.parametrize("words_more", [0, 100])
def test_another_answer_that_only_begins_like_the_first_is_not_put_behind_it(
    words_more: int,
) -> None:
    joint = Continuation(PROSE)
    said = PROSE[:60] + "; and the fog came in." + " It stayed for days." * words_more
    assert joint.feed(said) + joint.finish() == ""
    assert not joint.caught_up


@pytest.mark.parametrize(
    ("so_far", "whole"),
    [
        ("So it is.", True),
        ("So it is", False),
        ("First,", False),
        ("**So it is**", True),
        ("Look:\n\n```\nx = (1)\n", False),
        ("Look:\n\n```\nx = (1)\n```\n", True),
    ],
)
@pytest.mark.parametrize("again", [True, False])
def test_whoever_is_told_to_go_on_and_does_not_ends_only_what_looks_whole(
    so_far: str, whole: bool, again: bool
) -> None:
    joint = Continuation(so_far)
    assert (joint.feed(so_far if again else "") + joint.finish()).strip() == ""
    assert joint.caught_up is whole


def test_nothing_but_a_part_of_what_was_said_is_no_end() -> None:
    joint = Continuation("w1 w2 w3 w4 w5 w6")
    assert joint.feed("w1 w2 w3 w4") + joint.finish() == ""
    assert not joint.caught_up


def test_words_are_let_through_as_soon_as_it_is_certain_that_they_are_new() -> None:
    joint = Continuation("The cat sat on the mat.")
    assert joint.feed("Then it slept.") == ""  # it could be “Then it goes on:”
    assert joint.feed(" And") == " Then it slept. And"
    assert not joint.holding
    assert joint.feed(" sl") == " sl"


def test_the_instruction_quotes_the_last_words_exactly() -> None:
    last = "w189 w190 w191 w192 w193 w194 w195 w196 w197 w198 w199 w200"
    assert instruction(WORDS).endswith(f"\n\n{last}")


def test_the_instruction_quotes_no_more_than_a_line_or_two() -> None:
    assert len(instruction("日本" * 2000)) < 500


@pytest.mark.parametrize(
    ("text", "inside"),
    [("```\nx", True), ("```\nx\n```\n", False), ("a ``` b", False), ("~~~\n```\n", True)],
)
def test_an_open_fence_is_noticed(text: str, inside: bool) -> None:
    assert inside_fence(text) is inside
