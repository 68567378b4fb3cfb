"""A host key that does not prove who answers, and start-up files that speak, through a real
server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.backends.box.ssh_shell import host_key_in_question
from strixdesk.core.errors import HostKeyChanged, HostKeyUnknown
from tests.support.sshd import SshServer, shell_of, ssh_server


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


async def test_a_changed_host_key_is_told_with_both_fingerprints(server: SshServer) -> None:
    server.stop()
    server.start(host_key="other_key")

    async with shell_of(server) as shell:
        with pytest.raises(HostKeyChanged) as caught:
            await shell.run(["true"])
        asked = host_key_in_question(shell)

    assert caught.value.known == server.fingerprint("host_key")
    assert caught.value.fingerprint == server.fingerprint("other_key")
    assert asked is not None
    assert asked.changed


async def test_an_unknown_host_key_is_told_with_its_fingerprint(server: SshServer) -> None:
    server.known_hosts.unlink()

    async with shell_of(server) as shell:
        with pytest.raises(HostKeyUnknown) as caught:
            await shell.run(["true"])

    assert caught.value.fingerprint == server.fingerprint("host_key")
    assert not server.known_hosts.exists()


async def test_noise_and_slowness_of_start_up_files_are_not_the_commands_own(
    tmp_path: Path,
) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text("echo welcome; echo stranger >&2; sleep 1\n")

    with ssh_server(f"SetEnv SHLVL=5 BASH_ENV={noisy}") as server:
        async with shell_of(server) as shell:
            done = await shell.run(["printf", "only this"])
            lines = [line async for line in shell.lines(["echo", "line"])]

    assert (done.out, done.err) == ("only this", "")
    assert lines == ["line"]
