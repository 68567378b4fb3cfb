"""A box proves who it is by its host key: nothing is sent to one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.backends.box.host_keys import fingerprint_of, trust_key
from strixdesk.backends.box.ssh_config import SshAddress
from strixdesk.backends.box.ssh_shell import host_key_in_question
from strixdesk.core.box_setup import HostKey
from strixdesk.core.errors import HostKeyChanged, HostKeyUnknown
from tests.support.eventually import eventually
from tests.support.sshd import HOST, SshServer, shell_of, ssh_server


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


def forget(server: SshServer) -> None:
    server.known_hosts.unlink()


def change_key(server: SshServer) -> None:
    server.stop()
    server.start(host_key="other_key")


async def test_an_unknown_key_is_refused_and_shown(server: SshServer) -> None:
    forget(server)
    async with shell_of(server) as shell:
        with pytest.raises(HostKeyUnknown) as caught:
            await shell.run(["true"])
        asked = host_key_in_question(shell)

    assert caught.value.message == (
        f"This computer does not know {HOST} yet. It shows the ED25519 key {server.fingerprint()}."
    )
    assert f"`ssh {HOST}`" in caught.value.advice
    assert asked == HostKey("ED25519", server.fingerprint())
    assert not server.known_hosts.exists()


async def test_a_key_that_was_accepted_is_known_from_then_on(server: SshServer) -> None:
    forget(server)
    server.known_hosts.write_text("another.example ssh-ed25519 AAAA")  # and no line end
    async with shell_of(server) as shell:
        with pytest.raises(HostKeyUnknown):
            await shell.run(["true"])
        key = host_key_in_question(shell)
        assert key is not None

        await trust_key(SshAddress(HOST, config_file=server.client_config), key)

        assert (await shell.run(["echo", "in"])).out == "in\n"
        assert host_key_in_question(shell) is None
    assert server.known_hosts.read_text().startswith("another.example ssh-ed25519 AAAA\n")


async def test_only_the_very_key_that_was_accepted_is_taken(server: SshServer) -> None:
    forget(server)
    accepted = HostKey("ED25519", server.fingerprint())
    change_key(server)

    with pytest.raises(HostKeyChanged, match="does not show the key that you accepted"):
        await trust_key(SshAddress(HOST, config_file=server.client_config), accepted)

    assert not server.known_hosts.exists()


@pytest.mark.parametrize("checking", ["ask", "yes", "accept-new", "no"])
async def test_a_changed_key_is_refused_with_both_fingerprints(
    server: SshServer, tmp_path: Path, checking: str
) -> None:
    server.write_client_config(f"StrictHostKeyChecking {checking}")
    known = server.known_hosts.read_text()
    change_key(server)
    sent = tmp_path / "sent"
    async with shell_of(server) as shell:
        for _ in range(2):
            with pytest.raises(HostKeyChanged) as caught:
                await shell.run(["touch", str(sent)])
        asked = host_key_in_question(shell)

    old, new = server.fingerprint(), server.fingerprint("other_key")
    assert (caught.value.known, caught.value.fingerprint) == (old, new)
    assert caught.value.message == (
        f"Another machine answers as {HOST}: its host key has changed. "
        f"It was {old}, now it is {new}."
    )
    assert asked is not None
    assert asked.changed
    assert not _is_there(sent)
    assert server.known_hosts.read_text() == known


async def test_a_changed_key_cannot_be_accepted_here(server: SshServer) -> None:
    change_key(server)
    changed = HostKey("ED25519", server.fingerprint("other_key"), known=server.fingerprint())

    with pytest.raises(HostKeyChanged):
        await trust_key(SshAddress(HOST, config_file=server.client_config), changed)


async def test_a_key_that_changes_while_connected_is_seen_at_the_next_connection(
    server: SshServer,
) -> None:
    async with shell_of(server) as shell:
        assert (await shell.run(["true"])).ok
        change_key(server)
        await eventually(lambda: not server.clients(), within_s=30)  # all know of the lost one

        with pytest.raises(HostKeyChanged):
            await shell.run(["true"])


def test_fingerprints_are_those_of_ssh_keygen(server: SshServer) -> None:
    public = (server.folder / "host_key.pub").read_text()

    assert fingerprint_of(f"ssh-box,10.0.0.1 {public}") == HostKey("ED25519", server.fingerprint())
    assert fingerprint_of("# a comment") is None
    assert fingerprint_of("host ssh-ed25519 §") is None


def _is_there(file: Path) -> bool:
    return file.exists()
