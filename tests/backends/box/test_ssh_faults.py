"""What can go wrong between here and a box, with a real ssh server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from strixdesk.backends.box.ssh_shell import SshShell
from strixdesk.core.errors import BoxUnreachable, CommandTimeout
from tests.support.eventually import eventually
from tests.support.far_machine import far_machine, need_namespaces
from tests.support.sshd import HOST, SshServer, need_sshd, running, shell_of, ssh_server

_LOST_S = 10.0
_NOISE_S = 8.0
"""What a busy machine may add to that."""


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


async def trouble(server: SshServer, host: str = HOST) -> BoxUnreachable:
    async with shell_of(server, host) as shell:
        with pytest.raises(BoxUnreachable) as caught:
            await shell.run(["true"])
    assert caught.value.hop == "ssh"
    assert caught.value.advice
    return caught.value


async def answers_within(shell: SshShell, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(BoxUnreachable):
            return (await shell.run(["true"])).ok
        await asyncio.sleep(0.1)
    return False


# ---- no way in ---------------------------------------------------------------------------------


async def test_where_nothing_listens_it_says_so(server: SshServer) -> None:
    server.stop()

    assert (await trouble(server)).message == f"{HOST} is there, but no ssh server listens on it."


async def test_an_unknown_name_is_named(server: SshServer) -> None:
    server.write_client_config("Hostname no-such-machine.invalid")

    assert (await trouble(server)).message == f"The name {HOST} is not known to this computer."


async def test_a_machine_that_answers_nothing_is_given_up_in_time(server: SshServer) -> None:
    server.freeze()
    began = time.monotonic()

    assert (await trouble(server)).message == f"{HOST} does not answer over ssh."
    assert time.monotonic() - began < _LOST_S + _NOISE_S


async def test_a_key_that_is_not_accepted_is_named(server: SshServer) -> None:
    server.write_client_config(key="other_key")

    told = await trouble(server)

    assert told.message == (
        f"{HOST} accepts none of your keys. These keys were tried: {server.folder / 'other_key'}."
    )
    assert "ssh-copy-id" in told.advice


async def test_without_any_key_it_says_so(server: SshServer) -> None:
    server.write_client_config(key="no_such_key")

    assert (await trouble(server)).message.startswith(f"{HOST} accepts none of your keys.")


async def test_a_server_that_wants_a_password_is_never_waited_for() -> None:
    need_sshd()
    options = ("PubkeyAuthentication no", "PasswordAuthentication yes")
    with ssh_server(*options) as server:
        began = time.monotonic()

        told = await trouble(server)

    assert told.message == f"{HOST} lets nobody in with a key: it asks for a password."
    assert time.monotonic() - began < _LOST_S + _NOISE_S


async def test_a_server_that_hangs_up_is_told(server: SshServer) -> None:
    server.stop()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    rude = await asyncio.start_server(hang_up, server.address, server.port)
    async with rude:
        told = await trouble(server)

    assert told.message == f"{HOST} closed the connection before the login."


async def test_an_account_without_a_shell_is_told(server: SshServer) -> None:
    server.stop()
    server.start("ForceCommand echo This account is not available. >&2; exit 1")

    assert (await trouble(server)).message == (
        f"{HOST} let us in but ran no command: “This account is not available”."
    )


async def test_a_mistake_in_the_ssh_configuration_is_told(server: SshServer) -> None:
    server.write_client_config("NoSuchOption yes")

    assert "configuration of this computer has a mistake" in (await trouble(server)).message


async def test_without_ssh_it_says_what_to_install(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    told = await trouble(server)

    assert told.message == "The program `ssh` is not installed on this computer."


async def test_the_page_that_tailscale_wants_visited_is_shown_and_then_it_goes_on(
    server: SshServer,
) -> None:
    server.stop()
    visited = server.folder / "visited"
    waiting = server.folder / "waiting"
    waiting.write_text(
        f"until [ -e {visited} ]; do sleep 0.1; done\ncat {server.folder / 'key.pub'}\n"
    )
    banner = server.folder / "banner"
    banner.write_text(
        "# Tailscale SSH requires an additional check.\n"
        "# To authenticate, visit: https://login.tailscale.com/a/0123456789ab\n"
    )
    server.start(
        f"Banner {banner}",
        "AuthorizedKeysFile none",
        f"AuthorizedKeysCommand /bin/sh {waiting}",
        "AuthorizedKeysCommandUser root",
    )
    async with shell_of(server) as shell:
        for _ in range(2):
            with pytest.raises(BoxUnreachable) as caught:
                await shell.run(["true"])
            assert "https://login.tailscale.com/a/0123456789ab" in caught.value.advice

        visited.touch()

        assert await answers_within(shell, 60)


# ---- lost on the way ---------------------------------------------------------------------------


async def test_a_connection_that_ends_in_mid_command_is_told_and_made_anew(
    server: SshServer,
) -> None:
    async with shell_of(server) as shell:
        name = f"6{time.time_ns()}"
        task = asyncio.create_task(shell.run(["sleep", name], timeout_s=700))
        await eventually(lambda: bool(running(name)), within_s=30)

        server.stop()

        with pytest.raises(BoxUnreachable, match="was lost while a command ran"):
            await task
        server.start()
        assert (await shell.run(["echo", "again"])).out == "again\n"


async def test_lines_of_a_lost_connection_end_with_that(server: SshServer) -> None:
    async with shell_of(server) as shell:
        with pytest.raises(BoxUnreachable, match="was lost"):
            async with aclosing(shell.lines(["sh", "-c", "echo on; sleep 600"])) as lines:
                async for _ in lines:
                    server.stop()


async def test_a_machine_that_is_gone_in_mid_command_is_known_in_ten_seconds(
    server: SshServer,
) -> None:
    async with shell_of(server) as shell:
        await shell.run(["true"])
        name = f"6{time.time_ns()}"
        task = asyncio.create_task(shell.run(["sleep", name], timeout_s=700))
        await eventually(lambda: bool(running(name)), within_s=30)
        server.freeze()
        began = time.monotonic()

        with pytest.raises(BoxUnreachable):
            await task

        assert time.monotonic() - began < _LOST_S + _NOISE_S
        server.thaw()
        assert (await shell.run(["echo", "again"])).out == "again\n"


async def test_a_shared_connection_whose_process_died_is_replaced(server: SshServer) -> None:
    async with shell_of(server) as shell:
        await shell.run(["true"])
        for pid in server.clients():
            with contextlib.suppress(ProcessLookupError):  # who has had its answer leaves by itself
                os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not server.clients(), within_s=30)

        assert (await shell.run(["echo", "again"])).out == "again\n"


async def test_more_commands_than_the_server_takes_at_once_all_run(server: SshServer) -> None:
    server.stop()
    server.start("MaxSessions 2")
    async with shell_of(server) as shell:
        done = await asyncio.gather(
            *(shell.run(["sh", "-c", f"sleep 0.5; echo {number}"]) for number in range(6))
        )

    assert [one.out for one in done] == [f"{number}\n" for number in range(6)]


async def test_twenty_drops_leave_no_process_and_no_file(server: SshServer) -> None:
    async with shell_of(server) as shell:
        for number in range(20):
            assert (await shell.run(["echo", str(number)])).out == f"{number}\n"
            server.stop()
            server.start()
            with contextlib.suppress(BoxUnreachable):
                await shell.run(["true"])

    await eventually(lambda: not server.clients(), within_s=30)


# ---- a real link, cut in two ways --------------------------------------------------------------


@pytest.mark.parametrize("cut", ["plug", "packets"])
async def test_a_cut_link_is_known_in_ten_seconds_and_mends(cut: str, tmp_path: Path) -> None:
    need_sshd()
    need_namespaces()
    with far_machine() as far:
        server = SshServer(tmp_path, address=far.host, inside=far.inside)
        try:
            server.start()
            server.make_known()
            async with shell_of(server) as shell:
                assert (await shell.run(["true"])).ok
                name = f"6{time.time_ns()}"
                task = asyncio.create_task(shell.run(["sleep", name], timeout_s=700))
                await eventually(lambda: bool(running(name)), within_s=30)
                began = time.monotonic()
                if cut == "plug":
                    far.pull_plug()
                else:
                    far.lose_packets()

                with pytest.raises(BoxUnreachable):
                    await task
                assert time.monotonic() - began < _LOST_S + _NOISE_S
                with pytest.raises(BoxUnreachable):
                    await shell.run(["true"])

                far.mend()
                assert await answers_within(shell, 60)
        finally:
            server.close()


# ---- the other end -----------------------------------------------------------------------------


async def test_a_command_ends_when_this_program_is_killed(server: SshServer) -> None:
    name = f"6{time.time_ns()}"
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from strixdesk.backends.box.ssh_shell import SshShell\n"
        f"shell = SshShell({HOST!r}, config_file=Path({str(server.client_config)!r}))\n"
        f"asyncio.run(shell.run(['sleep', {name!r}], timeout_s=900))\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=PIPE)
    try:
        await eventually(lambda: "sleep" in _names(name), within_s=60)
    finally:
        process.kill()
        await process.communicate()

    await eventually(lambda: not running(name), within_s=30)


async def test_a_command_whose_connection_was_lost_ends_when_its_time_is_up(
    server: SshServer,
) -> None:
    name = f"6{time.time_ns()}"
    async with shell_of(server) as shell:
        await shell.run(["true"])
        task = asyncio.create_task(shell.run(["sleep", name], timeout_s=6))
        await eventually(lambda: bool(running(name)), within_s=30)

        server.freeze()
        with pytest.raises((BoxUnreachable, CommandTimeout)):
            await task

        # the server hears nothing of it, since it sleeps
        await eventually(lambda: not running(name), within_s=30)


def _names(word: str) -> set[str]:
    found = set()
    for pid in running(word):
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{pid}/comm").read_text().strip())
    return found


def _folder_of_socket(server: SshServer) -> Path:
    for pid in server.clients():
        with contextlib.suppress(OSError):
            for word in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                if word.startswith("ControlPath="):
                    return Path(word[12:]).parent
    raise AssertionError("there is no shared connection")


async def test_closing_leaves_no_process_and_no_file(server: SshServer) -> None:
    shell = SshShell(HOST, config_file=server.client_config)
    await shell.run(["true"])
    folder = _folder_of_socket(server)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700  # noqa: PTH116

    await shell.close()

    assert not os.access(folder, os.F_OK)
    await eventually(lambda: not server.clients(), within_s=30)
