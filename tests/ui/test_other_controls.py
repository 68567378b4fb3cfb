"""Tiers that are no compose services are started and stopped from their cards too."""

from __future__ import annotations

import pytest

from strixdesk.core.box import Deed
from strixdesk.core.events import TierChanged, TiersChanged
from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus
from strixdesk.ui.tiers_pane import TiersPane
from tests.ui.conftest import Desk


@pytest.mark.parametrize("kind", [k for k in ControlKind if k is not ControlKind.COMPOSE])
def test_given_a_tier_that_is_down_when_start_is_pressed_then_the_assistant_is_asked(
    desk: Desk, kind: ControlKind
) -> None:
    tier = Tier("mine", "http://127.0.0.1:9/v1", control=Control(kind, unit="mine"))
    desk.assistant.say(
        TiersChanged((tier,)), TierChanged(tier, TierStatus(TierState.UNREACHABLE, 0.0))
    )
    (pane,) = desk.window.findChildren(TiersPane)
    card = pane.card("mine")
    assert not card.start.isHidden()
    assert card.logs.isHidden()
    card.start.click()
    assert desk.assistant.calls_of("control") == [("mine", Deed.START)]


def test_given_a_tier_that_nobody_controls_then_its_card_keeps_no_room_for_buttons(
    desk: Desk,
) -> None:
    control = Control(ControlKind.COMMAND, start=("serve",))
    starter, mine = Tier("starter", "http://a/v1"), Tier("mine", "http://b/v1", control=control)
    ready = TierStatus(TierState.READY, 0.0)
    desk.assistant.say(
        TiersChanged((starter, mine)), TierChanged(starter, ready), TierChanged(mine, ready)
    )
    (pane,) = desk.window.findChildren(TiersPane)
    plain, controlled = pane.card("starter"), pane.card("mine")
    assert plain.sizeHint().height() < controlled.sizeHint().height()
    assert not plain.favourite.isHidden()
