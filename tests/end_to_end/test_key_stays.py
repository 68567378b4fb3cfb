"""The key of a cloud tier is in the keychain and in one request, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.fault_server import Cut, FaultServer, fault_server, http, says, stream
from tests.support.secret_service import SecretService, secret_service

pytestmark = pytest.mark.engine

KEY = "zq-9ab4417f02-not-to-be-seen"
CHILDREN = {"stt", "tts", "llama"}
"""Workers: they hear, they speak, and the last is the tier “This computer”."""


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


async def strixdesk(
    service: SecretService, *arguments: str, given: str = ""
) -> tuple[int | None, str, set[str]]:
    """Its status, all that it printed, and the workers that it had. As long as it runs, the key is
    looked for in its processes and in its user's files."""
    command = [sys.executable, "-m", "strixdesk", "--verbose", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env=service.environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    ended = asyncio.ensure_future(process.communicate(given.encode()))
    workers: set[str] = set()
    try:
        while not ended.done():
            await asyncio.wait([ended], timeout=0.05)
            workers |= await asyncio.to_thread(_workers_without_key, process)
            await asyncio.to_thread(_no_key_in_files, service.home)
    finally:
        if not ended.done():
            process.kill()
            await ended
    printed = b"".join(await ended).decode()
    assert KEY not in printed
    return process.returncode, printed, workers


async def test_a_key_is_in_no_file_no_process_and_no_word(
    cloud: FaultServer, human_speech: Path
) -> None:
    refusal = f'{{"error": {{"message": "The account of {KEY} is closed."}}}}'.encode()
    cloud.on("/v1/models", http(200, b'{"object": "list", "data": [{"id": "opus"}]}'))
    cloud.on_chat(
        stream(says("Your fellow Americans. They ask you"), Cut()),
        http(401, refusal),
    )
    with secret_service() as service:
        folder = Path(service.environment["XDG_CONFIG_HOME"]) / "strixdesk"
        folder.mkdir()
        (folder / "strixdesk.toml").write_text(
            '[starter]\nenabled = "always"\n'
            '[[routing.rules]]\nbecause = "It is public"\nto = ["claude"]\nwords = ["country"]\n'
            "[usage]\nmonthly_budget_usd = 5.0\n[chat]\nmax_answer_tokens = 32\n"
            f'[[tiers]]\nname = "claude"\nbase_url = "{cloud.base_url}/v1"\nkey_name = "work"\n'
            "price = { input = 3.0, output = 15.0 }\n"
        )

        status, *_ = await strixdesk(service, "key", "set", "work", given=f"{KEY}\n")
        assert status == 0
        assert service.held() == [KEY]

        aloud = ["--speak", str(service.home / "answer.wav")]
        _, printed, workers = await strixdesk(service, "ask", "--audio", str(human_speech), *aloud)
        assert "Your fellow Americans." in printed, printed
        assert workers == CHILDREN, printed

        status, printed, _ = await strixdesk(service, "ask", "Again?", "--tier", "claude", "--json")
        assert status == 1
        assert "claude" in printed

        await strixdesk(service, "usage")
        await strixdesk(service, "doctor")
        _no_key_in_files(service.home)
        names = {path.name for path in service.home.rglob("*")}
        assert {"strixdesk.toml", "strixdesk.log", "history.sqlite3", "login.keyring"} <= names

    asked = cloud.asked("/v1/chat/completions")
    assert len(asked) >= 2
    assert {request.headers["authorization"] for request in asked} == {f"Bearer {KEY}"}


def _workers_without_key(process: Process) -> set[str]:
    """Of the program, its children and theirs. The key is in none of their arguments and
    environments."""
    workers = set()
    for pid in _family(process.pid):
        with contextlib.suppress(OSError):  # it is over
            argv = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            assert KEY.encode() not in argv
            assert KEY.encode() not in (Path("/proc") / str(pid) / "environ").read_bytes()
            words = argv.decode().split("\0")
            if "--worker" in words:
                workers.add(words[words.index("--worker") + 1])
    return workers


def _family(eldest: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                after_name = (entry / "stat").read_bytes().rpartition(b")")[2]
                parents[int(entry.name)] = int(after_name.split()[1])
    family = [eldest]
    for pid in family:  # it grows meanwhile
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def _no_key_in_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it may be gone
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path
