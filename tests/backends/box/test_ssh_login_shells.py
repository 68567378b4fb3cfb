"""Whatever shell a user has on the box, and whatever its start-up files do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.core.errors import CommandFailed
from tests.support.hostile import hostile_words
from tests.support.sshd import SshServer, shell_of, ssh_server

_SHELLS = ("bash", "dash", "zsh", "fish", "tcsh", "busybox sh")
_ECHO = 'for word; do printf "%s\\0" "$word"; done; cat'


@pytest.fixture(params=_SHELLS)
def server(request: pytest.FixtureRequest) -> Iterator[SshServer]:
    program = request.param.split()[0]
    if not shutil.which(program):
        pytest.skip(f"NOT RUN: {program} is not installed")
    with ssh_server(f'ForceCommand exec {request.param} -c "$SSH_ORIGINAL_COMMAND"') as server:
        yield server


async def test_arguments_and_stdin_arrive_and_the_status_comes_back(
    server: SshServer, tmp_path: Path
) -> None:
    words = [*hostile_words(tmp_path / "canary"), "", "\\", "\\'", "a\\nb", "\n", "ü€😀"]
    given = bytes(range(1, 128)) * 50
    async with shell_of(server) as shell:
        done = await shell.run(["sh", "-c", f"{_ECHO}; exit 9", "sh", *words], stdin=given)
        with pytest.raises(CommandFailed):
            async for line in shell.lines(["sh", "-c", "echo only; exit 2"]):
                assert line == "only"

    *told, rest = done.out.split("\0")
    assert told == words
    assert rest.encode() == given
    assert done.status == 9
    assert not _is_there(tmp_path / "canary")


async def test_noise_of_slow_start_up_files_is_no_output(tmp_path: Path) -> None:
    noisy = tmp_path / "noise"
    noisy.write_text("echo Welcome; printf 'no end of line'; echo Warning >&2; sleep 4\n")
    with ssh_server(f"SetEnv BASH_ENV={noisy} SHLVL=5") as server:
        async with shell_of(server) as shell:
            began = time.monotonic()
            done = await shell.run(["sh", "-c", "echo out; echo err >&2"], timeout_s=3.5)
            lines = [line async for line in shell.lines(["echo", "line"])]

    assert (done.out, done.err, lines) == ("out\n", "err\n", ["line"])
    assert time.monotonic() - began > 7.5  # they did run


def _is_there(file: Path) -> bool:
    return file.exists()
