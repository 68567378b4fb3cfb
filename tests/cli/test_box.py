"""What `strixdesk box` prints of what was seen."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from strixdesk.cli.box import box_lines, box_row, show
from strixdesk.core.box import ContainerState, Deed
from tests.support.scripted_boxes import BOX, BROKEN, ScriptedBoxes, operation


def shown(boxes: ScriptedBoxes, *, as_json: bool = False) -> int:
    return asyncio.run(show(boxes, boxes.all(), as_json=as_json))


def test_each_hop_has_a_mark_a_word_and_what_is_known_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(ScriptedBoxes()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "strix  anna@strix.tail1234.ts.net  /home/anna/ai/strix-stack"
    assert lines[1] == "  ok  Tailscale  in order, 11 ms — Directly connected."
    assert lines[3].strip() == "ok  docker     in order — Docker 28.1, compose 2.36."


def test_the_hop_that_is_broken_is_named_and_fails_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = ScriptedBoxes()
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    assert shown(boxes) == 1
    out = capsys.readouterr().out
    assert " !  Tailscale  impaired, 78 ms — Relayed through Frankfurt." in out
    assert " ✗  ssh        broken — strix does not take the key of this computer." in out
    assert " ?  docker     not looked at" in out


def test_a_mode_that_could_not_be_read_is_told_with_the_reason() -> None:
    boxes = ScriptedBoxes()
    stack = boxes.stack_of(BOX)
    assert stack is not None
    why = "The mode “cpu” was left out. Compose cannot read the stack."
    lines = list(box_lines(BOX, boxes.status_of(BOX), replace(stack, left_out=(why,))))
    assert f"   !  {why}" in lines
    assert box_row(BOX, boxes.status_of(BOX), replace(stack, left_out=(why,)))["left_out"] == [why]


def test_memory_graphics_unit_and_temperature_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    shown(ScriptedBoxes())
    assert (
        "memory: 22.0 GB free of 128.0 GB; GPU 88.0 GB used of 124.0 GB; 61 °C"
        in capsys.readouterr().out
    )


def test_each_service_says_how_it_is_and_how_far_its_start_has_come(
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = ScriptedBoxes()
    now = boxes.status_of(BOX)
    *others, utility = now.services
    failing = replace(utility, exit_code=1, last_error="error loading model")
    boxes.tell(BOX, replace(now, services=(*others, failing)))
    shown(boxes)
    out = capsys.readouterr().out
    assert "vllm-orchestrator  running, healthy\n" in out
    assert "vllm-coder         running, starting, loading weights, 62%, about 2 min left\n" in out
    assert "llama-reviewer     exited\n" in out
    assert "llama-utility      restarting, exit status 1, restarted 7 times\n" in out
    assert "its log: error loading model\n" in out


def test_modes_who_holds_the_box_and_what_is_being_done_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = ScriptedBoxes()
    now = replace(
        boxes.status_of(BOX), holder="ben on desk, since 08:12", operation=operation(Deed.START)
    )
    boxes.tell(BOX, now)
    shown(boxes)
    out = capsys.readouterr().out
    assert "modes: gpu, cpu, full\n" in out
    assert "held by: ben on desk, since 08:12\n" in out
    assert "now: Starting coder: loading weights, 9 of 16 files. (62%, about 2 min left)" in out


def test_json_says_the_same_to_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    boxes = ScriptedBoxes()
    boxes.tell(BOX, replace(boxes.status_of(BOX), operation=operation()))
    assert shown(boxes, as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)["boxes"]
    assert row["reachable"] is True
    assert [hop["state"] for hop in row["hops"]] == ["ok", "ok", "ok"]
    assert row["memory"]["temperature_c"] == 61.0
    coder = next(one for one in row["services"] if one["name"] == "vllm-coder")
    assert (coder["container"], coder["health"]) == ("running", "starting")
    assert (coder["progress"], coder["eta_s"]) == (0.62, 140.0)
    assert row["modes"] == ["gpu", "cpu", "full"]
    assert (row["operation"]["deed"], row["operation"]["state"]) == ("start", "running")


def test_a_service_that_was_restarted_once_is_not_in_the_plural(
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = ScriptedBoxes()
    now = boxes.status_of(BOX)
    one = replace(now.services[0], restarts=1, container=ContainerState.RUNNING)
    boxes.tell(BOX, replace(now, services=(one,)))
    shown(boxes)
    assert "restarted once" in capsys.readouterr().out
