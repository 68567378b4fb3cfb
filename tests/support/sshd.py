"""A real ssh server on this machine, with keys and configuration of the test's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from strixdesk.backends.box.ssh_shell import SshShell
from tests.support.ports import free_port

SSHD = "/usr/sbin/sshd"
HOST = f"strix-test-{os.getpid()}"
"""Under which the client's configuration knows the server; another run of the tests has its own."""
_READY_S = 60.0


class SshServer:
    """`start` it, and `close` it."""

    def __init__(
        self, folder: Path, *, address: str = "127.0.0.1", inside: Sequence[str] = ()
    ) -> None:
        """`inside`: words in front of its command, to run it in a network of its own."""
        self.folder = folder
        self.address = address
        self.port = free_port()
        self.known_hosts = folder / "known_hosts"
        self.client_config = folder / "client_config"
        self._inside = inside
        self._log = folder / "log"
        self._daemon: subprocess.Popen[bytes] | None = None
        for name in ("host_key", "key", "other_key"):
            _keygen(folder / name)
        self.admit("key")
        self.write_client_config()

    # -- what the client has -------------------------------------------------------------------

    def write_client_config(self, *lines: str, host: str = HOST, key: str = "key") -> None:
        """`lines` come first, and so count more."""
        own = (
            f"Hostname {self.address}",
            f"Port {self.port}",
            f"IdentityFile {self.folder / key}",
            "IdentityAgent none",
            "IdentitiesOnly yes",
            f"UserKnownHostsFile {self.known_hosts}",
            "GlobalKnownHostsFile /dev/null",
        )
        text = "".join(f"  {line}\n" for line in (*lines, *own))
        self.client_config.write_text(f"Host {host}\n{text}")

    def make_known(self, key: str = "host_key") -> None:
        public = (self.folder / f"{key}.pub").read_text()
        self.known_hosts.write_text(f"[{self.address}]:{self.port} {public}")

    def fingerprint(self, key: str = "host_key") -> str:
        told = subprocess.run(
            ["ssh-keygen", "-lf", str(self.folder / f"{key}.pub")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout.split()[1]

    # -- what the server does ------------------------------------------------------------------

    def admit(self, *keys: str) -> None:
        text = "".join((self.folder / f"{key}.pub").read_text() for key in keys)
        (self.folder / "authorized_keys").write_text(text)

    def start(self, *lines: str, host_key: str = "host_key") -> None:
        """`lines` of its configuration come first, and so count more."""
        Path("/run/sshd").mkdir(exist_ok=True)
        config = (
            *lines,
            f"Port {self.port}",
            f"ListenAddress {self.address}",
            f"HostKey {self.folder / host_key}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "PidFile none",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "StrictModes no",
            "UsePAM no",
            "PrintMotd no",
            "MaxStartups 100",
            "SetEnv SHLVL=5",  # so that bash leaves the start-up files of this machine alone
        )
        (self.folder / "config").write_text("\n".join(config) + "\n")
        with self._log.open("ab") as log:
            self._daemon = subprocess.Popen(
                [*self._inside, SSHD, "-D", "-e", "-f", str(self.folder / "config")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _READY_S
        while f"listening on {self.address}" not in self._log.read_text():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._log.read_text()[-500:])
            time.sleep(0.02)

    def refuse(self) -> None:
        """Nothing listens any more; who is connected stays so."""
        if self._daemon:
            self._daemon.kill()
            self._daemon.wait()
            self._daemon = None
        self._log.write_text("")

    def stop(self) -> None:
        """As a machine that loses its power and is back at once: every connection ends."""
        sessions = self.sessions()
        self.refuse()
        for pid in sessions:
            _signal(pid, signal.SIGKILL)

    def sessions(self) -> list[int]:
        """Processes of the server that serve connections."""
        if self._daemon is None:
            return []
        found, parents = [], [self._daemon.pid]
        table = _processes()
        while parents:
            parent = parents.pop()
            children = [pid for pid, (above, _) in table.items() if above == parent]
            parents += children
            found += [pid for pid in children if table[pid][1] == b"sshd"]
        return found

    def freeze(self) -> None:
        """As a machine that is gone: nothing is answered, and nothing is refused."""
        for pid in self._all():
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._all():
            _signal(pid, signal.SIGCONT)

    def clients(self) -> list[int]:
        """Processes of ssh on this machine that were told of this server, and of no other."""
        return running(str(self.client_config))

    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        self.thaw()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _all(self) -> list[int]:
        return [*([self._daemon.pid] if self._daemon else []), *self.sessions()]


def need_sshd() -> None:
    """Skips, loudly, where there is none or it cannot run."""
    if not Path(SSHD).exists() or not shutil.which("ssh"):
        pytest.skip("NOT RUN: needs openssh-server and openssh-client")
    if os.geteuid():
        pytest.skip("NOT RUN: a server of our own for this user's shell needs root")


@contextlib.contextmanager
def ssh_server(*lines: str) -> Iterator[SshServer]:
    """Running, and known to its client."""
    need_sshd()
    server = SshServer(Path(tempfile.mkdtemp(prefix="strix-sshd-")))
    try:
        server.start(*lines)
        server.make_known()
        yield server
    finally:
        server.close()


@contextlib.asynccontextmanager
async def shell_of(server: SshServer, host: str = HOST) -> AsyncIterator[SshShell]:
    shell = SshShell(host, config_file=server.client_config)
    try:
        yield shell
    finally:
        await shell.close()


def running(word: str) -> list[int]:
    """Processes that have this word among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _processes() -> dict[int, tuple[int, bytes]]:
    """Parent and name by process."""
    table = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                # bytes: the kernel cuts names wherever they are too long, within a character too
                begin, _, rest = (entry / "stat").read_bytes().rpartition(b")")
                table[int(entry.name)] = (int(rest.split()[1]), begin.partition(b"(")[2])
    return table


def _keygen(file: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
