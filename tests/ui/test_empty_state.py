"""What a new conversation says of who will answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus
from strixdesk.ui.empty_state import EmptyState

HERE = Tier("starter", "http://127.0.0.1:1/v1", label="This computer", starter=True)
CODER = Tier(
    "strix/coder",
    "http://strix:8002/v1",
    label="Coder",
    control=Control(ControlKind.COMPOSE, "strix", "vllm_coder"),
)


@pytest.fixture
def empty(qtbot: QtBot) -> EmptyState:
    empty = EmptyState("F9")
    qtbot.addWidget(empty)
    return empty


def told(empty: EmptyState) -> str:
    return empty.findChildren(QLabel)[2].text()


def status(state: TierState) -> TierStatus:
    return TierStatus(state, 0.0)


def test_tiers_are_called_by_their_titles(empty: EmptyState) -> None:
    empty.show_tier(CODER, status(TierState.READY))
    assert told(empty) == "Coder is ready"
    empty.show_tier(HERE, status(TierState.READY))
    assert told(empty) == "Coder is ready, and 1 more"


def test_a_tier_that_is_taken_out_is_not_spoken_of(empty: EmptyState) -> None:
    empty.show_tier(CODER, status(TierState.READY))
    empty.show_tier(HERE, status(TierState.LOADING))
    empty.show_tiers([HERE])
    assert told(empty) == "This computer is getting ready …"
    empty.show_tiers([replace(HERE, label="Desk")])
    assert told(empty) == "Desk is getting ready …"


@pytest.mark.parametrize(
    ("tier", "words"),
    [
        (HERE, "This computer starts with your first question"),
        (CODER, "Coder can be started by your first question"),
    ],
)
def test_a_stopped_tier_is_said_to_be_startable(empty: EmptyState, tier: Tier, words: str) -> None:
    empty.show_tier(tier, status(TierState.STOPPED))
    assert told(empty) == words
