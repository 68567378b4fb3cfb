"""All tiers and all boxes of the settings, for as long as one command takes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.cli.context import CommandContext
from strixdesk.composition import build_tiers
from strixdesk.composition_boxes import build_boxes


@contextlib.asynccontextmanager
async def opened(context: CommandContext) -> AsyncIterator[tuple[Inventory, BoxWatch]]:
    """Nothing was asked yet."""
    settings, paths = context.loaded.settings, context.paths
    boxes = build_boxes(settings, paths)
    tiers = build_tiers(settings, paths, boxes=boxes)
    try:
        yield tiers, boxes
    finally:
        closing = asyncio.gather(tiers.close(), boxes.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:  # an interrupt just then: nothing may stay behind
            await closing
            raise
