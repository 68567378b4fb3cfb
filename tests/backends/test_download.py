"""A model arrives whole or not at all, whatever the server does."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.download import Progress, fetch, remove
from strixdesk.backends.transfer import Patience
from strixdesk.core.catalogue import CatalogueModel, ModelFile, ModelKind
from strixdesk.core.errors import ModelError
from tests.support.eventually import eventually
from tests.support.file_server import Fault, FileServer, serving

WEIGHTS = random.Random(1).randbytes(300_000)
CONFIG = b'{"a": 1}'
PATIENCE = Patience(connect_s=60, stall_s=60, retries=2, backoff_s=0.01, longest_backoff_s=0.05)
SOON_S = 0.15
LATER_S = 4.0
"""No transfer of these few bytes takes as long, also where this process stands still meanwhile."""


def pinned(path: str, content: bytes) -> ModelFile:
    return ModelFile(path, len(content), hashlib.sha256(content).hexdigest())


MODEL = CatalogueModel(
    name="test-voice",
    kind=ModelKind.VOICE,
    language="en",
    repo="someone/voices",
    revision="a" * 40,
    files=(pinned("en/test.onnx", WEIGHTS), pinned("en/test.onnx.json", CONFIG)),
    rank=1,
)
BASE = f"/someone/voices/resolve/{'a' * 40}/en"
FILES = {f"{BASE}/test.onnx": WEIGHTS, f"{BASE}/test.onnx.json": CONFIG}


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with serving(dict(FILES)) as running:
        yield running


async def get(server: FileServer, models_dir: Path, *, stall_s: float = PATIENCE.stall_s) -> Path:
    patience = replace(PATIENCE, stall_s=stall_s)
    return await fetch(MODEL, server.url, models_dir, lambda _: None, patience)


def assert_whole(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == ["test.onnx", "test.onnx.json"]
    assert (folder / "test.onnx").read_bytes() == WEIGHTS
    assert (folder / "test.onnx.json").read_bytes() == CONFIG


def part(models_dir: Path) -> Path:
    return models_dir / "voices" / ".partial" / "test-voice" / "test.onnx.part"


def ranges(server: FileServer) -> list[str]:
    return [r.headers.get("range", "") for r in server.requests if r.path.endswith(".onnx")]


async def test_a_model_is_fetched_and_put_in_place(server: FileServer, tmp_path: Path) -> None:
    folder = await get(server, tmp_path)
    assert folder == tmp_path / "voices" / "test-voice"
    assert_whole(folder)
    assert not part(tmp_path).parent.exists()


async def test_progress_rises_to_the_total(server: FileServer, tmp_path: Path) -> None:
    seen: list[Progress] = []
    await fetch(MODEL, server.url, tmp_path, seen.append, PATIENCE)
    done = [progress.done_bytes for progress in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].total_bytes == MODEL.size_bytes


async def test_what_is_already_here_is_not_fetched_again(
    server: FileServer, tmp_path: Path
) -> None:
    await get(server, tmp_path)
    server.requests.clear()
    assert_whole(await get(server, tmp_path))
    assert server.requests == []


async def test_only_a_damaged_file_is_fetched_again(server: FileServer, tmp_path: Path) -> None:
    folder = await get(server, tmp_path)
    (folder / "test.onnx.json").write_bytes(b'{"a": 2}')  # same size: only the hash can tell
    server.requests.clear()
    assert_whole(await get(server, tmp_path))
    assert [request.path for request in server.requests] == [f"{BASE}/test.onnx.json"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut_after=100_000),
        Fault(cut_after=100_000, no_length=True),
        Fault(stall_after=100_000),
    ],
    ids=["cut", "cut without a length", "stalled"],
)
async def test_a_broken_transfer_goes_on_where_it_stopped(
    fault: Fault, server: FileServer, tmp_path: Path
) -> None:
    server.faults = [fault]
    assert_whole(await get(server, tmp_path, stall_s=LATER_S))
    assert ranges(server) == ["", "bytes=100000-"]


async def test_it_goes_on_in_a_later_run(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(cut_after=100_000), *[Fault(status=503)] * 3]
    with pytest.raises(ModelError) as caught:
        await get(server, tmp_path)
    assert "503" in caught.value.message
    assert "continues where it stopped" in caught.value.advice
    assert part(tmp_path).stat().st_size == 100_000
    server.requests.clear()
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == ["bytes=100000-"]


async def test_a_server_that_ignores_ranges_starts_over(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(cut_after=100_000), Fault(ignore_range=True)]
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == ["", "bytes=100000-"]


async def test_content_that_changed_in_between_is_not_mixed(
    server: FileServer, tmp_path: Path
) -> None:
    server.files[f"{BASE}/test.onnx"] = bytes(len(WEIGHTS))
    server.faults = [Fault(cut_after=100_000), *[Fault(status=503)] * 3]
    with pytest.raises(ModelError):
        await get(server, tmp_path)
    server.files[f"{BASE}/test.onnx"] = WEIGHTS
    assert_whole(await get(server, tmp_path))


async def test_a_stale_part_without_a_mark_is_found_out(server: FileServer, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(b"something else entirely")
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == ["bytes=23-", ""]


async def test_a_part_that_is_whole_already_needs_no_request(
    server: FileServer, tmp_path: Path
) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(WEIGHTS)
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == []


async def test_one_corrupt_transfer_is_repeated(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(corrupt=True)]
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == ["", ""]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(corrupt=True), "checksum is wrong"),
        (Fault(extra=b"more", no_length=True), "longer than it should be"),
        (Fault(claimed_length=7, cut_after=7), "7 bytes instead of 300000"),
    ],
    ids=["corrupt", "too long", "lies about the length"],
)
async def test_a_wrong_file_is_never_installed(
    fault: Fault, reason: str, server: FileServer, tmp_path: Path
) -> None:
    server.faults = [fault, fault]
    with pytest.raises(ModelError) as caught:
        await get(server, tmp_path)
    assert reason in caught.value.message
    assert "Nothing was installed" in caught.value.advice
    assert not MODEL.folder(tmp_path).exists()
    assert not part(tmp_path).exists()


async def test_a_range_at_the_wrong_place_starts_over(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(cut_after=100_000), Fault(shift_range=5)]
    assert_whole(await get(server, tmp_path))
    assert ranges(server) == ["", "bytes=100000-", ""]


async def test_a_missing_file_says_what_to_check(server: FileServer, tmp_path: Path) -> None:
    del server.files[f"{BASE}/test.onnx"]
    with pytest.raises(ModelError) as caught:
        await get(server, tmp_path)
    assert f"{BASE}/test.onnx" in caught.value.message
    assert "--mirror" in caught.value.advice
    assert len(server.requests) == 1


async def test_a_refusal_is_not_repeated(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(status=403)]
    with pytest.raises(ModelError, match="HTTP 403"):
        await get(server, tmp_path)
    assert len(server.requests) == 1


async def test_a_server_that_never_answers_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(stall_after=0)] * 9
    with pytest.raises(ModelError, match="fell silent"):
        await get(server, tmp_path, stall_s=SOON_S)
    await eventually(lambda: len(server.requests) == 1 + PATIENCE.retries, within_s=30)


async def test_no_server_at_all_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="could not be fetched"):
        await fetch(MODEL, "http://127.0.0.1:9", tmp_path, lambda _: None, PATIENCE)


async def test_redirects_are_followed(server: FileServer, tmp_path: Path) -> None:
    server.files["/cdn/blob"] = WEIGHTS
    server.faults = [Fault(redirect=f"{server.url}/cdn/blob")]
    assert_whole(await get(server, tmp_path))


async def test_cancelling_keeps_the_part(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(stall_after=100_000)]
    under_way = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        if progress.done_bytes:
            under_way.set()

    patient = Patience(connect_s=60.0, stall_s=60.0)
    task = asyncio.create_task(fetch(MODEL, server.url, tmp_path, on_progress, patient))
    async with asyncio.timeout(30):
        await under_way.wait()
        await server.stalled.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = part(tmp_path).read_bytes()
    assert kept
    assert WEIGHTS.startswith(kept)
    assert_whole(await get(server, tmp_path))
    assert ranges(server)[1] == f"bytes={len(kept)}-"


async def test_two_at_once_do_not_meet(server: FileServer, tmp_path: Path) -> None:
    server.faults = [Fault(stall_after=1000)]
    first = asyncio.create_task(fetch(MODEL, server.url, tmp_path, lambda _: None, PATIENCE))
    await server.stalled.wait()
    with pytest.raises(ModelError, match="being fetched already"):
        await get(server, tmp_path)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert_whole(await get(server, tmp_path))


async def test_a_full_disk_is_noticed_before_the_first_byte(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelError) as caught:
        await get(server, tmp_path)
    assert "not enough room" in caught.value.message
    assert "1 MB are free" in caught.value.message
    assert server.requests == []


async def test_a_place_that_cannot_be_written_is_explained(
    server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "voices").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="could not be written"):
        await get(server, tmp_path)


async def test_a_removed_model_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    folder = await get(server, tmp_path)
    assert remove(MODEL, tmp_path) == MODEL.size_bytes
    assert not folder.exists()
    assert remove(MODEL, tmp_path) == 0
