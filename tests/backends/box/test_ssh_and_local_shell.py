"""What every shell of a box promises, on this machine and through a real ssh server."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import OUTPUT_LIMIT_BYTES, Shell
from strixdesk.backends.box.ssh_shell import SshShell
from strixdesk.core.errors import BoxError, BoxUnreachable, CommandFailed, CommandTimeout
from strixdesk.core.ids import new_id
from tests.support.eventually import eventually
from tests.support.sshd import HOST, SshServer, running, shell_of, ssh_server


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


@pytest.fixture(params=["here", "ssh"])
async def shell(request: pytest.FixtureRequest) -> AsyncIterator[Shell]:
    if request.param == "here":
        local = LocalShell()
        yield local
        await local.close()
    else:
        async with shell_of(request.getfixturevalue("server")) as remote:
            yield remote


async def test_a_command_tells_its_status_and_both_outputs(shell: Shell) -> None:
    done = await shell.run(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert (done.status, done.out, done.err, done.ok) == (3, "out\n", "err\n", False)


@pytest.mark.parametrize("status", [0, 1, 124, 143, 255])
async def test_every_status_is_told(shell: Shell, status: int) -> None:
    assert (await shell.run(["sh", "-c", f"exit {status}"])).status == status


async def test_a_program_that_is_not_there_is_status_127(shell: Shell) -> None:
    done = await shell.run(["no-such-program-anywhere"])

    assert done.status == 127
    assert "no-such-program-anywhere" in done.err


async def test_words_of_the_shell_are_no_commands(shell: Shell) -> None:
    assert (await shell.run(["exit", "7"])).status == 127
    assert (await shell.run(["eval", "echo read"])).out == ""


async def test_arguments_arrive_as_they_were_given(shell: Shell) -> None:
    given = [
        "",
        " ",
        "a b",
        "'",
        '"',
        "\\",
        "\\\\'",
        "\n",
        "$HOME",
        "`id`",
        "*",
        "~",
        "ü€😀",
        "-n",
        "--",
    ]

    done = await shell.run(["sh", "-c", 'for word; do printf "%s\\0" "$word"; done', "sh", *given])

    assert done.out.split("\0")[:-1] == given


async def test_stdin_is_what_was_given_and_ends(shell: Shell) -> None:
    given = bytes(range(256)) * 800

    counted = await shell.run(["sh", "-c", "sha256sum; wc -c"], stdin=given)
    empty = await shell.run(["cat"])

    assert counted.out.split()[0] == hashlib.sha256(given).hexdigest()
    assert empty.out == ""


async def test_a_command_that_does_not_read_its_stdin_is_not_waited_for(shell: Shell) -> None:
    done = await shell.run(["sh", "-c", "exec <&-; echo deaf"], stdin=b"x" * 2**20)

    assert done.out == "deaf\n"


async def test_messages_are_in_english(shell: Shell) -> None:
    assert (await shell.run(["sh", "-c", "echo $LC_ALL"])).out == "C\n"


async def test_there_is_no_terminal_to_ask_at(shell: Shell) -> None:
    done = await shell.run(["sh", "-c", "read answer; tty; (: </dev/tty) 2>/dev/null || echo none"])

    assert done.out.splitlines() == ["not a tty", "none"]


async def test_too_much_output_is_cut_and_the_status_kept(shell: Shell) -> None:
    done = await shell.run(["sh", "-c", "head -c 12000000 /dev/zero | tr '\\0' x; exit 5"])

    assert len(done.out) == OUTPUT_LIMIT_BYTES
    assert done.status == 5


async def test_a_command_that_takes_too_long_is_ended_there(shell: Shell) -> None:
    name = f"6{time.time_ns()}"

    with pytest.raises(CommandTimeout) as caught:
        await shell.run(["sleep", name], timeout_s=0.5)

    assert caught.value.message == "`sleep` took longer than 0.5 s and was ended."
    await eventually(lambda: not running(name), within_s=30)


async def test_one_that_does_not_want_to_end_is_killed(shell: Shell) -> None:
    name = new_id()

    with pytest.raises(CommandTimeout):
        await shell.run(
            ["sh", "-c", "trap '' TERM; while :; do sleep 1; done", name], timeout_s=0.5
        )

    await eventually(lambda: not running(name), within_s=30)


async def test_cancelling_ends_a_command_and_everything_that_it_started(shell: Shell) -> None:
    name = f"6{time.time_ns()}"
    task = asyncio.create_task(shell.run(["sh", "-c", f"sleep {name} | sleep {name}"]))
    await eventually(lambda: len(running(name)) == 2, within_s=30)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    await eventually(lambda: not running(name), within_s=30)


async def test_what_a_command_leaves_running_is_neither_waited_for_nor_ended(shell: Shell) -> None:
    name = f"6{time.time_ns()}"
    began = time.monotonic()

    done = await shell.run(["sh", "-c", f"sleep {name} & echo started"], timeout_s=60)

    assert done.out == "started\n"
    assert time.monotonic() - began < 30
    # the shell says "started" when the new process is there, which may not be `sleep` yet
    await eventually(lambda: bool(running(name)), within_s=30)
    await asyncio.sleep(1)  # what would end it comes right after the command
    assert running(name)
    await shell.run(["pkill", "-x", "-f", f"sleep {name}"])


async def test_lines_come_as_they_are_printed(shell: Shell) -> None:
    script = "echo one; echo two >&2; printf 'three\\r\\n'; printf four; sleep 600"
    seen = []

    async with contextlib.aclosing(shell.lines(["sh", "-c", f"echo zero; {script}"])) as lines:
        async for line in lines:
            seen.append(line)
            if line == "three":
                break

    assert seen == ["zero", "one", "two", "three"]


async def test_the_last_line_needs_no_end(shell: Shell) -> None:
    lines = [line async for line in shell.lines(["printf", "one\ntwo"])]

    assert lines == ["one", "two"]


async def test_lines_of_a_command_that_fails_end_with_its_status(shell: Shell) -> None:
    lines = shell.lines(["sh", "-c", "echo last words; exit 4"])

    assert await anext(lines) == "last words"
    with pytest.raises(CommandFailed) as caught:
        await anext(lines)
    assert caught.value.status == 4


async def test_no_longer_wanting_lines_ends_their_command(shell: Shell) -> None:
    name = f"6{time.time_ns()}"

    async with contextlib.aclosing(shell.lines(["sh", "-c", f"echo on; sleep {name}"])) as lines:
        assert await anext(lines) == "on"

    await eventually(lambda: not running(name), within_s=30)


async def test_lines_may_have_a_time_too(shell: Shell) -> None:
    with pytest.raises(CommandTimeout):
        async for _ in shell.lines(["sleep", "600"], timeout_s=0.3):
            pass


async def test_ten_thousand_lines_for_a_slow_reader_are_all_there(shell: Shell) -> None:
    count = 0
    async with contextlib.aclosing(shell.lines(["seq", "-f", "%0199g", "20000"])) as lines:
        async for line in lines:
            count += 1
            if count % 2000 == 0:
                await asyncio.sleep(0.05)
            assert int(line) == count

    assert count == 20000


async def test_twenty_commands_at_once_all_get_their_answers(shell: Shell) -> None:
    done = await asyncio.gather(
        *(shell.run(["sh", "-c", f"sleep 0.3; echo {number}"]) for number in range(20))
    )

    assert [one.out for one in done] == [f"{number}\n" for number in range(20)]


async def test_closing_ends_what_still_runs(shell: Shell) -> None:
    name = f"6{time.time_ns()}"
    task = asyncio.create_task(shell.run(["sleep", name]))
    await eventually(lambda: bool(running(name)), within_s=30)

    await shell.close()

    with pytest.raises(BoxUnreachable):
        await task
    await eventually(lambda: not running(name), within_s=30)


async def test_closing_waits_for_a_command_that_was_cancelled_twice() -> None:
    name = f"6{time.time_ns()}"
    shell = LocalShell()
    task = asyncio.create_task(shell.run(["sleep", name]))
    await eventually(lambda: bool(running(name)), within_s=30)

    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)  # so that it begins to end
    task.cancel()
    await asyncio.wait([task])
    await shell.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    await eventually(lambda: not running(name), within_s=30)


async def test_closing_while_it_connects_leaves_no_connection_behind(server: SshServer) -> None:
    def sockets() -> set[str]:
        return set(Path("/proc/net/unix").read_text().split())

    for number in range(5):
        before = sockets()
        shell = SshShell(HOST, config_file=server.client_config)
        command = asyncio.create_task(shell.run(["true"]))

        def is_made(before: set[str] = before) -> bool:
            """ssh is about to go to the background."""
            return any("strixdesk-" in one for one in sockets() - before)

        await eventually(is_made, within_s=30)
        await asyncio.sleep(number * 0.005)
        await shell.close()
        with contextlib.suppress(BoxUnreachable, asyncio.CancelledError):
            await command
        await eventually(lambda: not server.clients(), within_s=30)


@pytest.mark.parametrize("argv", [[], [""], ["-x"], ["a\0b"], ["echo", "\0"]])
async def test_what_cannot_be_a_command_is_not_sent(shell: Shell, argv: list[str]) -> None:
    with pytest.raises(BoxError, match="not well formed"):
        await shell.run(argv)
