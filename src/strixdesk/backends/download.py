"""Fetches a model of the catalogue, whole or not at all.

Files are collected in a hidden folder beside their place and moved there together once each of
them was checked: a model that is there is complete. Cancelling or crashing keeps the parts.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from strixdesk import __version__
from strixdesk.backends.transfer import Patience, Transfer, file_sha256, flush_to_disk
from strixdesk.core.catalogue import CatalogueModel, kind_folder
from strixdesk.core.errors import ModelError

SPARE_BYTES = 64 * 1024 * 1024
"""Left free on the disk."""
_REPORT_EVERY_S = 0.1
_RATE_OVER_S = 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    done_bytes: int
    total_bytes: int
    bytes_per_s: float
    """Lately; 0 while nothing is known."""

    @property
    def left_s(self) -> float | None:
        """Seconds to go at this rate; None while nothing is known."""
        left = self.total_bytes - self.done_bytes
        return left / self.bytes_per_s if self.bytes_per_s > 0 else None


async def fetch(
    model: CatalogueModel,
    mirror: str,
    models_dir: Path,
    on_progress: Callable[[Progress], None],
    patience: Patience | None = None,
) -> Path:
    """Make sure that the model is here and right: returns its folder. What is there already is
    checked, and only what is wrong is fetched. Raises ModelError."""
    folder = model.folder(models_dir)
    staging = kind_folder(model.kind, models_dir) / ".partial" / model.name
    meter = _Meter(model, on_progress)
    try:
        staging.mkdir(parents=True, exist_ok=True)
        with _only_one(model, staging.with_name(f"{model.name}.lock")):
            if await asyncio.to_thread(_gather, model, folder, staging):
                shutil.rmtree(staging)
                return folder
            _room_for(model, staging)
            async with meter.reporting():
                await _fetch_files(model, mirror, staging, meter, patience or Patience())
            _install(model, staging, folder)  # a few renames: never cut in half by a cancel
    except OSError as error:
        raise _disk_error(error, folder) from error
    return folder


async def _fetch_files(
    model: CatalogueModel,
    mirror: str,
    staging: Path,
    meter: _Meter,
    patience: Patience,
) -> None:
    timeout = httpx.Timeout(patience.stall_s, connect=patience.connect_s)
    agent = {"User-Agent": f"strixdesk/{__version__}"}
    async with httpx.AsyncClient(follow_redirects=True, timeout=timeout, headers=agent) as client:
        for file in model.files:
            whole = staging / file.name
            if whole.exists():  # checked when it was put there
                meter.at(file.name, file.size_bytes)
                continue
            part = staging / f"{file.name}.part"
            await Transfer(
                client,
                model.url(file, mirror),
                file,
                part,
                lambda done, name=file.name: meter.at(name, done),  # type: ignore[misc]
                patience,
            ).run()
            await asyncio.to_thread(flush_to_disk, part)
            part.replace(whole)


def _gather(model: CatalogueModel, folder: Path, staging: Path) -> bool:
    """Keep what is good of an earlier fetch; True when the model in place needs nothing."""
    good = {
        file.name
        for file in model.files
        if (there := folder / file.name).is_file()
        and there.stat().st_size == file.size_bytes
        and file_sha256(there) == file.sha256
    }
    if len(good) == len(model.files):
        return True
    for file in model.files:
        staged = staging / file.name
        if staged.exists() and file_sha256(staged) != file.sha256:
            staged.unlink()
        if file.name in good and not staged.exists():
            shutil.copyfile(folder / file.name, staged)
    return False


def _install(model: CatalogueModel, staging: Path, folder: Path) -> None:
    """Swap the finished folder in: nobody ever sees half a model."""
    wanted = {file.name for file in model.files}
    for leftover in staging.iterdir():
        if leftover.name not in wanted:
            leftover.unlink()
    outdated = staging.with_name(f"{model.name}.old")
    shutil.rmtree(outdated, ignore_errors=True)
    if folder.exists():
        folder.rename(outdated)
    staging.rename(folder)
    shutil.rmtree(outdated, ignore_errors=True)


def remove(model: CatalogueModel, models_dir: Path) -> int:
    """Delete what was fetched of it, parts included. Returns the bytes that were freed."""
    freed = 0
    partial = kind_folder(model.kind, models_dir) / ".partial"
    for folder in (model.folder(models_dir), partial / model.name, partial / f"{model.name}.old"):
        if folder.is_dir():
            freed += sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise _disk_error(error, folder) from error
    return freed


def _room_for(model: CatalogueModel, staging: Path) -> None:
    there = sum(file.stat().st_size for file in staging.iterdir() if file.is_file())
    needed = model.size_bytes - there + SPARE_BYTES
    free = shutil.disk_usage(staging).free
    if free < needed:
        raise ModelError(
            f'There is not enough room for "{model.name}": it takes {needed // 1_000_000} MB, and '
            f"{free // 1_000_000} MB are free on the disk of {staging.parent.parent.parent}.",
            "Make room, or choose another place with --data-dir.",
        )


@contextmanager
def _only_one(model: CatalogueModel, lock_file: Path) -> Iterator[None]:
    """The lock goes with the process, however it ends."""
    handle = os.open(lock_file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(
                f'"{model.name}" is being fetched already, by another StrixDesk.',
                "Wait until it is done.",
            ) from None
        yield
    finally:
        os.close(handle)


def _disk_error(error: OSError, folder: Path) -> ModelError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(
            f"The disk is full: {folder} could not be written.",
            "Make room and run the same command again: it continues where it stopped.",
        )
    return ModelError(
        f"{error.filename or folder} could not be written: {error.strerror or error}.",
        "Check the folder's permissions, or choose another place with --data-dir.",
    )


class _Meter:
    """Adds the files up, measures the rate and reports while the fetch goes on, stalls included."""

    def __init__(self, model: CatalogueModel, on_progress: Callable[[Progress], None]) -> None:
        self._done: dict[str, int] = {}
        self._total = model.size_bytes
        self._on_progress = on_progress
        self._rate: float | None = None
        self._reported: tuple[float, int] | None = None

    def at(self, name: str, done: int) -> None:
        self._done[name] = done

    def report(self) -> None:
        now, total = time.monotonic(), sum(self._done.values())
        if self._reported is not None and now > self._reported[0]:
            since = now - self._reported[0]
            lately = max(0.0, (total - self._reported[1]) / since)
            share = min(1.0, since / _RATE_OVER_S)
            self._rate = (
                lately if self._rate is None else self._rate + share * (lately - self._rate)
            )
        self._reported = (now, total)
        self._on_progress(Progress(total, self._total, self._rate or 0.0))

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        async def steadily() -> None:
            while True:
                await asyncio.sleep(_REPORT_EVERY_S)
                self.report()

        self.report()
        reporter = asyncio.create_task(steadily())
        try:
            yield
            self.report()
        finally:
            reporter.cancel()
            await asyncio.wait([reporter])
