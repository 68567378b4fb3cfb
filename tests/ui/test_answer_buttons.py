"""The buttons under an answer that is not whole, each to its effect."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from strixdesk.core.conversation import Message, MessageStatus, Offer, Role, Text
from strixdesk.core.events import MessageAdded, MessageChanged, TiersChanged
from strixdesk.core.tier import Tier
from strixdesk.ui.transcript_header import TierLine
from tests.ui.conftest import Desk


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("Continue", ("continue", "m")),
        ("Try again", ("answer_again", "m")),
        ("Ask utility instead", ("answer_again", "m", "utility")),
        ("Ask without the picture", ("answer_again", "m", "without pictures")),
    ],
)
def test_a_button_asks_the_assistant(
    desk: Desk, qtbot: QtBot, words: str, call: tuple[str, ...]
) -> None:
    parts = (Text("Half of"), Offer(("utility",), without_pictures=True))
    answer = Message("m", Role.ASSISTANT, parts, MessageStatus.INCOMPLETE, 0.0, "coder")
    desk.assistant.say(MessageAdded(desk.assistant.current, answer))

    def the_button() -> QAbstractButton | None:
        buttons = desk.window.findChildren(QAbstractButton)
        return next((b for b in buttons if b.text() == words and b.isVisible()), None)

    qtbot.waitUntil(lambda: the_button() is not None)
    button = the_button()
    assert button is not None
    button.click()
    assert desk.assistant.calls[-1] == call


def test_a_question_that_waits_need_not(desk: Desk, qtbot: QtBot) -> None:
    waits = (Text(""), Offer(waits=True))
    answer = Message(
        "m", Role.ASSISTANT, waits, MessageStatus.FAILED, 0.0, detail="Waiting: strix is not up."
    )
    desk.assistant.say(MessageAdded(desk.assistant.current, answer))

    def shown() -> dict[str, QAbstractButton]:
        buttons = desk.window.findChildren(QAbstractButton)
        return {button.text(): button for button in buttons if button.isVisible()}

    qtbot.waitUntil(lambda: "Don't wait" in shown())
    button = shown()["Don't wait"]
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert desk.assistant.calls[-1] == ("drop_waiting", "m")
    dropped = replace(answer.without_offer(), detail="You dropped this question.")
    desk.assistant.say(MessageChanged(desk.assistant.current, dropped))
    qtbot.waitUntil(lambda: "Don't wait" not in shown())
    assert "Try again" in shown()


def test_a_tier_is_called_by_its_title_as_soon_as_that_is_known(desk: Desk, qtbot: QtBot) -> None:
    parts = (Text(""), Offer(("strix/vllm_coder",)))
    answer = Message("m", Role.ASSISTANT, parts, MessageStatus.FAILED, 0.0, "strix/vllm_coder")
    desk.assistant.say(MessageAdded(desk.assistant.current, answer))
    coder = Tier("strix/vllm_coder", "http://strix:8002/v1", label="Coder")
    desk.assistant.say(TiersChanged((coder,)))

    def shown() -> set[str]:
        lines = desk.window.findChildren(TierLine)
        buttons = desk.window.findChildren(QAbstractButton)
        return {one.accessibleName() for one in lines} | {one.text() for one in buttons}

    qtbot.waitUntil(lambda: {"Coder", "Ask Coder instead"} <= shown())
    assert "Ask strix/vllm_coder instead" not in shown()
