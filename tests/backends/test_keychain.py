"""A key is kept by the system's keychain, and by nothing else."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from strixdesk.backends import tier_errors
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.keychain import FRESH_S, SERVICE, SULKING_S, Keychain
from strixdesk.cli.main import main
from strixdesk.core.errors import KeychainError, TierRefused
from strixdesk.core.tier import Tier
from strixdesk.logs import Redacting
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.eventually import eventually

KEY = "zq-8f2e61c0aa-not-to-be-seen"
CLOUD = Tier("cloud", "http://127.0.0.1:9/v1", cloud=True, key_name="work")
DEAF_KEYRING = """
import threading
from keyring.backend import KeyringBackend


class Deaf(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        print("asked", flush=True)
        threading.Event().wait()

    def set_password(self, service, username, password):
        raise AssertionError
"""


class MemoryKeyring(KeyringBackend):
    """A keychain that is gone with the test."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.reads = 0
        self.locked = False
        self.answers = threading.Event()
        """Cleared: its user is being asked for a password."""
        self.answers.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        self.answers.wait()
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def backend() -> MemoryKeyring:
    return MemoryKeyring()


async def test_a_key_is_read_when_it_is_needed_and_then_remembered(backend: MemoryKeyring) -> None:
    backend.held[SERVICE, "work"] = KEY
    keychain = Keychain(backend)
    assert (await keychain.keyed(CLOUD)).api_key == KEY
    assert (await keychain.keyed(CLOUD)).api_key == KEY
    assert backend.reads == 1


async def test_a_key_that_was_changed_is_noticed_after_a_while(backend: MemoryKeyring) -> None:
    clock = [0.0]
    keychain = Keychain(backend, now=lambda: clock[0])
    await keychain.set("work", "old")
    await Keychain(backend).set("work", "new")
    assert await keychain.get("work") == "old"
    clock[0] = FRESH_S + 1
    assert await keychain.get("work") == "new"


async def test_a_locked_keychain_is_not_asked_again_at_once(backend: MemoryKeyring) -> None:
    clock = [0.0]
    backend.locked = True
    keychain = Keychain(backend, now=lambda: clock[0])
    for _ in range(3):
        with pytest.raises(KeychainError, match="locked"):
            await keychain.get("work")
    assert backend.reads == 1
    backend.locked, clock[0] = False, SULKING_S + 1
    assert await keychain.get("work") is None


async def test_without_a_keychain_it_says_what_else_is_possible() -> None:
    with pytest.raises(KeychainError, match="no keychain") as caught:
        await Keychain(fail.Keyring()).get("work")
    assert "api_key_env" in caught.value.advice


async def test_a_keychain_that_does_not_answer_is_given_up_and_asked_only_once(
    backend: MemoryKeyring,
) -> None:
    backend.held[SERVICE, "work"] = KEY
    backend.answers.clear()
    keychain = Keychain(backend, answer_s=4)
    others = set(threading.enumerate())

    def is_over() -> bool:
        """The thread that asked has handed on what it was told."""
        return all(one.name != "keychain" for one in set(threading.enumerate()) - others)

    try:
        for _ in range(3):
            with pytest.raises(KeychainError, match="has not answered for 4 s"):
                await keychain.get("work")
        assert not is_over()
    finally:
        backend.answers.set()
    await eventually(is_over, within_s=30)
    assert await keychain.get("work") == KEY
    assert backend.reads == 2


async def test_a_keychain_that_does_not_answer_lets_the_program_end(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF_KEYRING)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "strixdesk", "--data-dir", str(tmp_path)),
        *("key", "remove", "work"),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "deaf.Deaf"},
    )
    assert process.stdout
    assert await process.stdout.readline() == b"asked\n"
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert (process.returncode, said) == (130, b"strixdesk: stopped.\n")


async def test_a_question_without_its_key_says_how_to_store_it(backend: MemoryKeyring) -> None:
    chat = ChatClient(ChatSettings(), keychain=Keychain(backend))
    outcome = await ask(chat, CLOUD)
    assert isinstance(outcome.error, TierRefused)
    assert "strixdesk key set work" in outcome.error.advice
    await chat.close()


async def test_a_tier_without_a_key_name_asks_no_keychain(backend: MemoryKeyring) -> None:
    assert await Keychain(backend).keyed(Tier("own", "http://127.0.0.1:1/v1"))
    assert backend.reads == 0


def test_a_server_that_quotes_the_key_is_not_quoted() -> None:
    tier = Tier("cloud", "https://api.example/v1", api_key=KEY)
    body = f'{{"error": {{"message": "Account {KEY} is closed."}}}}'.encode()
    error = tier_errors.refused(tier, 402, body)
    assert KEY not in error.sentence()
    assert KEY not in Redacting().format(
        logging.LogRecord("x", logging.ERROR, "x", 1, "%s", (error,), None)
    )


def test_a_tier_does_not_show_its_key() -> None:
    assert KEY not in repr(Tier("cloud", "https://api.example/v1", api_key=KEY))


def test_the_command_sets_lists_and_removes_without_showing(
    backend: MemoryKeyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    former = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        config = tmp_path / "settings.toml"
        config.write_text(
            '[[tiers]]\nname = "cloud"\nbase_url = "https://api.example/v1"\nkey_name = "work"\n'
        )
        common = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}\n"))
        assert main([*common, "key", "set", "work"]) == 0
        assert backend.held == {(SERVICE, "work"): KEY}
        assert main([*common, "key", "list"]) == 0
        assert main([*common, "key", "remove", "work"]) == 0
        assert main([*common, "key", "list"]) == 0
    finally:
        keyring.set_keyring(former)
    shown = capsys.readouterr()
    assert "work: in the keychain" in shown.out
    assert "work: missing" in shown.out
    written = "".join(f.read_text() for f in tmp_path.rglob("*") if f.is_file())
    assert KEY not in shown.out + shown.err + written
