"""When an utterance is decoded while it is still being spoken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from strixdesk.voice.decode_ahead import Standing, Step, next_step

_SPEAKING = Standing(
    heard_s=1.0,
    speech_end_s=1.0,
    decoded_s=0.0,
    doubtful=False,
    finished=False,
    paused=False,
    drafts_wanted=False,
    rested_s=60.0,
    cost_s=0.2,
)
_PAUSED = replace(_SPEAKING, heard_s=1.3)
_DECODED = replace(_PAUSED, decoded_s=1.3)


@pytest.mark.parametrize(
    ("standing", "step"),
    [
        (_SPEAKING, Step.WAIT),
        (replace(_SPEAKING, paused=True), Step.DECODE),
        (_PAUSED, Step.DECODE),
        (_DECODED, Step.WAIT),
        (replace(_DECODED, finished=True), Step.ANSWER),
        (replace(_DECODED, heard_s=1.5, finished=True), Step.ANSWER),
        (replace(_DECODED, heard_s=2.0, speech_end_s=2.0, finished=True), Step.DECODE),
        (replace(_SPEAKING, finished=True), Step.DECODE),
        (replace(_SPEAKING, speech_end_s=0.0, finished=True), Step.ANSWER),
        (replace(_SPEAKING, heard_s=3.5, speech_end_s=0.0), Step.SETTLE),
    ],
    ids=[
        "speaking",
        "told of a pause",
        "silent for a moment",
        "nothing new since the decode",
        "ended in silence that was decoded",
        "ended in silence that came after the decode",
        "ended in new speech",
        "ended in mid-speech",
        "ended without a word",
        "a long silence before the first word",
    ],
)
def test_a_decode_comes_when_it_may_be_the_last(standing: Standing, step: Step) -> None:
    assert next_step(standing) is step


def test_a_draft_needs_somebody_to_read_it_new_sound_and_rest() -> None:
    due = replace(_SPEAKING, heard_s=2.0, speech_end_s=2.0, drafts_wanted=True)
    assert next_step(due) is Step.DECODE
    assert next_step(replace(due, drafts_wanted=False)) is Step.WAIT
    assert next_step(replace(due, decoded_s=1.5)) is Step.WAIT
    assert next_step(replace(due, rested_s=0.5)) is Step.WAIT


def test_a_doubtful_text_is_reconsidered_in_a_longer_pause_and_at_the_end() -> None:
    doubtful = replace(_DECODED, doubtful=True)
    assert next_step(doubtful) is Step.WAIT
    assert next_step(replace(doubtful, heard_s=1.5)) is Step.RECONSIDER
    assert next_step(replace(doubtful, finished=True)) is Step.RECONSIDER


def test_a_long_piece_is_settled_in_a_pause_or_cut_without_one() -> None:
    long = replace(_DECODED, heard_s=14.0, speech_end_s=13.6, decoded_s=13.8)
    assert next_step(long) is Step.SETTLE
    assert next_step(replace(long, speech_end_s=13.79)) is Step.WAIT
    assert next_step(replace(long, heard_s=27.0, speech_end_s=26.5)) is Step.CUT
    assert next_step(replace(long, heard_s=27.0, speech_end_s=26.5, finished=True)) is Step.CUT
