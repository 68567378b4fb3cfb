"""The supervisor of a speech worker: what it does with processes that misbehave."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from strixdesk.core.errors import ModelError, WorkerError
from strixdesk.voice.wire import WireMessage
from strixdesk.voice.worker_process import WorkerProcess

_READY = WireMessage("ready").packed()
SOON_S = 30.0
"""For what comes at once on a quiet machine."""

Make = Callable[[str], WorkerProcess]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Workers whose child is a script of the test's own."""
    made: list[WorkerProcess] = []

    def build(script: str) -> WorkerProcess:
        path = tmp_path / f"child{len(made)}.py"
        path.write_text("import sys, time, os\nout = sys.stdout.buffer\n" + script)
        made.append(
            WorkerProcess(
                "stt", [], name="The recogniser", threads=1, command=[sys.executable, str(path)]
            )
        )
        return made[-1]

    yield build
    for worker in made:
        await worker.close()


_ECHO = f"""
from strixdesk.voice.wire import Unpacker
out.write({_READY!r}); out.flush()
unpacker = Unpacker()
while data := os.read(0, 65536):
    for message in unpacker.feed(data):
        if message.kind == "crash":
            sys.stderr.write("the engine fell over\\n"); os._exit(9)
        if message.kind == "babble":
            out.write(b"Loading model...\\n")
        elif message.kind != "hang":
            out.write(message.packed())
        out.flush()
"""


async def test_an_answer_finds_its_request(make: Make) -> None:
    worker = make(_ECHO)
    await worker.ensure_ready()
    link = await worker.link()
    first, second = link.open("1"), link.open("2")
    second.send("b", b"\x00\n\xff", note="ü")
    first.send("a")
    assert await first.next(SOON_S) == WireMessage("a", "1")
    assert await second.next(SOON_S) == WireMessage("b", "2", {"note": "ü"}, b"\x00\n\xff")


async def test_starting_it_twice_at_once_starts_one_process(make: Make) -> None:
    worker = make(_ECHO)
    await asyncio.gather(worker.ensure_ready(), worker.ensure_ready())
    first = worker.pid
    await worker.ensure_ready()
    assert first is not None
    assert worker.pid == first


async def _fails(asking: Awaitable[object]) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        await asking
    return caught.value


async def test_a_crash_fails_the_request_and_the_next_one_has_a_fresh_worker(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make(_ECHO)
    await worker.ensure_ready()
    request = (await worker.link()).open("1")
    with caplog.at_level(logging.WARNING):
        request.send("crash")
        error = await _fails(request.next(SOON_S))
    assert error.message == "The recogniser stopped unexpectedly."
    assert "doctor" in error.advice
    assert "the engine fell over" in caplog.text

    await worker.ensure_ready()
    again = (await worker.link()).open("2")
    again.send("a")
    assert (await again.next(SOON_S)).kind == "a"


async def test_babble_on_its_stdout_ends_it(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    worker = make(_ECHO)
    await worker.ensure_ready()
    request = (await worker.link()).open("1")
    request.send("babble")
    error = await _fails(request.next(SOON_S))
    assert "unintelligible" in error.message
    assert worker.pid is None
    assert "status -9" in caplog.text


async def test_silence_past_the_deadline_ends_it(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make(_ECHO)
    await worker.ensure_ready()
    request = (await worker.link()).open("1")
    request.send("hang")
    error = await _fails(request.next(0.3))
    assert "did not answer" in error.message
    assert worker.pid is None
    assert "status -9" in caplog.text


async def test_a_worker_that_is_busy_with_another_request_does_not_hang(make: Make) -> None:
    worker = make(_ECHO)
    await worker.ensure_ready()
    link = await worker.link()
    slow, other = link.open("slow"), link.open("other")
    deadline_s = 4.0  # longer than a busy machine keeps a life sign back
    waiting = asyncio.create_task(slow.next(deadline_s))
    began = time.monotonic()
    while time.monotonic() - began < 1.25 * deadline_s:
        other.send("a")
        await other.next(SOON_S)
        await asyncio.sleep(0.1)
    slow.send("late")
    assert (await waiting).kind == "late"


async def test_one_that_dies_before_it_is_ready_says_so(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    error = await _fails(make("sys.exit('no such library')").ensure_ready())
    assert error.message == "The recogniser stopped unexpectedly."
    assert "no such library" in caplog.text


async def test_a_model_that_cannot_be_loaded_is_a_model_error(make: Make) -> None:
    failed = WireMessage("failed", "", {"reason": "model", "message": "Broken.", "advice": "Mend."})
    with pytest.raises(ModelError) as caught:
        await make(f"out.write({failed.packed()!r}); out.flush()").ensure_ready()
    assert caught.value.sentence() == "Broken. Mend."


async def test_a_program_that_is_not_there_is_a_worker_error() -> None:
    worker = WorkerProcess("tts", [], name="The voice", threads=1, command=["/nowhere/python"])
    error = await _fails(worker.ensure_ready())
    assert error.message == "The voice could not be started: No such file or directory."


async def test_closing_ends_one_that_ignores_the_end_of_its_stdin(make: Make) -> None:
    worker = make(f"out.write({_READY!r}); out.flush(); time.sleep(600)")
    await worker.ensure_ready()
    async with asyncio.timeout(60):  # two seconds on a quiet machine, and far from 600
        await worker.close()
    assert worker.pid is None


async def test_closing_one_that_never_started_is_harmless(make: Make) -> None:
    worker = make(_ECHO)
    await worker.close()
    assert worker.pid is None
