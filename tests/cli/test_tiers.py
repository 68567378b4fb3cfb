"""`strixdesk tiers`: the rows of the list, and who starts what."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.cli.operations import Outcome, together
from strixdesk.cli.tiers import deeds_of, find, tier_row
from strixdesk.core.box import Deed, OperationState
from strixdesk.core.errors import StrixError
from strixdesk.core.tier import Control, ControlKind, Tier
from tests.support.eventually import eventually
from tests.support.scripted_boxes import (
    BOX,
    CODER,
    ORCHESTRATOR,
    REVIEWER,
    STATUSES,
    TIERS,
    UTILITY,
    ScriptedBoxes,
    operation,
)

PLAIN = Tier("plain", "http://127.0.0.1:9/v1")


@contextlib.asynccontextmanager
async def controls_of(boxes: ScriptedBoxes) -> AsyncIterator[UnitControls]:
    controls = UnitControls(boxes.all, lambda _: LocalShell(), make_http_client())
    try:
        yield controls
    finally:
        await controls.close()


def carried_out(boxes: ScriptedBoxes, deed: Deed, *tiers: Tier, on_box: bool) -> list[Outcome]:
    async def play() -> list[Outcome]:
        async with controls_of(boxes) as controls:
            deeds = asyncio.create_task(together(deeds_of(tiers, deed, boxes, controls)))
            if on_box:
                await eventually(lambda: boxes.status_of(BOX).operation is not None, within_s=10)
                boxes.step(BOX, operation(deed, state=OperationState.DONE))
            return await deeds

    return asyncio.run(play())


def refusal(deed: Deed, *tiers: Tier) -> str:
    async def play() -> None:
        boxes = ScriptedBoxes()
        async with controls_of(boxes) as controls:
            await together(deeds_of(tiers, deed, boxes, controls))

    with pytest.raises(StrixError) as failure:
        asyncio.run(play())
    return failure.value.sentence()


# ---- the list ----------------------------------------------------------------------------------


def test_a_row_tells_speed_requests_and_the_service_behind_the_tier() -> None:
    row = tier_row(ORCHESTRATOR, STATUSES["orchestrator"])
    assert (row["tokens_per_s"], row["requests_running"], row["requests_waiting"]) == (24.6, 2, 1)
    assert (row["box"], row["service"]) == ("strix", "vllm-orchestrator")


def test_a_row_tells_how_far_a_loading_tier_is() -> None:
    row = tier_row(CODER, STATUSES["coder"])
    assert (row["state"], row["progress"], row["eta_s"]) == ("loading", 0.62, 140.0)


def test_a_row_tells_of_a_tier_that_is_slow_and_of_one_that_was_only_seen_before() -> None:
    slow = replace(STATUSES["orchestrator"], degraded="It is slower than it was.", stale=True)
    row = tier_row(ORCHESTRATOR, slow)
    assert (row["degraded"], row["stale"]) == ("It is slower than it was.", True)


def test_a_tier_that_nobody_controls_has_no_box() -> None:
    row = tier_row(PLAIN, STATUSES["reviewer"])
    assert (row["box"], row["service"], row["tokens_per_s"]) == (None, None, None)


# ---- who is meant ------------------------------------------------------------------------------


def test_a_tier_is_found_by_name_or_role_and_counted_once() -> None:
    tier = replace(CODER, name="box/qwen", role="coder")

    async def found() -> tuple[Tier, ...]:
        return await find(["coder", "box/qwen"], Inventory(TierWatch([tier, UTILITY])))

    assert [one.name for one in asyncio.run(found())] == ["box/qwen"]


def test_a_name_that_calls_nobody_is_told_with_those_that_are_there() -> None:
    async def found() -> None:
        await find(["painter"], Inventory(TierWatch([PLAIN])))

    with pytest.raises(StrixError) as failure:
        asyncio.run(found())
    assert failure.value.sentence().endswith("There are: plain.")


# ---- who starts what ---------------------------------------------------------------------------


def test_several_services_of_one_box_are_dealt_with_as_one() -> None:
    boxes = ScriptedBoxes()
    (outcome,) = carried_out(boxes, Deed.STOP, REVIEWER, UTILITY, on_box=True)
    assert outcome.state is OperationState.DONE
    assert [call for call in boxes.calls if call[0] == "do"] == [
        ("do", "strix", Deed.STOP, ("llama-reviewer", "llama-utility"), None, False)
    ]


def test_a_plain_command_is_run_where_the_tier_is(tmp_path: Path) -> None:
    up, down = str(tmp_path / "up"), str(tmp_path / "down")
    control = Control(ControlKind.COMMAND, start=("touch", up), stop=("touch", down))
    mine = replace(PLAIN, control=control)
    (started,) = carried_out(ScriptedBoxes(), Deed.START, mine, on_box=False)
    assert started == Outcome("plain", ("plain",), OperationState.DONE, "It was started.")
    assert (Path(up).exists(), Path(down).exists()) == (True, False)
    carried_out(ScriptedBoxes(), Deed.RESTART, mine, on_box=False)
    assert Path(down).exists()


def test_a_command_that_fails_says_why() -> None:
    control = Control(ControlKind.COMMAND, start=("false",))
    (outcome,) = carried_out(
        ScriptedBoxes(), Deed.START, replace(PLAIN, control=control), on_box=False
    )
    assert outcome.state is OperationState.FAILED
    assert outcome.sentence == "`false` failed with status 1."


def test_who_interrupts_a_command_is_told_that_its_end_is_not_known(tmp_path: Path) -> None:
    fifo, said = tmp_path / "fifo", list[str]()
    os.mkfifo(fifo)
    control = Control(ControlKind.COMMAND, start=("cat", str(fifo)))

    async def interrupted() -> None:
        boxes, mine = ScriptedBoxes(), replace(PLAIN, control=control)
        async with controls_of(boxes) as controls:
            (deed,) = deeds_of([mine], Deed.START, boxes, controls, say=said.append)
            task = asyncio.create_task(deed)
            await eventually(lambda: bool(said), within_s=10)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert said == ["plain: Starting.", "plain: Cancelled. Whether it runs is not known."]


def test_a_tier_without_control_is_told_how_to_get_one() -> None:
    said = refusal(Deed.START, *TIERS, PLAIN)
    assert said.startswith("How “plain” is started and stopped is not known.")
    assert 'control = { kind = "compose"' in said


def test_a_cloud_tier_and_the_starter_are_not_started_by_anybody() -> None:
    assert "runs in the cloud" in refusal(Deed.START, replace(PLAIN, cloud=True))
    assert "starts by itself" in refusal(Deed.STOP, replace(PLAIN, starter=True))


def test_a_box_that_is_not_in_the_settings_is_named() -> None:
    control = Control(ControlKind.COMPOSE, "shed", "llama")
    said = refusal(Deed.START, replace(PLAIN, control=control))
    assert said.startswith("The box “shed” is not in the settings.")


def test_only_compose_services_have_an_image_to_fetch() -> None:
    control = Control(ControlKind.SYSTEMD, unit="llama.service")
    assert "no image to fetch" in refusal(Deed.PULL, replace(PLAIN, control=control))
