"""Hostile words on their way through login shells of every kind, and as the names of files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.backends.box.remote_script import command_line
from tests.support.hostile import hostile_words
from tests.support.sshd import SshServer, shell_of, ssh_server

_ECHO = ["sh", "-c", 'printf "%s\\0" "$@" | od -An -v -tx1', "sh"]
"""Tells its arguments byte by byte, whatever they are."""
_BATCH = 10


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


def _appeared(canary: Path) -> bool:
    return canary.exists()


@pytest.mark.parametrize("login_shell", ["sh", "dash", "bash", "zsh", "fish", "tcsh"])
def test_every_login_shell_hands_them_on_unread(login_shell: str, tmp_path: Path) -> None:
    if not shutil.which(login_shell):
        pytest.skip(f"NOT RUN: needs {login_shell}")
    canary = tmp_path / "canary"
    words = hostile_words(canary)
    line = command_line([os.fsencode(word) for word in [*_ECHO, *words]])

    told = subprocess.run([login_shell, "-c", line], capture_output=True, check=True)

    assert bytes.fromhex(told.stdout.decode()) == b"".join(
        os.fsencode(word) + b"\0" for word in words
    )
    assert not _appeared(canary)


async def test_files_of_such_names_are_read(server: SshServer, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    names = sorted({word.replace("/", "_") for word in hostile_words(canary)} - {"", ".", ".."})
    names = [name for name in names if len(os.fsencode(name)) < 200]
    for number, name in enumerate(names):
        (tmp_path / name).write_text(f"{number}\n")

    async with shell_of(server) as shell:
        for start in range(0, len(names), _BATCH):
            some = [str(tmp_path / name) for name in names[start : start + _BATCH]]
            done = await shell.run(["cat", "--", *some], timeout_s=60)
            assert done.out.split() == [str(start + index) for index in range(len(some))]

    assert not _appeared(canary)
