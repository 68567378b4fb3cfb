"""A tier becomes a favourite or gets another name, whichever source it comes from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from strixdesk.core.events import TiersChanged
from strixdesk.core.tier import Tier
from strixdesk.settings import Settings, TierSettings, decorated, decorations
from strixdesk.ui.tiers_pane import TiersPane
from tests.ui.conftest import Desk

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

OF_A_SOURCE = Tier("swap/qwen", "http://127.0.0.1:9/v1")
HAND_WRITTEN = Settings(tiers=(TierSettings(name="mine", base_url="http://127.0.0.1:9/v1"),))


@pytest.fixture
def pane(desk: Desk) -> TiersPane:
    desk.assistant.say(TiersChanged((OF_A_SOURCE,)))
    (found,) = desk.window.findChildren(TiersPane)
    return found


def test_given_a_tier_of_a_source_when_its_star_is_pressed_then_it_is_kept_and_takes_effect(
    desk: Desk, pane: TiersPane
) -> None:
    pane.card("swap/qwen").favourite.click()
    assert desk.saved[-1].favourites == ("swap/qwen",)
    assert desk.assistant.calls_of("decorate") == [({}, frozenset({"swap/qwen"}))]


def test_given_a_tier_when_it_is_renamed_from_its_menu_then_the_label_is_kept_and_takes_effect(
    desk: Desk, pane: TiersPane, qtbot: QtBot
) -> None:
    rename = pane.card("swap/qwen").menu().actions()[0]
    assert rename.text() == "Rename …"
    rename.trigger()
    (dialog,) = desk.window.findChildren(QInputDialog)
    dialog.setTextValue("  The big   one ")
    dialog.accept()
    assert desk.saved[-1].labels == {"swap/qwen": "The big one"}
    assert desk.assistant.calls_of("decorate") == [({"swap/qwen": "The big one"}, frozenset())]


def test_given_a_hand_written_tier_then_its_own_entry_is_changed() -> None:
    after = decorated(decorated(HAND_WRITTEN, "mine", favourite=True), "mine", label="Mine")
    assert (after.tiers[0].favourite, after.tiers[0].label) == (True, "Mine")
    assert (after.favourites, after.labels) == ((), {})
    assert decorations(after) == ({"mine": "Mine"}, frozenset({"mine"}))


@pytest.mark.parametrize("name", ["mine", "swap/qwen"])
def test_given_a_decorated_tier_when_it_is_taken_back_then_all_is_as_it_was(name: str) -> None:
    change: Callable[..., Settings] = decorated
    there = change(HAND_WRITTEN, name, favourite=True, label="Another")
    assert there != HAND_WRITTEN
    assert change(there, name, favourite=False, label="") == HAND_WRITTEN
