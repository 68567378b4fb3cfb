"""What would have to come up before a question can be answered."""

from __future__ import annotations

import pytest

from strixdesk.core.box import Box
from strixdesk.core.on_demand import HERE, box_of, is_startable, wanted
from strixdesk.core.route import Route
from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus

STRIX = Box("strix", "strix.ts.net", mac="aa:bb:cc:dd:ee:ff")
LOCAL = Box("desk")
STOPPED, READY, UNREACHABLE = TierState.STOPPED, TierState.READY, TierState.UNREACHABLE
COMMAND = Control(ControlKind.COMMAND, start=("serve",))


def tier(name: str, control: Control | None, host: str = "127.0.0.1") -> Tier:
    return Tier(name, f"http://{host}:8000/v1", control=control)


@pytest.mark.parametrize(
    ("control", "state", "awake", "startable"),
    [
        (Control(ControlKind.COMPOSE, "strix", "a"), STOPPED, True, True),
        (Control(ControlKind.COMPOSE, "strix", "a"), UNREACHABLE, True, False),
        (Control(ControlKind.LLAMA_ROUTER, unit="a"), STOPPED, True, True),
        (Control(ControlKind.LLAMA_SWAP, unit="a"), UNREACHABLE, True, False),
        (Control(ControlKind.SYSTEMD, "strix", "a"), UNREACHABLE, True, True),
        (Control(ControlKind.SYSTEMD, "strix", "a"), UNREACHABLE, False, False),
        (COMMAND, UNREACHABLE, True, True),
        (COMMAND, READY, True, False),
        (Control(ControlKind.COMMAND, stop=("end",)), UNREACHABLE, True, False),
        (None, STOPPED, True, False),
    ],
)
def test_what_is_stopped_and_can_be_started(
    control: Control | None, state: TierState, awake: bool, startable: bool
) -> None:
    assert is_startable(tier("a", control), state, awake=awake) is startable


@pytest.mark.parametrize(
    ("control", "host", "box"),
    [
        (Control(ControlKind.COMPOSE, "strix", "a"), "strix.ts.net", STRIX),
        (Control(ControlKind.COMPOSE, "", "a"), "127.0.0.1", LOCAL),
        (Control(ControlKind.SYSTEMD, "gone", "a"), "127.0.0.1", None),
        (COMMAND, "127.0.0.1", LOCAL),
        (Control(ControlKind.LLAMA_SWAP, unit="a"), "strix.ts.net", STRIX),
        (Control(ControlKind.LLAMA_SWAP, unit="a"), "attic", Box("attic")),
        (Control(ControlKind.LLAMA_SWAP, unit="a"), "localhost", LOCAL),
        (None, "127.0.0.1", None),
    ],
)
def test_where_it_is_started(control: Control | None, host: str, box: Box | None) -> None:
    assert box_of(tier("a", control, host), (STRIX, LOCAL)) == box


def test_without_a_box_of_its_own_this_machine_is_one_for_all_but_compose() -> None:
    assert box_of(tier("a", COMMAND), ()) is HERE
    assert box_of(tier("a", Control(ControlKind.COMPOSE, "", "a")), ()) is None


def test_a_unit_that_does_not_answer_is_started_on_a_box_that_is_up_and_woken_for_on_another() -> (
    None
):
    one = tier("a", Control(ControlKind.SYSTEMD, "strix", "a"), "strix.ts.net")
    statuses = {"a": TierStatus(UNREACHABLE, 0.0)}
    route = Route(one, "")
    up = wanted(route, statuses, (one,), (STRIX,), frozenset({"strix"}))
    away = wanted(route, statuses, (one,), (STRIX,), frozenset())
    assert up is not None
    assert away is not None
    assert (up.asleep, away.asleep) == (False, True)
