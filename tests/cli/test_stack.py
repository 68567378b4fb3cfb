"""The modes that `strixdesk stack` lists."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from strixdesk.cli.stack import mode_lines
from strixdesk.composition_boxes import stack_of
from strixdesk.core.errors import BoxError
from tests.support.scripted_boxes import BOX, BROKEN, ScriptedBoxes, stack


def test_modes_are_listed_with_their_services() -> None:
    lines = mode_lines(stack(), as_json=False).splitlines()
    assert lines[0] == "gpu   vllm-orchestrator, vllm-coder"
    assert lines[2].startswith("full  ")
    assert [one["name"] for one in json.loads(mode_lines(stack(), as_json=True))["modes"]] == [
        *("gpu", "cpu", "full")
    ]


def test_a_stack_that_was_not_read_says_what_is_broken_on_the_way() -> None:
    class Unread(ScriptedBoxes):
        def stack_of(self, box: object) -> None:
            return None

    boxes = Unread()
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    with pytest.raises(BoxError, match="could not be read") as failure:
        asyncio.run(stack_of(boxes, BOX))
    assert "ssh-copy-id" in failure.value.advice
