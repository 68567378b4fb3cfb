"""Machines that come and go while they are watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.box.hops import look
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.wake_on_lan import wake
from strixdesk.backends.box.world import BoxWorld
from strixdesk.core.box import Box
from strixdesk.core.events import BoxChanged, BoxesChanged

DESK, ATTIC = Box("desk", stack="/nowhere"), Box("attic", stack="/nowhere")


@pytest.fixture
async def boxes() -> AsyncIterator[BoxWatch]:
    async with httpx.AsyncClient() as http:
        watch = BoxWatch([DESK, ATTIC], lambda _: LocalShell(), BoxWorld(http, look), wake=wake)
        yield watch
        await watch.close()


async def test_a_box_that_is_found_anew_takes_the_place_of_the_former(boxes: BoxWatch) -> None:
    changed = replace(DESK, reserve_gb=8.0)
    boxes.add(changed)
    assert boxes.all() == (changed, ATTIC)


async def test_a_box_that_is_removed_is_gone_and_that_is_told(boxes: BoxWatch) -> None:
    told: list[BoxChanged | BoxesChanged] = []
    boxes.subscribe(told.append)
    boxes.set_watched(True)
    boxes.remove("desk")
    assert boxes.all() == (ATTIC,)
    assert told[-1] == BoxesChanged((ATTIC,))
    boxes.remove("desk")
    assert len(told) == 1
