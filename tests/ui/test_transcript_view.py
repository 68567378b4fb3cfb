"""The transcript renders one conversation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLabel

from strixdesk.core.conversation import Conversation, Image, MessageStatus, Thinking
from strixdesk.core.events import MessageAdded, MessageChanged, Noticed, TextDelta, ThinkingDelta
from strixdesk.ui.transcript_view import TranscriptView, pause_after
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
    views,
    words,
)

pytestmark = NO_SCREEN

A_FEW_FRAMES_MS = 250


def test_given_no_messages_then_the_empty_widget_is_shown(transcript: TranscriptView) -> None:
    empty = QLabel("Say something")
    transcript.set_empty_widget(empty)
    assert empty.isVisible()
    add(transcript, message(USER, "Hello"))
    assert not empty.isVisible()
    transcript.show_conversation(Conversation("d", ""))
    assert empty.isVisible()


def test_when_text_streams_then_it_is_drawn_within_a_few_frames(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    answer = message(status=STREAMING)
    view = add(transcript, answer)
    for piece in ("The **sky", "** is", " blue."):
        transcript.apply(TextDelta("c", answer.id, piece))
    drawn: list[str] = []
    # Timers end in their order, however late: this one is no stricter on a machine that stalls.
    QTimer.singleShot(A_FEW_FRAMES_MS, lambda: drawn.append(words(view)))
    qtbot.waitUntil(lambda: bool(drawn))
    assert drawn == ["The sky is blue."]


@pytest.mark.parametrize(("drawing_s", "pause_ms"), [(0.001, 33), (0.05, 200), (3.0, 1000)])
def test_a_drawing_that_took_long_is_followed_by_a_longer_pause_but_never_by_seconds(
    drawing_s: float, pause_ms: int
) -> None:
    assert pause_after(drawing_s) == pause_ms


def test_a_conversation_that_is_not_shown_changes_nothing(transcript: TranscriptView) -> None:
    answer = message(text="Kept", status=STREAMING)
    view = add(transcript, answer)
    transcript.apply(MessageAdded("other", message(USER, "Not here")))
    transcript.apply(TextDelta("other", answer.id, " lost"))
    transcript.apply(MessageChanged("other", answer.with_text("changed")))
    transcript.apply(Noticed("Something else"))
    transcript.flush()
    assert [words(shown) for shown in views(transcript)] == ["Kept"]
    assert words(view) == "Kept"


def test_a_message_that_is_told_of_twice_is_shown_once(transcript: TranscriptView) -> None:
    first = message(USER, "Once")
    add(transcript, first)
    add(transcript, first)
    assert len(views(transcript)) == 1


def test_the_users_words_are_shown_exactly(transcript: TranscriptView) -> None:
    said = "# not a heading\n  **not bold**\n<b>not html</b>"
    assert words(add(transcript, message(USER, said))) == said


def test_a_long_paste_is_folded_until_asked_for(transcript: TranscriptView) -> None:
    paste = "a line of a log\n" * 2_000
    view = add(transcript, message(USER, paste))
    assert len(words(view)) < 3_100
    press(view, "Copy")
    assert QGuiApplication.clipboard().text() == paste
    press(view, "Show all")
    assert words(view) == paste
    assert button(view, "Show all") is None


def test_a_very_long_answer_is_drawn_to_its_end(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    text = "\n\n".join(f"Paragraph {n}." for n in range(400))
    view = add(transcript, message(text=text))
    qtbot.waitUntil(lambda: words(view).endswith("Paragraph 399."))
    assert words(view).count("Paragraph") == 400


def test_given_thinking_then_it_is_folded_until_asked_for(transcript: TranscriptView) -> None:
    answer = message(status=STREAMING)
    view = add(transcript, answer)
    transcript.apply(ThinkingDelta("c", answer.id, "First I wonder."))
    transcript.flush()
    assert button(view, "Thinking…") is not None
    assert "wonder" not in words(view)
    press(view, "Thinking…")
    assert "First I wonder." in words(view)
    stream(transcript, answer, "An answer.")
    assert button(view, "Thought") is not None
    press(view, "Thought")
    assert words(view) == "An answer."


def test_thinking_that_goes_on_while_unfolded_grows(transcript: TranscriptView) -> None:
    answer = message(ASSISTANT, "", STREAMING, Thinking("One."))
    view = add(transcript, answer)
    press(view, "Thinking…")
    transcript.apply(ThinkingDelta("c", answer.id, " Two."))
    transcript.flush()
    assert "One. Two." in words(view)


# -- pictures and safety --------------------------------------------------------------------------


def test_a_picture_is_a_thumbnail_that_opens(transcript: TranscriptView, qtbot: PatientBot) -> None:
    picture = Image("a" * 64, "image/png", 64, 64, "square.png")
    view = add(transcript, message(USER, "Look", COMPLETE, picture))
    (thumbnail,) = (
        found
        for found in view.findChildren(QAbstractButton)
        if found.accessibleName() == "Picture square.png"
    )
    assert thumbnail.grab().toImage().pixelColor(32, 32) == QColor(200, 60, 20)
    with qtbot.waitSignal(transcript.image_opened) as opened:
        thumbnail.click()
    assert opened.args == [picture]


def test_files_that_a_text_names_are_never_opened(
    transcript: TranscriptView, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)  # whoever opens it hangs
    text = f"![x](file://{pipe}) ![y]({pipe}) <img src='{pipe}'>"
    view = add(transcript, message(text=text))
    add(transcript, message(USER, text))
    transcript.grab()
    assert "pipe.png" in words(view)


def test_every_label_is_plain_text(transcript: TranscriptView) -> None:
    hostile = "<img src='file:///etc/passwd'>"
    view = add(transcript, message(status=MessageStatus.FAILED, detail=hostile, tier=hostile))
    assert labels(view) == hostile
    found = transcript.findChildren(QLabel)
    assert {label.textFormat() for label in found} == {Qt.TextFormat.PlainText}
