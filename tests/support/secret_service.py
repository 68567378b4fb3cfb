"""A real Secret Service on a message bus of its own: gnome-keyring, for nobody but the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""No service is started by the bus: nothing asks for a password on the screen of whoever tests."""
_READY = """
import secretstorage, time
deadline = time.monotonic() + 30
bus = secretstorage.dbus_init()
while not secretstorage.check_service_availability(bus):
    assert time.monotonic() < deadline
    time.sleep(0.05)
secretstorage.get_default_collection(bus)
"""
_LOCK = """
import secretstorage
collection = secretstorage.get_default_collection(secretstorage.dbus_init())
collection.lock()
assert collection.is_locked()
"""
_HELD = """
import secretstorage
for item in secretstorage.get_default_collection(secretstorage.dbus_init()).get_all_items():
    print(item.get_secret().decode())
"""


class SecretService:
    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.home = folder / "home"
        """The folders of the user whose it is are in here, all of them."""
        self.environment = environment
        """For programs that are to find it, and their settings and data in these folders."""

    def held(self) -> list[str]:
        """Every secret in it."""
        return self._script(_HELD).splitlines()

    def lock(self) -> None:
        """As after a login without a password."""
        self._script(_LOCK)

    def wait_ready(self) -> None:
        self._script(_READY)

    def _script(self, script: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def secret_service() -> Iterator[SecretService]:
    """Unlocked. It leaves no process and no file."""
    if not shutil.which("gnome-keyring-daemon") or not shutil.which("dbus-daemon"):
        pytest.skip("NOT RUN: a real keychain needs gnome-keyring and dbus-daemon")
    folder = Path(tempfile.mkdtemp(prefix="strix-secrets-"))
    (folder / "bus.conf").write_text(_BUS.format(folder=folder))
    service = SecretService(folder, environment_in(folder))
    try:
        with contextlib.ExitStack() as stack:
            bus = stack.enter_context(_daemon(
                ["dbus-daemon", f"--config-file={folder}/bus.conf", "--print-address", "--nofork"],
                service.environment,
            ))  # fmt: skip
            assert bus.stdout
            address = bus.stdout.readline().decode().strip()
            service.environment = {**service.environment, "DBUS_SESSION_BUS_ADDRESS": address}
            keyring = stack.enter_context(_daemon(
                ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"],
                service.environment,
            ))  # fmt: skip
            assert keyring.stdin
            keyring.stdin.write(b"password of the test")
            keyring.stdin.close()
            service.wait_ready()
            yield service
    finally:
        shutil.rmtree(folder)


def environment_in(folder: Path) -> dict[str, str]:
    """A home of its own without a screen and without a message bus."""
    places = {
        "HOME": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_DATA_HOME": "home/.local/share",
        "XDG_STATE_HOME": "home/.local/state",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_RUNTIME_DIR": "run",
    }
    for place in places.values():
        (folder / place).mkdir(parents=True, mode=0o700)
    gone = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
    kept = {name: value for name, value in os.environ.items() if name not in gone}
    return kept | {name: str(folder / place) for name, place in places.items()}


@contextlib.contextmanager
def _daemon(argv: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        try:
            yield daemon
        finally:
            daemon.terminate()
