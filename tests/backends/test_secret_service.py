"""Keys in a real Secret Service, by a process of its own for each command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.secret_service import SecretService, environment_in, secret_service

KEY = "zq-5d0c7be914-not-to-be-seen"
SETTINGS = """\
[starter]
enabled = "never"
[[tiers]]
name = "claude"
base_url = "http://127.0.0.1:9/v1"
key_name = "work"
"""


@pytest.fixture
def service() -> Iterator[SecretService]:
    with secret_service() as service:
        write_settings(service.environment)
        yield service


def write_settings(environment: Mapping[str, str]) -> None:
    folder = Path(environment["XDG_CONFIG_HOME"]) / "strixdesk"
    folder.mkdir()
    (folder / "strixdesk.toml").write_text(SETTINGS)


def strixdesk(
    environment: Mapping[str, str], *arguments: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """It ends by itself within its time, whatever the keychain does."""
    done = subprocess.run(
        [sys.executable, "-m", "strixdesk", *arguments],
        input=given, env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr
    return done


def test_a_key_is_stored_read_by_another_process_and_removed(service: SecretService) -> None:
    stored = strixdesk(service.environment, "key", "set", "work", given=f"{KEY}\n")
    assert (stored.returncode, stored.stdout) == (0, "The keychain holds “work” now.\n")
    assert service.held() == [KEY]
    assert strixdesk(service.environment, "key", "list").stdout == "work: in the keychain\n"

    removed = strixdesk(service.environment, "key", "remove", "work")
    assert (removed.returncode, removed.stdout) == (0, "“work” was removed from the keychain.\n")
    assert service.held() == []
    assert strixdesk(service.environment, "key", "list").stdout == "work: missing\n"
    again = strixdesk(service.environment, "key", "remove", "work")
    assert (again.returncode, again.stdout) == (0, "“work” was not in the keychain.\n")


def test_a_key_stands_in_no_file_of_its_user(service: SecretService) -> None:
    strixdesk(service.environment, "key", "set", "work", given=f"{KEY}\n")
    files = [path for path in service.home.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix == ".keyring"] == ["login.keyring"]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    "command", [["key", "set", "work"], ["key", "list"], ["key", "remove", "work"], ["ask", "Hi"]]
)
def test_a_locked_keychain_is_told_and_holds_nobody_up(
    service: SecretService, command: list[str]
) -> None:
    strixdesk(service.environment, "key", "set", "work", given=f"{KEY}\n")
    service.lock()

    done = strixdesk(service.environment, *command, given="another\n")

    assert (done.returncode, done.stdout) == (1, "")
    assert "The keychain is locked. Unlock it" in done.stderr


@pytest.mark.parametrize("command", [["key", "set", "work"], ["key", "list"], ["ask", "Hi"]])
def test_without_a_keychain_it_is_told(tmp_path: Path, command: list[str]) -> None:
    environment = environment_in(tmp_path)
    write_settings(environment)

    done = strixdesk(environment, *command, given=f"{KEY}\n")

    assert (done.returncode, done.stdout) == (1, "")
    assert "This system has no keychain." in done.stderr
    assert "api_key_env" in done.stderr
