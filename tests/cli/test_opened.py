from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.cli.context import CommandContext
from strixdesk.cli.opened import opened
from strixdesk.paths import Paths
from strixdesk.settings import Loaded, Settings


async def test_what_was_opened_is_closed_although_an_interrupt_comes_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing, closed = asyncio.Event(), asyncio.Event()

    async def slowly(boxes: BoxWatch) -> None:
        closing.set()
        await asyncio.sleep(0.1)
        closed.set()

    monkeypatch.setattr(BoxWatch, "close", slowly)
    paths = Paths.standard(tmp_path / "settings.toml", tmp_path)

    async def command() -> None:
        async with opened(CommandContext(paths, Loaded(Settings(), paths.config_file))):
            pass

    task = asyncio.create_task(command())
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
