"""The transcript stays where its reader is; it is copied, and has two looks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QScrollArea, QTextBrowser, QWidget

from strixdesk.core.conversation import MessageStatus
from strixdesk.core.events import SpeechProgress
from strixdesk.ui.message_view import MessageView
from strixdesk.ui.theme import DARK
from strixdesk.ui.transcript_view import TranscriptView
from tests.support.patient_bot import PatientBot
from tests.ui.no_screen import NO_SCREEN
from tests.ui.transcripts import (
    STREAMING,
    USER,
    add,
    at_bottom,
    bar,
    button,
    many,
    message,
    press,
    stream,
    views,
    words,
)

pytestmark = NO_SCREEN


def test_a_reader_at_the_bottom_stays_there(transcript: TranscriptView, qtbot: PatientBot) -> None:
    transcript.show_conversation(many(40))
    answer = message(status=STREAMING)
    add(transcript, answer)
    for number in range(30):
        stream(transcript, answer, f"Paragraph {number}.\n\n")
    qtbot.waitUntil(lambda: at_bottom(transcript))
    assert button(transcript, "↓ New text") is None


def test_a_reader_who_scrolled_up_is_never_pulled_down(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    transcript.show_conversation(many(40))
    answer = message(status=STREAMING)
    add(transcript, answer)
    stream(transcript, answer, "Paragraph.\n\n" * 40)
    qtbot.waitUntil(lambda: at_bottom(transcript) and bar(transcript).maximum() > 900)
    bar(transcript).setValue(bar(transcript).maximum() - 500)
    line = top_line(transcript)
    stream(transcript, answer, "Paragraph.\n\n" * 40)
    qtbot.waitUntil(lambda: button(transcript, "↓ New text") is not None)
    assert top_line(transcript) == line
    press(transcript, "↓ New text")
    qtbot.waitUntil(lambda: at_bottom(transcript))
    assert button(transcript, "↓ New text") is None


def test_only_the_newest_messages_become_widgets(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    transcript.show_conversation(many(1000))
    assert words(views(transcript)[-1]).startswith("Message 999.")
    qtbot.waitUntil(lambda: bar(transcript).maximum() > 1200)
    assert len(views(transcript)) < 60


def test_older_messages_come_while_scrolling_up_and_the_page_stays(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    transcript.show_conversation(many(200))
    qtbot.waitUntil(lambda: bar(transcript).maximum() > 1200)
    before = len(views(transcript))
    bar(transcript).setValue(200)
    line = top_line(transcript)
    qtbot.waitUntil(lambda: len(views(transcript)) > before)
    assert top_line(transcript) == line


def test_the_beginning_can_be_reached(transcript: TranscriptView, qtbot: PatientBot) -> None:
    transcript.show_conversation(many(60))

    def first_is_made() -> bool:
        bar(transcript).setValue(0)
        return words(views(transcript)[0]).startswith("Message 0.")

    qtbot.waitUntil(first_is_made)
    assert len(views(transcript)) == 60


def test_the_users_own_words_bring_the_newest_into_view(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    transcript.show_conversation(many(60))
    qtbot.waitUntil(lambda: bar(transcript).maximum() > 1200)
    bar(transcript).setValue(bar(transcript).maximum() - 600)
    add(transcript, message(USER, "A new question"))
    qtbot.waitUntil(lambda: at_bottom(transcript))


@pytest.mark.parametrize("width", [480, 1400])
def test_another_width_keeps_the_line_that_is_read(
    transcript: TranscriptView, qtbot: PatientBot, width: int
) -> None:
    transcript.show_conversation(many(60))
    qtbot.waitUntil(lambda: bar(transcript).maximum() > 1200)
    bar(transcript).setValue(700)
    seen = top_view(transcript)
    transcript.resize(width, 600)
    qtbot.waitUntil(lambda: transcript.width() == width and top_view(transcript) is seen)
    for view in views(transcript):
        left = view.mapTo(transcript, QPoint(0, 0)).x()
        right = transcript.width() - left - view.width()
        assert view.width() <= 760
        assert abs(left - right) < 24


def test_keys_scroll(transcript: TranscriptView, qtbot: PatientBot) -> None:
    transcript.show_conversation(many(60))
    qtbot.waitUntil(lambda: bar(transcript).maximum() > 1200)
    newest = views(transcript)[-1]
    newest.setFocus()
    qtbot.keyClick(newest, Qt.Key.Key_PageUp)
    up = bar(transcript).maximum() - bar(transcript).value()
    assert up > 300
    qtbot.keyClick(newest, Qt.Key.Key_End)
    assert at_bottom(transcript)
    qtbot.keyClick(newest, Qt.Key.Key_Home)
    assert bar(transcript).value() < bar(transcript).maximum()


def top_view(transcript: TranscriptView) -> MessageView | None:
    (area,) = transcript.findChildren(QScrollArea)
    place: QWidget | None = area.viewport().childAt(QPoint(area.viewport().width() // 2, 4))
    while place is not None and not isinstance(place, MessageView):
        place = place.parentWidget()
    if place is None:
        below = [view for view in views(transcript) if view.y() >= bar(transcript).value()]
        return below[0] if below else None
    return place


def top_line(transcript: TranscriptView) -> tuple[str, int]:
    """The message at the top of the window, and how far it is scrolled."""
    top = bar(transcript).value()
    view = next(view for view in views(transcript) if view.geometry().bottom() >= top)
    return view.accessibleName(), top - view.y()


# -- copying and looks ----------------------------------------------------------------------------


def test_a_message_is_copied_as_it_was_sent(transcript: TranscriptView) -> None:
    view = add(transcript, message(text="Some **bold** words"))
    press(view, "Copy")
    assert QGuiApplication.clipboard().text() == "Some **bold** words"


def test_what_is_selected_is_copied_as_plain_text(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    view = add(transcript, message(text="Some **bold** words\n\n- one\n- two"))
    (text,) = view.findChildren(QTextBrowser)
    text.setFocus()
    text.selectAll()
    qtbot.keyClick(text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Some bold words\n• one\n• two"
    assert not QGuiApplication.clipboard().mimeData().hasHtml()


def test_code_is_copied_by_its_own_button(transcript: TranscriptView, qtbot: PatientBot) -> None:
    view = add(transcript, message(text="Run\n\n```sh\nls -l\n  cd x\n```\n\nthen"))

    def copy_button() -> QAbstractButton | None:
        found = view.findChildren(QAbstractButton)
        return next((b for b in found if b.accessibleName() == "Copy this code"), None)

    qtbot.waitUntil(lambda: copy_button() is not None)
    button_of_code = copy_button()
    assert button_of_code is not None
    button_of_code.click()
    assert QGuiApplication.clipboard().text() == "ls -l\n  cd x"


def test_another_theme_keeps_the_words_and_changes_the_ground(transcript: TranscriptView) -> None:
    answer = message(text="Some **bold** words", status=STREAMING)
    view = add(transcript, answer)
    transcript.set_theme(DARK)
    stream(transcript, answer, " more")
    assert words(view) == "Some bold words more"
    assert transcript.grab().toImage().pixelColor(4, 4).name() == DARK.window


def test_the_block_that_is_read_out_is_marked(transcript: TranscriptView) -> None:
    text = "First paragraph.\n\nSecond paragraph."
    answer = message(text=text)
    view = add(transcript, answer)
    before = view.grab().toImage()
    transcript.apply(SpeechProgress("turn", answer.id, 8))
    assert view.grab().toImage() != before


def test_tab_reaches_messages_and_their_buttons(
    transcript: TranscriptView, qtbot: PatientBot
) -> None:
    view = add(transcript, message(text="Words", status=MessageStatus.INCOMPLETE, detail="Cut."))
    view.setFocus()
    reached = []
    for _ in range(8):
        qtbot.keyClick(transcript.window().focusWidget() or view, Qt.Key.Key_Tab)
        focused = transcript.window().focusWidget()
        if isinstance(focused, QAbstractButton):
            reached.append(focused.accessibleName())
    assert {"Copy this message", "Try again"} <= set(reached)
