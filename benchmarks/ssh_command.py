"""A command on a box through ssh, beside the bare `ssh` over a connection that is shared alike.

A real ssh server on this machine. Both have their connection already, call `ssh` with the same
options, and take turns. `true` is no program for the login shell but a word of its own, which costs
the bare command nothing; `uname` is a program for both.
"""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import DEVNULL, PIPE

from benchmarks.report import Row, median
from strixdesk.backends.box.ssh_config import SshAddress
from strixdesk.backends.box.ssh_master import SshMaster
from strixdesk.backends.box.ssh_process import ssh_environment
from tests.support.sshd import HOST, SshServer, shell_of, ssh_server

ROUNDS = 100
WARM_UP = 5
TARGET = 1.2
PROGRAMS = ("true", "uname")


def measure() -> list[Row]:
    with ssh_server() as server:
        return [asyncio.run(_row(server, program)) for program in PROGRAMS]


async def _row(server: SshServer, program: str) -> Row:
    ours, bare = await _measure(server, program)
    return Row(f"`{program}` through ssh", median(ours), median(bare), "ms", TARGET)


async def _measure(server: SshServer, program: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each round."""
    address = SshAddress(HOST, config_file=server.client_config)
    master = SshMaster(address)
    ours, bare = [], []
    try:
        socket = await master.ensure()
        options = ("ControlMaster=no", f"ControlPath={socket}", "ProxyCommand=false")
        argv = [*address.ssh(*options), program]
        async with shell_of(server) as shell:
            for _ in range(WARM_UP + ROUNDS):
                began = time.perf_counter()
                done = await shell.run([program])
                between = time.perf_counter()
                status = await _bare(argv)
                ended = time.perf_counter()
                if not done.ok or status:
                    raise RuntimeError("the server did not run it")
                ours.append((between - began) * 1e3)
                bare.append((ended - between) * 1e3)
    finally:
        await master.close()
    return ours[WARM_UP:], bare[WARM_UP:]


async def _bare(argv: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=ssh_environment()
    )
    await process.communicate()
    return process.returncode or 0
