"""What a tier is sent: pure, over conversations of any shape."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from strixdesk.core.conversation import Image, Message, MessageStatus, Offer, Role, Text
from strixdesk.core.summary import Summary
from strixdesk.core.tokens import estimated_tokens
from strixdesk.session.prompt import Prompt, build_prompt, needed_tokens

SYSTEM = "You are a helpful assistant. Answer clearly and briefly unless asked for more."
PICTURE = Image("0" * 64, "image/png", 640, 480)


def said(number: int, words: str, role: Role = Role.USER) -> Message:
    return Message(str(number), role, (Text(words),), MessageStatus.COMPLETE, float(number))


def talk(turns: int, words: str = "some words of a talk") -> tuple[Message, ...]:
    """Questions and answers, then one more question."""
    return tuple(
        said(number, f"{words} {number}", Role.ASSISTANT if number % 2 else Role.USER)
        for number in range(2 * turns + 1)
    )


def prompt(
    history: tuple[Message, ...],
    *,
    context_tokens: int | None = 4096,
    vision: bool = False,
    summary: Summary | None = None,
    notes: tuple[str, ...] = (),
    max_answer_tokens: int = 1024,
) -> Prompt:
    return build_prompt(
        SYSTEM,
        history,
        vision=vision,
        context_tokens=context_tokens,
        max_answer_tokens=max_answer_tokens,
        summary=summary,
        notes=notes,
    )


def rendered(of: Prompt) -> str:
    """As a chat template lays it out."""
    return "".join(f"<|{one.role}|>\n{one.text}<|end|>\n" for one in of.messages)


def texts(of: Prompt) -> list[str]:
    return [one.text for one in of.messages[1:]]


def digest(through: int, text: str = "They talked about boats.") -> Summary:
    return Summary(text, str(through), through + 1, 900, 40, "utility", 1.0)


# ---- the order of things ----------------------------------------------------------------------


def test_the_system_prompt_is_first_and_never_changes() -> None:
    for history in (talk(0), talk(40), talk(400, "long words " * 20)):
        for notes in ((), ("It rains.",)):
            assert prompt(history, notes=notes, summary=digest(1)).messages[0].text == SYSTEM


def test_what_holds_for_this_question_only_is_at_the_very_end() -> None:
    assert rendered(prompt(talk(3), notes=("It rains.",))).endswith("6\n\n[It rains.]<|end|>\n")


def test_an_answer_that_was_cut_off_is_marked_and_the_tier_is_told_at_the_end() -> None:
    question, answer, next_one = talk(1)
    cut = replace(answer, status=MessageStatus.INCOMPLETE)
    got = texts(prompt((question, cut, next_one)))
    assert got[1].endswith("1 […]")
    assert got[2].endswith("[Your last answer was cut off.]")
    later = texts(prompt((question, cut, next_one, *talk(1)[1:])))
    assert not any("cut off" in text for text in later), "it holds for one question only"


def test_a_picture_goes_to_a_tier_that_sees_and_is_named_to_one_that_does_not() -> None:
    history = (Message("1", Role.USER, (PICTURE, Text("Look")), MessageStatus.COMPLETE, 1.0),)
    assert prompt(history, vision=True).messages[-1].images == (PICTURE,)
    blind = prompt(history).messages[-1]
    assert (blind.images, blind.text) == ((), "Look\n[1 picture(s), not shown to this model]")


def test_failed_answers_and_empty_questions_are_not_sent() -> None:
    failed = replace(said(1, "x", Role.ASSISTANT), status=MessageStatus.FAILED)
    assert texts(prompt((said(0, "a"), failed, said(2, " "), said(3, "b")))) == ["a\n\nb"]


def test_of_several_answers_to_a_question_the_last_one_is_sent() -> None:
    cut = replace(said(1, "On", Role.ASSISTANT), status=MessageStatus.INCOMPLETE)
    again = said(2, "One.", Role.ASSISTANT)
    assert texts(prompt((said(0, "a"), cut, again, said(3, "b")))) == ["a", "One.", "b"]


def test_both_sides_take_turns_and_a_question_without_an_answer_keeps_its_picture() -> None:
    shown = replace(said(0, ""), parts=(PICTURE, Text("What is it?")))
    sent = prompt((shown, said(1, "Hello?")), vision=True).messages[1:]
    assert [(one.role, one.text, one.images) for one in sent] == [
        ("user", "What is it?\n\nHello?", (PICTURE,))
    ]


# ---- what does not fit ------------------------------------------------------------------------


def test_a_question_that_waits_or_was_dropped_is_not_asked_along_with_the_next() -> None:
    def unanswered(number: int, offer: Offer) -> Message:
        parts = (Text(""), offer)
        return Message(str(number), Role.ASSISTANT, parts, MessageStatus.FAILED, float(number))

    history = (
        said(0, "This waits."),
        unanswered(1, Offer(waits=True)),
        said(2, "This was dropped, and is asked again."),
        unanswered(3, Offer(dropped=True)),
        unanswered(4, Offer(waits=True)),
        said(5, "This failed."),
        unanswered(6, Offer(("utility",))),
        said(7, "This is asked now."),
    )
    assert texts(prompt(history)) == ["This failed.\n\nThis is asked now."]
    again = history[:4]  # the one that waits for the tier last
    assert texts(prompt(again)) == ["This was dropped, and is asked again."]


def test_everything_is_sent_where_it_fits_or_the_size_is_not_known() -> None:
    assert prompt(talk(5)).left_out == 0
    assert prompt(talk(500), context_tokens=None).left_out == 0


def test_what_does_not_fit_is_left_out_oldest_first_and_is_counted() -> None:
    history = talk(100, "word " * 20)
    got = prompt(history)
    assert len(got.messages) - 1 + got.left_out == len(history)
    first, *rest = texts(got)
    assert first.startswith(f"[{got.left_out} older messages are not shown here.]\n\nword")
    assert rest == [message.text for message in history[got.left_out + 1 :]]
    assert got.messages[1].role == "user"
    assert got.left_out_words() == (
        f"The {got.left_out} oldest messages did not fit and were left out."
    )


def test_the_last_question_always_goes() -> None:
    huge = said(3, "word " * 10_000)
    assert texts(prompt((*talk(1), huge)))[-1].endswith(huge.text)


@pytest.mark.parametrize(
    ("context_tokens", "answer_tokens"), [(None, 1024), (100_000, 1024), (2048, 512), (100, 64)]
)
def test_a_small_context_keeps_a_quarter_for_the_answer(
    context_tokens: int | None, answer_tokens: int
) -> None:
    assert prompt(talk(1), context_tokens=context_tokens).answer_tokens == answer_tokens


@effort(deadline=None)
@example(lengths=[0, 0, 0], context_tokens=512, summarised=True)
@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=60),
    st.sampled_from([512, 2048, 8192]),
    st.booleans(),
)
def test_a_prompt_is_never_larger_than_the_context_but_for_its_last_question(
    lengths: list[int], context_tokens: int, summarised: bool
) -> None:
    history = tuple(
        said(number, "x" * length, Role.ASSISTANT if number % 2 else Role.USER)
        for number, length in enumerate(lengths)
    )
    summary = digest(1) if summarised and len(history) > 2 else None
    got = prompt(history, context_tokens=context_tokens, summary=summary)
    assert got.tokens + got.answer_tokens <= context_tokens or len(got.messages) <= 2
    assert got.tokens == pytest.approx(
        sum(one.tokens(estimated_tokens) for one in got.messages), abs=4
    )


# ---- a summary --------------------------------------------------------------------------------


def test_a_summary_stands_before_the_first_message_that_it_does_not_cover() -> None:
    history = talk(4)
    got = prompt(history, summary=digest(3))
    assert texts(got)[0] == (
        "[What was said before, in short:\nThey talked about boats.\n]\n\n" + history[4].text
    )
    assert texts(got)[1:] == [message.text for message in history[5:]]
    assert (got.summarised, got.left_out) == (4, 0)


def test_a_summary_of_what_came_later_is_not_used_for_an_earlier_question() -> None:
    history = talk(2)
    assert texts(prompt(history[:3], summary=digest(3))) == [one.text for one in history[:3]]


def test_a_summary_makes_the_conversation_need_less() -> None:
    history = talk(40)
    whole = needed_tokens(SYSTEM, history, vision=False)
    assert needed_tokens(SYSTEM, history, vision=False, summary=digest(59)) < whole / 2


# ---- prefixes ---------------------------------------------------------------------------------


def common_prefix(one: str, other: str) -> int:
    """Characters."""
    if other.startswith(one):
        return len(one)
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)


def mean_share(lengths: list[tuple[int, int]], context_tokens: int) -> float:
    """Of each prompt, how much is an exact prefix of the next one; the mean over all turns."""
    history: tuple[Message, ...] = ()
    shares: list[float] = []
    before = ""
    for turn, (asked, answered) in enumerate(lengths):
        history = (*history, said(2 * turn, f"{turn}: " + "ask " * asked))
        now = rendered(prompt(history, context_tokens=context_tokens))
        if before:
            shares.append(common_prefix(before, now) / len(before))
        before = now
        answer = said(2 * turn + 1, f"{turn}: " + "word " * answered, Role.ASSISTANT)
        history = (*history, answer)
    return sum(shares) / len(shares)


TURNS = st.lists(st.tuples(st.integers(2, 40), st.integers(5, 160)), min_size=60, max_size=60)


@effort(deadline=None, max_examples=25)
@given(TURNS, st.sampled_from([16_384, 32_768]))
def test_of_60_turns_95_percent_of_each_prompt_is_the_beginning_of_the_next(
    lengths: list[tuple[int, int]], context_tokens: int
) -> None:
    assert mean_share(lengths, context_tokens) >= 0.95


def test_even_where_old_turns_have_to_go_prompts_seldom_begin_anew() -> None:
    lengths = [(20, 120)] * 60
    assert prompt(talk(60, "word " * 140), context_tokens=8192).left_out, "they do have to go"
    assert mean_share(lengths, 8192) >= 0.95
