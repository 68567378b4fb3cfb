"""The key of a cloud tier is where its user has put it and in one request, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.support.fault_server import Cut, FaultServer, fault_server, http, says, stream
from tests.support.secret_service import environment_in, secret_service

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]

KEY = "zq-9ab4417f02-not-to-be-seen"
LISTED_KEY = "zq-51d6e8a370-not-to-be-seen"
KEYS = (KEY, LISTED_KEY)
CHILDREN = {"stt", "tts", "llama"}
"""Workers: they hear, they speak, and the last is the tier “This computer”."""


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


async def strixdesk(
    environment: Mapping[str, str], *arguments: str, given: str = ""
) -> tuple[int | None, str, set[str]]:
    """Its status, all that it printed, and the workers that it had. As long as it runs, the keys
    are looked for in its processes and in its user's files."""
    home = Path(environment["HOME"])
    command = [sys.executable, "-m", "strixdesk", "--verbose", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    ended = asyncio.ensure_future(process.communicate(given.encode()))
    workers: set[str] = set()
    try:
        while not ended.done():
            await asyncio.wait([ended], timeout=0.05)
            workers |= await asyncio.to_thread(_workers_without_key, process, environment)
            await asyncio.to_thread(_no_key_in_files, home)
    finally:
        if not ended.done():
            process.kill()
            await ended
    printed = b"".join(await ended).decode()
    assert not [key for key in KEYS if key in printed]
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

        status, *_ = await strixdesk(service.environment, "key", "set", "work", given=f"{KEY}\n")
        assert status == 0
        assert service.held() == [KEY]

        aloud = ["--speak", str(service.home / "answer.wav")]
        _, printed, workers = await strixdesk(
            service.environment, "ask", "--audio", str(human_speech), *aloud
        )
        assert "Your fellow Americans." in printed, printed
        assert workers == CHILDREN, printed

        status, printed, _ = await strixdesk(
            service.environment, "ask", "Again?", "--tier", "claude", "--json"
        )
        assert status == 1
        assert "claude" in printed

        await strixdesk(service.environment, "usage")
        await strixdesk(service.environment, "doctor")
        _no_key_in_files(service.home)
        names = {path.name for path in service.home.rglob("*")}
        assert {"strixdesk.toml", "strixdesk.log", "history.sqlite3", "login.keyring"} <= names

    assert len(cloud.asked("/v1/chat/completions")) >= 2
    assert _keys_of(cloud) == {KEY}


async def test_a_key_in_a_variable_goes_to_no_child(
    cloud: FaultServer, human_speech: Path, tmp_path: Path
) -> None:
    cloud.on("/v1/models", http(200, b'{"object": "list", "data": [{"id": "opus"}]}'))
    cloud.on_chat(stream(says("Fellow Americans, they ask you."), Cut()))
    environment = _with_keys_in_variables(cloud, tmp_path)
    home = Path(environment["HOME"])

    aloud = ["--speak", str(home / "answer.wav")]
    _, printed, workers = await strixdesk(environment, "ask", "--audio", str(human_speech), *aloud)
    assert "Fellow Americans" in printed, printed
    assert workers == CHILDREN, printed
    assert _keys_of(cloud) == {KEY, LISTED_KEY}  # one tier after the other

    _, printed, workers = await strixdesk(environment, "say", "Hello.", *("--out", str(home / "w")))
    assert workers == {"tts"}, printed

    status, printed, _ = await strixdesk(environment, "tiers", "start", "claude")
    assert status == 0, printed
    inherited = (home / "environment").read_text()
    assert "OF_THE_COMMAND=kept" in inherited
    assert "CLAUDE_KEY" not in inherited
    assert "LISTED_KEY" not in inherited
    _no_key_in_files(home)


async def test_a_key_in_a_variable_goes_to_no_child_of_the_window(
    cloud: FaultServer, tmp_path: Path
) -> None:
    cloud.on("/v1/models", http(200, b'{"object": "list", "data": [{"id": "opus"}]}'))
    environment = _with_keys_in_variables(cloud, tmp_path) | {"QT_QPA_PLATFORM": "offscreen"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "strixdesk", env=environment, stderr=DEVNULL
    )
    workers: set[str] = set()
    try:
        async with asyncio.timeout(100):
            while workers != CHILDREN:
                await asyncio.sleep(0.05)
                workers |= await asyncio.to_thread(_workers_without_key, process, environment)
    finally:
        process.terminate()
        await process.wait()


def _with_keys_in_variables(cloud: FaultServer, folder: Path) -> dict[str, str]:
    """The environment of a user with one key for a tier of the settings, and one for a tier of a
    LiteLLM configuration."""
    given = {"CLAUDE_KEY": KEY, "LISTED_KEY": LISTED_KEY, "OF_THE_COMMAND": "kept"}
    environment = environment_in(folder) | given
    home = Path(environment["HOME"])
    listed = home / "config.yaml"
    listed.write_text(
        "model_list:\n  - model_name: opus\n    litellm_params:\n      model: openai/opus\n"
        f"      api_base: {cloud.base_url}/v1\n      api_key: os.environ/LISTED_KEY\n"
        + "# long enough for a worker to be started while it is read\n"
        + "".join(
            f"  - {{model_name: v{n}, model_info: {{mode: embedding}}}}\n" for n in range(900)
        )
    )
    settings = Path(environment["XDG_CONFIG_HOME"]) / "strixdesk" / "strixdesk.toml"
    settings.parent.mkdir()
    settings.write_text(
        '[starter]\nenabled = "always"\n'
        '[[routing.rules]]\nbecause = "It is public"\nto = ["claude"]\nwords = ["country"]\n'
        f'[[sources]]\nname = "lite"\nkind = "litellm-config"\npath = "{listed}"\n'
        f'[[tiers]]\nname = "claude"\nbase_url = "{cloud.base_url}/v1"\n'
        'api_key_env = "CLAUDE_KEY"\n'
        '[tiers.control]\nkind = "command"\nstop = ["true"]\n'
        f'start = ["sh", "-c", "env > {home}/environment"]\n'
    )
    return environment


def _keys_of(cloud: FaultServer) -> set[str]:
    asked = cloud.asked("/v1/chat/completions")
    return {request.headers["authorization"].removeprefix("Bearer ") for request in asked}


def _workers_without_key(process: Process, given: Mapping[str, str]) -> set[str]:
    """Of the program, its children and theirs. A key is in none of their arguments and
    environments: but the program's own is as it was given, however it changes it."""
    workers = set()
    own = b""
    with contextlib.suppress(OSError):  # it is over
        own = _argv_and_environment(process.pid)[0]
    for pid in _family(process.pid):
        with contextlib.suppress(OSError):  # it is over
            argv, has = _argv_and_environment(pid, None if pid == process.pid else own)
            for key in KEYS:
                assert key.encode() not in argv
                if pid != process.pid or key not in given.values():
                    assert key.encode() not in has, argv
            words = argv.decode().split("\0")
            if "--worker" in words:
                workers.add(words[words.index("--worker") + 1])
    return workers


def _argv_and_environment(pid: int, not_yet: bytes | None = None) -> tuple[bytes, bytes]:
    """Of a process that is itself: just after its making it is a copy of its parent, with the
    parent's argv `not_yet`, keys and all."""
    deadline = time.monotonic() + 10
    while True:
        argv = (Path("/proc") / str(pid) / "cmdline").read_bytes()
        has = (Path("/proc") / str(pid) / "environ").read_bytes()
        if argv != not_yet or time.monotonic() > deadline:
            return argv, has
        time.sleep(0.005)


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
    for place, _, names in os.walk(folder):  # it passes over folders that are gone
        for path in (Path(place) / name for name in names):
            with contextlib.suppress(OSError):  # it may be gone
                if path.is_file():
                    held = path.read_bytes()
                    assert not [key for key in KEYS if key.encode() in held], path
