"""How a message ended, and what can be done about it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QTextBrowser

from strixdesk.core.conversation import HandOver, Message, MessageStatus, Offer, Recording, Text
from strixdesk.core.events import MessageChanged, PartialTranscript, TextDelta
from strixdesk.ui.transcript_view import TranscriptView
from tests.support.patient_bot import PatientBot
from tests.ui.no_screen import NO_SCREEN
from tests.ui.transcripts import (
    ASSISTANT,
    COMPLETE,
    STREAMING,
    USER,
    add,
    button,
    labels,
    message,
    press,
    stream,
    words,
)

pytestmark = NO_SCREEN


def test_an_answer_that_was_cut_is_labelled_and_can_be_asked_again(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    answer = message(text="The light", status=STREAMING)
    view = add(transcript, answer)
    cut = message(text="The light", status=MessageStatus.INCOMPLETE, detail="The line broke.")
    ended = Message(answer.id, ASSISTANT, cut.parts, cut.status, 0.0, "coder", detail=cut.detail)
    transcript.apply(MessageChanged("c", ended))
    assert labels(view) == "Incomplete: The line broke."
    assert view.accessibleName().startswith("Answer by coder, incomplete: The light")
    with qtbot.waitSignal(transcript.answer_again_requested) as asked:
        press(view, "Try again")
    assert asked.args == [answer.id]


def test_an_answer_that_was_cut_can_go_on_where_it_stopped(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    answer = message(text="The light", status=MessageStatus.INCOMPLETE, detail="The line broke.")
    view = add(transcript, answer)
    with qtbot.waitSignal(transcript.continue_requested) as asked:
        press(view, "Continue")
    assert asked.args == [answer.id]

    transcript.apply(MessageChanged("c", replace(answer, status=STREAMING, detail=None)))
    assert button(view, "Continue") is None
    transcript.apply(TextDelta("c", answer.id, " came back."))
    transcript.flush()
    joint = HandOver("coder", "utility", 9, "The line broke.")
    whole = message(text="The light came back.")
    ended = replace(answer, parts=(*whole.parts, joint), status=MessageStatus.COMPLETE, detail=None)
    transcript.apply(MessageChanged("c", ended))
    assert words(view) == "The light came back."
    assert labels(view) == "Begun by coder, continued by utility. The line broke."


def test_what_failed_before_it_began_has_nothing_to_go_on_with(transcript: TranscriptView) -> None:
    view = add(transcript, message(status=MessageStatus.FAILED, detail="coder is not there."))
    assert button(view, "Continue") is None


def test_other_tiers_and_asking_without_the_picture_are_offered(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    failed = message(status=MessageStatus.FAILED, detail="No tier sees.")
    offered = replace(failed, parts=(*failed.parts, Offer(("utility",), without_pictures=True)))
    view = add(transcript, offered)
    with qtbot.waitSignal(transcript.other_tier_requested) as other:
        press(view, "Ask utility instead")
    assert other.args == [failed.id, "utility"]
    with qtbot.waitSignal(transcript.without_pictures_requested) as blind:
        press(view, "Ask without the picture")
    assert blind.args == [failed.id]


def test_an_answer_that_failed_says_why_and_shows_no_empty_text(
    transcript: TranscriptView,
) -> None:
    view = add(transcript, message(status=MessageStatus.FAILED, detail="coder is not there."))
    assert labels(view) == "coder is not there."
    assert not any(text.isVisibleTo(view) for text in view.findChildren(QTextBrowser))
    assert button(view, "Try again") is not None


def test_a_complete_answer_has_no_label(transcript: TranscriptView) -> None:
    view = add(transcript, message(text="All of it."))
    assert labels(view) == ""
    assert button(view, "Try again") is None


def test_given_a_failed_recording_then_it_can_be_transcribed_again(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    failed = message(
        USER, "", MessageStatus.FAILED, Recording("u", 7.2), detail="The recogniser stopped."
    )
    view = add(transcript, failed)
    assert words(view) == "Recording, 7 s"
    assert labels(view) == "The recogniser stopped."
    with qtbot.waitSignal(transcript.transcribe_again_requested) as asked:
        press(view, "Transcribe again")
    assert asked.args == [failed.id]


def test_a_spoken_message_shows_what_is_understood_so_far(transcript: TranscriptView) -> None:
    spoken = message(USER, "", MessageStatus.PENDING, Recording("u", 2.0))
    view = add(transcript, spoken)
    assert words(view) == "Transcribing…"
    transcript.apply(PartialTranscript("turn", "what is the"))
    assert words(view) == "what is the …"
    done = Message(spoken.id, USER, (Text("What is the time?"),), COMPLETE, 0.0, spoken=True)
    transcript.apply(MessageChanged("c", done))
    assert words(view) == "What is the time?"
    assert view.accessibleName() == "You said: What is the time?"
    assert button(view, "Transcribe again") is None


def test_words_that_stream_after_a_change_are_not_doubled(transcript: TranscriptView) -> None:
    answer = message(text="One", status=STREAMING)
    view = add(transcript, answer)
    transcript.apply(TextDelta("c", answer.id, " two"))
    transcript.apply(MessageChanged("c", answer.with_text("One two")))
    stream(transcript, answer, " three")
    assert words(view) == "One two three"
