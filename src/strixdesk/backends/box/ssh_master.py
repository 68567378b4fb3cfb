"""The one connection to a box that all its commands share: ssh's own multiplexing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strixdesk.backends.box.calls import kill
from strixdesk.backends.box.ssh_config import CONNECT_S, SshAddress
from strixdesk.backends.box.ssh_diagnosis import explained
from strixdesk.backends.box.ssh_process import ssh_environment, ssh_says
from strixdesk.backends.box.ssh_trouble import check_url, key_changed, ssh_missing, visit_first
from strixdesk.core.errors import BoxUnreachable

_LOGIN_S = CONNECT_S + 5.0
_VISIT_S = 600.0
"""For the user to open a page and log in there."""
_IDLE_S = 60
"""After which it ends by itself, also when this program is no more."""
_LOOK_S = 0.2
_EXIT_S = 1.0
_PATH_CHARS = 80
"""A socket's path has room for 104 on macOS, and ssh appends 17 while it makes it."""

_Attempt = tuple[asyncio.Task[Path | BoxUnreachable], asyncio.Future[str]]
"""To connect; and the address of a page that has to be visited first, if it is so."""


class SshMaster:
    def __init__(self, address: SshAddress) -> None:
        self._address = address
        self._folder: Path | None = None
        self._socket: Path | None = None
        self._count = 0
        self._connecting: _Attempt | None = None

    async def ensure(self) -> Path:
        """The path of its socket. Raises BoxUnreachable."""
        if self._socket is not None and self._socket.exists():
            return self._socket
        if self._connecting is None or self._connecting[0].done():
            address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            attempt = asyncio.create_task(self._connect(address), name="ssh")
            self._connecting = (attempt, address)
        task, visit = self._connecting
        # waits without owning it: others may wait for the same connection
        waited: tuple[asyncio.Future[Any], ...] = (task, visit)
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise visit_first(self._address, visit.result())
        outcome = task.result()
        if isinstance(outcome, BoxUnreachable):
            raise outcome
        return outcome

    async def drop(self, socket: Path) -> None:
        """It does not work any more; the next `ensure` makes another one."""
        if self._socket == socket:
            self._socket = None
            await self._end(socket)

    async def _end(self, socket: Path) -> None:
        with contextlib.suppress(BoxUnreachable):
            argv = self._address.ssh(f"ControlPath={socket}", flags=["-O", "exit"])
            await ssh_says(argv, _EXIT_S)
        await asyncio.to_thread(socket.unlink, missing_ok=True)

    async def close(self) -> None:
        if self._connecting:
            self._connecting[0].cancel()
            await asyncio.wait([self._connecting[0]])
        if self._folder:
            # one whose login was cancelled may have gone to the background just then
            for socket in list(self._folder.iterdir()):
                await self._end(socket)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def _connect(self, visit: asyncio.Future[str]) -> Path | BoxUnreachable:
        self._folder = self._folder or _private_folder()
        self._count += 1
        socket = self._folder / str(self._count)
        argv = self._address.ssh(
            "ControlMaster=yes",
            f"ControlPath={socket}",
            f"ControlPersist={_IDLE_S}",
            flags=["-N", "-f"],
        )
        with _scratch_file(self._folder) as said:
            try:
                # not a pipe: the connection goes on in the background and might keep it open
                process = await asyncio.create_subprocess_exec(
                    *argv, stdin=DEVNULL, stdout=DEVNULL, stderr=said, env=ssh_environment()
                )
            except FileNotFoundError:
                return ssh_missing()
            await self._login(process, said, visit)
            words = _read(said)
        if process.returncode == 0 and not key_changed(words):
            self._socket = socket
            return socket
        if process.returncode == 0:  # the user's configuration lets other keys pass; nobody else
            await self._end(socket)
        return await explained(self._address, words)

    async def _login(self, process: Process, said: int, visit: asyncio.Future[str]) -> None:
        """Until it is over; killed when that takes too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LOGIN_S
        over = asyncio.create_task(process.wait())
        try:
            while not over.done() and loop.time() < deadline:
                await asyncio.wait([over], timeout=_LOOK_S)
                if not visit.done() and (url := check_url(_read(said))):
                    visit.set_result(url)
                    deadline = loop.time() + _VISIT_S
            if not over.done():
                os.write(said, b"\ntimed out\n")
        finally:
            if process.returncode is None:
                kill(process.pid)
            await asyncio.wait([over])


def _private_folder() -> Path:
    """For this user alone, with a short name."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if place and len(place) + 20 < _PATH_CHARS and os.access(place, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="strixdesk-", dir=place))
    return Path(tempfile.mkdtemp(prefix="strixdesk-"))


@contextlib.contextmanager
def _scratch_file(folder: Path) -> Iterator[int]:
    descriptor, name = tempfile.mkstemp(dir=folder)
    Path(name).unlink()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> str:
    return os.pread(descriptor, 2**16, 0).decode("utf-8", "replace")
