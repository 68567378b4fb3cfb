"""Commands on another machine, through the system's `ssh`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from strixdesk.backends.box.host_keys import trust_key
from strixdesk.backends.box.remote_script import command_line
from strixdesk.backends.box.script_process import ScriptProcess, script_running
from strixdesk.backends.box.script_shell import ScriptShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.ssh_config import SshAddress
from strixdesk.backends.box.ssh_diagnosis import explained
from strixdesk.backends.box.ssh_master import SshMaster
from strixdesk.backends.box.ssh_process import ssh_environment
from strixdesk.backends.box.ssh_trouble import (
    control_failed,
    lost,
    no_answer,
    no_shell,
    session_refused,
    ssh_missing,
)
from strixdesk.core.box_setup import HostKey
from strixdesk.core.errors import BoxUnreachable, HostKeyDoubtful

_SHARED_SESSIONS = 8
"""An ssh server takes ten at a time over one connection, if it was not told otherwise."""
_BEGIN_S = 12.0
"""For start-up files of the login shell, and for ssh to notice that the connection is lost."""


class SshShell(ScriptShell):
    """A `Shell`. Commands share one connection, which is made anew when it was lost. A command
    ends when its connection does; one that the box cannot see to be lost, when its time is up."""

    def __init__(
        self, host: str, user: str | None = None, *, config_file: Path | None = None
    ) -> None:
        """`config_file`: instead of the user's ssh configuration. What is wrong with `host` or
        `user` is told by the first command."""
        self._host = host
        self._user = user
        self._config_file = config_file
        self._master: SshMaster | None = None
        self._running: set[ScriptProcess] = set()
        self._closings = 0
        self._leaving: set[asyncio.Task[None]] = set()
        self.doubt: HostKeyDoubtful | None = None
        """Set while the host's key stands in the way."""

    @property
    def address(self) -> SshAddress:
        """Raises BoxUnreachable when it is none."""
        return SshAddress(self._host, self._user, self._config_file)

    async def close(self) -> None:
        self._closings += 1
        await asyncio.gather(*(process.end(0.0) for process in self._running), *self._leaving)
        if self._master:
            await self._master.close()
            self._master = None

    @contextlib.asynccontextmanager
    async def _started(
        self,
        argv: Sequence[str],
        stdin: bytes,
        timeout_s: float | None,
        *,
        as_lines: bool = False,
    ) -> AsyncIterator[ScriptProcess]:
        """A command that has begun. Sent again only when it certainly was not sent before."""
        address = self.address
        direct, tries = False, 0
        closings = self._closings
        while True:
            tries += 1
            ssh, socket = await self._way(address, direct=direct)
            running = script_running(
                argv,
                lambda script, ssh=ssh: [*ssh, command_line(script)],  # type: ignore[misc]
                stdin=stdin,
                timeout_s=timeout_s,
                as_lines=as_lines,
                env=ssh_environment(),
                leaving=self._leaving,
                lingers=True,
            )
            async with contextlib.AsyncExitStack() as stack:
                try:
                    process = await stack.enter_async_context(running)
                except FileNotFoundError:
                    raise ssh_missing() from None
                stack.callback(self._running.discard, process)
                self._running.add(process)
                if closings != self._closings:  # it was not there yet when the others were ended
                    await process.end(0.0)
                try:
                    await process.wait_begun(_BEGIN_S)
                except TimeoutError:
                    raise no_answer(address) from None
                if process.begun:
                    yield process
                    return
            if socket and session_refused(process.said):
                direct = True
            elif socket and control_failed(process.said) and tries == 1:
                await self._master_of(address).drop(socket)
            elif process.own_status != 255:
                raise no_shell(address, process.said)
            elif socket:
                raise no_answer(address)
            else:
                raise await explained(address, process.said)

    async def _way(self, address: SshAddress, *, direct: bool) -> tuple[list[str], Path | None]:
        """Arguments of ssh, and the socket of the shared connection if that is the way."""
        if direct or len(self._running) >= _SHARED_SESSIONS:
            return address.ssh("ControlMaster=no", "ControlPath=none"), None
        self.doubt = None
        try:
            socket = await self._master_of(address).ensure()
        except HostKeyDoubtful as doubt:
            self.doubt = doubt
            raise
        # with this proxy ssh connects to nothing by itself when the shared connection fails
        options = ("ControlMaster=no", f"ControlPath={socket}", "ProxyCommand=false")
        return address.ssh(*options), socket

    def _master_of(self, address: SshAddress) -> SshMaster:
        self._master = self._master or SshMaster(address)
        return self._master

    def _lost(self, argv: Sequence[str]) -> BoxUnreachable:
        return lost(self.address)


def host_key_in_question(shell: Shell) -> HostKey | None:
    """Of the last attempt to connect, when the host's key stood in its way and is known."""
    doubt = shell.doubt if isinstance(shell, SshShell) else None
    if doubt is None or not doubt.fingerprint:
        return None
    return HostKey(doubt.key_kind, doubt.fingerprint, doubt.known)


async def trust_host_key(host: str, key: HostKey, user: str | None = None) -> None:
    """From now on ssh accepts this key of the host. Raises BoxUnreachable, and HostKeyChanged when
    another one is offered by now or another one was trusted before."""
    await trust_key(SshAddress(host, user), key)
