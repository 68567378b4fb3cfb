"""Whatever hosts, users, paths and services are called: nothing of it is ever executed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.lock import BoxLock
from strixdesk.backends.box.look import look
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.ssh_shell import SshShell
from strixdesk.backends.box.stack_reader import read_stack
from strixdesk.core.errors import BoxError, BoxUnreachable
from tests.support.hostile import hostile_words
from tests.support.sshd import SshServer, shell_of, ssh_server

_ECHO = 'for word; do printf "%s\\0" "$word"; done'


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    canary = tmp_path_factory.mktemp("hostile") / "canary"
    yield canary
    assert not canary.exists()


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


@pytest.fixture(params=["here", "ssh"])
async def shell(request: pytest.FixtureRequest) -> AsyncIterator[Shell]:
    if request.param == "here":
        yield LocalShell()
    else:
        async with shell_of(request.getfixturevalue("server")) as remote:
            yield remote


def test_the_words_do_run_where_a_shell_reads_them(tmp_path: Path) -> None:
    ran = 0
    for number, _ in enumerate(hostile_words(tmp_path)):
        canary = tmp_path / str(number)
        word = hostile_words(canary)[number]
        command = ["bash", "-c", f"true {word}"]
        subprocess.run(command, capture_output=True, check=False, timeout=10, cwd=tmp_path)
        ran += canary.exists()

    assert ran > 80


def ran(canary: Path) -> bool:
    return canary.exists()


async def test_two_hundred_words_arrive_byte_for_byte(shell: Shell, canary: Path) -> None:
    words = hostile_words(canary)
    assert len(set(words)) == 200

    done = await shell.run(["sh", "-c", _ECHO, "sh", *words])

    assert done.out.split("\0")[:-1] == words
    assert not ran(canary)


async def test_each_arrives_alone_too(shell: Shell, canary: Path) -> None:
    for word in hostile_words(canary):
        assert (await shell.run(["printf", "%s", word])).out == word
        assert not ran(canary), word


async def test_each_is_only_a_line_of_text(shell: Shell, canary: Path) -> None:
    words = hostile_words(canary)

    async with aclosing(shell.lines(["sh", "-c", 'printf "%s" "$1"', "sh", words[0]])) as lines:
        assert "\n".join([line async for line in lines]) == words[0]
    done = await shell.run(["cat"], stdin="\0".join(words).encode())

    assert done.out.split("\0") == words
    assert not ran(canary)


def test_they_arrive_whatever_the_locale_of_this_program() -> None:
    play = (
        "import asyncio\n"
        "from strixdesk.backends.box.local_shell import LocalShell\n"
        "done = asyncio.run(LocalShell().run(['printf', '%s', '\\xfc\\u2713']))\n"
        "print(ascii(done.out))\n"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", play],
        env={**os.environ, **ascii_only},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == r"'\xfc\u2713'"


async def test_as_a_program_each_is_not_found_or_refused(shell: Shell, canary: Path) -> None:
    for word in hostile_words(canary):
        try:
            done = await shell.run([word])
        except BoxError:
            assert word.startswith("-")
        else:
            assert done.status in {125, 126, 127}, word
        assert not ran(canary), word


async def test_as_folders_and_services_they_are_only_names(shell: Shell, canary: Path) -> None:
    for word in hostile_words(canary)[::4]:
        seen = await look(shell, word, [word])
        assert not seen.containers
        with pytest.raises(BoxError):
            await read_stack(shell, word)
        assert not ran(canary), word


async def test_the_lock_takes_a_hostile_folder_for_a_name(shell: Shell, canary: Path) -> None:
    for word in hostile_words(canary)[::20]:
        lock = BoxLock(shell, word, word, who=word)
        with pytest.raises(BoxError):
            await lock.ensure()
        await lock.release()
        assert not ran(canary), word


async def test_hosts_and_users_never_reach_a_command(canary: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Match exec \"test -n '%h' -a -n %r && false\"\n  User nobody\n"
        "Host *\n  ProxyCommand sh -c 'echo %h %r >&2; exit 1'\n"
    )

    for word in hostile_words(canary):
        for host, user in ((word, None), ("strix", word), (word, word)):
            shell = SshShell(host, user, config_file=config)
            with pytest.raises(BoxUnreachable):
                await shell.run(["true"])
            await shell.close()
            assert not ran(canary), word
