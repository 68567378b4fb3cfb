"""Tiers are started and stopped by their names, whatever they are controlled with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.backends.http import make_http_client
from strixdesk.core.box import Deed, OperationState
from strixdesk.core.events import Event, Failed
from strixdesk.core.tier import Control, ControlKind, Tier
from strixdesk.session.tier_control import TierControl
from tests.support.eventually import eventually
from tests.support.fakes import FakeTiers
from tests.support.scripted_boxes import BOX, ORCHESTRATOR, ScriptedBoxes, operation


@pytest.fixture
async def controls() -> AsyncIterator[UnitControls]:
    controls = UnitControls(lambda: (BOX,), lambda _: LocalShell(), make_http_client())
    yield controls
    await controls.close()


def by_command(folder: Path, start: tuple[str, ...] | None = None) -> Tier:
    """Its server is a file that is there or not."""
    up = str(folder / "up")
    control = Control(ControlKind.COMMAND, start=start or ("touch", up), stop=("rm", up))
    return Tier("mine", "http://127.0.0.1:9/v1", control=control)


def failures(told: list[Event]) -> list[str]:
    return [f"{one.message} {one.advice}".strip() for one in told if isinstance(one, Failed)]


async def test_given_a_tier_of_a_command_when_it_is_started_and_stopped_then_the_commands_run(
    tmp_path: Path, controls: UnitControls
) -> None:
    tiers, told = FakeTiers(by_command(tmp_path)), list[Event]()
    control = TierControl(tiers, None, controls, told.append)
    await control.do("mine", Deed.START)
    assert (tmp_path / "up").exists()
    await control.do("mine", Deed.STOP)
    assert not (tmp_path / "up").exists()
    assert failures(told) == []
    assert tiers.doubted == ["mine", "mine"]


async def test_given_a_command_that_fails_then_it_is_told_with_what_it_said(
    tmp_path: Path, controls: UnitControls
) -> None:
    tier = by_command(tmp_path, ("ls", "/no/such/folder"))
    told = list[Event]()
    await TierControl(FakeTiers(tier), None, controls, told.append).do("mine", Deed.START)
    (failure,) = failures(told)
    assert "`ls` failed with status 2" in failure
    assert "/no/such/folder" in failure


async def test_given_a_start_under_way_when_it_is_asked_for_again_then_it_runs_once(
    tmp_path: Path, controls: UnitControls
) -> None:
    names = tmp_path / "names"
    tier = by_command(tmp_path, ("sh", "-c", f"sleep 0.2; echo up >> {names}"))
    control = TierControl(FakeTiers(tier), None, controls, lambda _: None)
    await asyncio.gather(control.do("mine", Deed.START), control.do("mine", Deed.START))
    assert names.read_text() == "up\n"


@pytest.mark.parametrize(
    ("tier", "why"),
    [
        (Tier("mine", "http://127.0.0.1:9/v1"), "cannot be started or stopped"),
        (
            Tier("mine", "http://h/v1", control=Control(ControlKind.SYSTEMD, "attic", "a.service")),
            "The box “attic” is not in the settings.",
        ),
        (replace(ORCHESTRATOR, name="mine"), "The box of “mine” is not known."),
        (Tier("another", "http://127.0.0.1:9/v1"), "There is no tier called “mine”."),
    ],
)
async def test_given_a_tier_that_cannot_be_controlled_then_it_is_told_why(
    controls: UnitControls, tier: Tier, why: str
) -> None:
    told = list[Event]()
    await TierControl(FakeTiers(tier), None, controls, told.append).do("mine", Deed.START)
    assert why in failures(told)[0]


async def test_given_a_service_of_a_box_then_the_box_does_it(controls: UnitControls) -> None:
    boxes = ScriptedBoxes()
    control = TierControl(FakeTiers(ORCHESTRATOR), boxes, controls, lambda _: None)
    doing = asyncio.create_task(control.do("orchestrator", Deed.STOP))
    asked = ("do", "strix", Deed.STOP, ("vllm-orchestrator",), None, False)
    await eventually(lambda: asked in boxes.calls, within_s=5)
    boxes.step(BOX, operation(Deed.STOP, state=OperationState.DONE))
    await doing
