"""A tier whose server loads its model when it is asked is never shown as ready before that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from strixdesk.core.events import TierChanged, TiersChanged
from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus
from strixdesk.ui.tiers_pane import TiersPane
from strixdesk.ui.tray import Tray
from tests.ui.conftest import Desk

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CODER = Tier(
    "swap/coder",
    "http://127.0.0.1:9/v1",
    control=Control(ControlKind.LLAMA_ROUTER, unit="coder"),
)
SENTENCE = "It is loaded when it is asked."
UNLOADED = TierStatus(TierState.READY, 0.0, SENTENCE, unloaded=True)
LOADED = replace(UNLOADED, unloaded=False, detail="")


def test_its_card_says_so_and_offers_to_load_it(desk: Desk) -> None:
    desk.assistant.say(TiersChanged((CODER,)))
    (pane,) = desk.window.findChildren(TiersPane)
    card = pane.card("swap/coder")
    desk.assistant.say(TierChanged(CODER, UNLOADED))
    assert "not loaded" in card.accessibleName()
    assert SENTENCE in card.accessibleName()
    assert "ready" not in card.accessibleName()
    assert (card.start.isHidden(), card.stop.isHidden()) == (False, True)
    desk.assistant.say(TierChanged(CODER, LOADED))
    assert "ready" in card.accessibleName()
    assert (card.start.isHidden(), card.stop.isHidden()) == (True, False)


def test_the_tray_does_not_count_it_among_the_ready(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    tray = Tray(QIcon(), window, available=False)
    tray.show_tiers((CODER,))
    tray.show_status(CODER, UNLOADED)
    assert tray.summary == "0 of 1 tiers ready"
    tray.show_status(CODER, LOADED)
    assert tray.summary == "1 of 1 tiers ready"
