"""The transcript renders one conversation, and stays where its reader is."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QScrollArea,
    QScrollBar,
    QTextBrowser,
    QWidget,
)

from strixdesk.core.conversation import (
    Conversation,
    HandOver,
    Image,
    Message,
    MessageStatus,
    Offer,
    Part,
    Recording,
    Role,
    Text,
    Thinking,
)
from strixdesk.core.events import (
    MessageAdded,
    MessageChanged,
    Noticed,
    PartialTranscript,
    SpeechProgress,
    TextDelta,
    ThinkingDelta,
)
from strixdesk.ui.message_view import MessageView
from strixdesk.ui.theme import DARK, LIGHT
from strixdesk.ui.transcript_answer import AnswerView
from strixdesk.ui.transcript_question import QuestionView
from strixdesk.ui.transcript_view import TranscriptView, pause_after
from tests.support.patient_bot import PatientBot
from tests.support.pictures import flat_png

# Qt says so of every top-level window on a screen that is not there.
pytestmark = pytest.mark.qt_log_ignore(
    "This plugin does not support propagateSizeHints", extend=True
)

USER, ASSISTANT = Role.USER, Role.ASSISTANT
STREAMING, COMPLETE = MessageStatus.STREAMING, MessageStatus.COMPLETE
A_FEW_FRAMES_MS = 250
_ids = itertools.count()


@pytest.fixture
def transcript(qtbot: PatientBot, tmp_path: Path) -> TranscriptView:
    picture = tmp_path / "picture.png"
    picture.write_bytes(flat_png((200, 60, 20)))
    view = TranscriptView(LIGHT, lambda _image: picture)
    qtbot.addWidget(view)
    view.resize(800, 600)
    qtbot.show(view)
    view.show_conversation(Conversation("c", ""))
    return view


def message(
    role: Role = ASSISTANT,
    text: str = "",
    status: MessageStatus = COMPLETE,
    *parts: Part,
    detail: str | None = None,
    tier: str | None = "coder",
) -> Message:
    said = (Text(text),) if text else ()
    return Message(
        f"m{next(_ids)}",
        role,
        (*parts, *said),
        status,
        created_at=0.0,
        tier=tier if role is ASSISTANT else None,
        reason="It is about code." if role is ASSISTANT else None,
        detail=detail,
    )


def many(count: int) -> Conversation:
    roles = itertools.cycle((USER, ASSISTANT))
    return Conversation(
        "c",
        "",
        tuple(
            message(role, f"Message {n}.\n\nMore.")
            for n, role in zip(range(count), roles, strict=False)
        ),
    )


def add(transcript: TranscriptView, added: Message) -> MessageView:
    transcript.apply(MessageAdded("c", added))
    return views(transcript)[-1]


def views(transcript: TranscriptView) -> list[MessageView]:
    """Those that exist as widgets, oldest first."""
    found = [*transcript.findChildren(QuestionView), *transcript.findChildren(AnswerView)]
    return sorted((view for view in found if not view.isHidden()), key=lambda view: view.y())


def words(view: MessageView) -> str:
    """The visible text of a message, without its labels and buttons."""
    shown = [text for text in view.findChildren(QTextBrowser) if text.isVisibleTo(view)]
    return "\n".join(text.toPlainText() for text in shown)


def labels(view: MessageView) -> str:
    return " ".join(label.text() for label in view.findChildren(QLabel) if label.isVisibleTo(view))


def button(view: QWidget, text: str) -> QAbstractButton | None:
    """The visible button whose words begin like that."""
    for found in view.findChildren(QAbstractButton):
        if found.text().startswith(text) and found.isVisibleTo(view):
            return found
    return None


def press(view: QWidget, text: str) -> None:
    found = button(view, text)
    assert found is not None, f"there is no button {text}"
    found.click()


def bar(transcript: TranscriptView) -> QScrollBar:
    (area,) = transcript.findChildren(QScrollArea)
    return area.verticalScrollBar()


def at_bottom(transcript: TranscriptView) -> bool:
    return bar(transcript).value() == bar(transcript).maximum()


def stream(transcript: TranscriptView, to: Message, text: str) -> None:
    transcript.apply(TextDelta("c", to.id, text))
    transcript.flush()


# -- messages -----------------------------------------------------------------------------------


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


# -- how it ended -------------------------------------------------------------------------------


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


# -- pictures and safety ------------------------------------------------------------------------


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


# -- scrolling ----------------------------------------------------------------------------------


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


# -- copying and looks --------------------------------------------------------------------------


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
