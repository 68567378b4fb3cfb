"""The window: keys, the mouse and words that are typed, each to its effect."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage

from strixdesk.core.conversation import Conversation, ConversationSummary
from strixdesk.core.events import ConversationChanged, HandsFreeSwitched
from strixdesk.ui.composer import Composer
from tests.support.patient_bot import PatientBot
from tests.support.pictures import flat_png
from tests.ui.conftest import Desk, until
from tests.ui.finding import button, notices, open_conversation, the

TOMORROW = time.time() + 86_400
"""Counts as today, also when midnight passes meanwhile."""


# -- talking -------------------------------------------------------------------------------------


def test_given_the_talk_key_held_in_the_field_then_it_records_until_let_go(
    desk: Desk, qtbot: PatientBot
) -> None:
    field = the(desk, Composer).field
    qtbot.keyPress(field, Qt.Key.Key_F9)
    assert desk.assistant.calls_of("press") == [()]
    assert desk.assistant.calls_of("release") == []
    qtbot.keyRelease(field, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: desk.assistant.calls_of("release") == [()])


def test_given_the_talk_button_held_with_the_mouse_then_it_records_until_let_go(
    desk: Desk, qtbot: PatientBot
) -> None:
    talk = the(desk, Composer).talk
    qtbot.mousePress(talk, Qt.MouseButton.LeftButton)
    assert desk.assistant.calls_of("press") == [()]
    qtbot.mouseRelease(talk, Qt.MouseButton.LeftButton)
    assert desk.assistant.calls_of("release") == [()]


def test_given_space_held_on_the_talk_button_then_it_records(desk: Desk, qtbot: PatientBot) -> None:
    talk = the(desk, Composer).talk
    talk.setFocus()
    qtbot.keyPress(talk, Qt.Key.Key_Space)
    qtbot.keyRelease(talk, Qt.Key.Key_Space)
    assert desk.assistant.calls == [
        *[call for call in desk.assistant.calls if call[0] in ("new", "set_watched")],
        ("press",),
        ("release",),
    ]


def test_given_escape_then_the_assistant_stops(desk: Desk, qtbot: PatientBot) -> None:
    qtbot.activate(desk.window)
    qtbot.keyClick(desk.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: desk.assistant.calls_of("stop") == [()])


def test_given_hands_free_refused_then_the_switch_goes_back(desk: Desk) -> None:
    switch = button(desk, "Hands-free")
    switch.click()
    assert desk.assistant.calls_of("hands_free") == [(True,)]
    desk.assistant.say(HandsFreeSwitched(False))
    assert not switch.isChecked()
    assert desk.assistant.calls_of("hands_free") == [(True,)], "no echo of what it was told"


# -- writing -------------------------------------------------------------------------------------


def test_given_enter_then_the_question_is_sent_and_the_field_is_empty(
    desk: Desk, qtbot: PatientBot
) -> None:
    composer = the(desk, Composer)
    qtbot.keyClicks(composer.field, "Hello")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.field, "there")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert desk.assistant.calls_of("ask") == [("Hello\nthere", ())]
    assert composer.field.toPlainText() == ""
    qtbot.keyClick(composer.field, Qt.Key.Key_Up)
    assert composer.field.toPlainText() == "Hello\nthere"


async def test_given_a_pasted_picture_then_it_is_shown_removed_and_sent(
    desk: Desk, qtbot: PatientBot
) -> None:
    composer = the(desk, Composer)
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    data = QMimeData()
    data.setImageData(image)
    composer.field.insertFromMimeData(data)
    await until(lambda: len(composer.draft.images) == 1)
    button(desk, "Remove pasted picture").click()
    assert composer.draft.images == []

    composer.field.insertFromMimeData(data)
    await until(lambda: len(composer.draft.images) == 1)
    qtbot.keyClicks(composer.field, "What colour?")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    ((text, images),) = desk.assistant.calls_of("ask")
    assert text == "What colour?"
    assert isinstance(images, tuple)
    assert [(one.width, one.height, one.media_type) for one in images] == [(40, 20, "image/png")]


async def test_given_a_file_that_is_no_picture_then_the_text_stays_and_a_sentence_says_why(
    desk: Desk, qtbot: PatientBot, tmp_path: Path
) -> None:
    composer = the(desk, Composer)
    qtbot.keyClicks(composer.field, "Look at this")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(letter))])
    composer.field.insertFromMimeData(data)
    await until(lambda: bool(notices(desk)))
    assert "letter.txt is not a picture" in notices(desk)[0]
    assert composer.field.toPlainText() == "Look at this"


async def test_given_a_dropped_picture_file_then_it_is_attached(desk: Desk, tmp_path: Path) -> None:
    composer = the(desk, Composer)
    picture = tmp_path / "blue.png"
    picture.write_bytes(flat_png((0, 0, 255)))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture))])
    composer.field.insertFromMimeData(data)
    await until(lambda: [one.name for one in composer.draft.images] == ["blue.png"])


async def test_given_another_conversation_then_each_keeps_its_draft(
    desk: Desk, qtbot: PatientBot
) -> None:
    desk.assistant.stored["old"] = Conversation("old", "Old one")
    desk.assistant.say(ConversationChanged(ConversationSummary("old", "Old one", TOMORROW)))
    composer = the(desk, Composer)
    first = desk.assistant.current
    qtbot.keyClicks(composer.field, "half a thought")
    desk.assistant.stored[first] = Conversation(first, "First")
    desk.assistant.say(ConversationChanged(ConversationSummary(first, "First", TOMORROW)))
    open_conversation(desk, "Old one")
    await until(lambda: desk.assistant.current == "old")
    await until(lambda: composer.field.toPlainText() == "")
    open_conversation(desk, "First")
    await until(lambda: composer.field.toPlainText() == "half a thought")


def test_given_a_restart_then_the_unsent_text_is_back(
    make_desk: Callable[..., Desk], qtbot: PatientBot
) -> None:
    desk = make_desk()
    qtbot.keyClicks(the(desk, Composer).field, "not sent yet")
    desk.window.close()
    again = make_desk()
    assert the(again, Composer).field.toPlainText() == "not sent yet"
