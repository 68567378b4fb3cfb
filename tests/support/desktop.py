"""A screen made of memory with the real program on it, driven by real keys."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SIZE = "1240x800"


class Screen:
    """Xvfb with a small window manager, so that windows get the focus."""

    def __init__(self, size: str = SIZE) -> None:
        reader, writer = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as told:
            self.display = f":{told.readline().strip()}"
        self.environment = {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}
        self._manager = subprocess.Popen(
            ["openbox", "--sm-disable"],
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._is_managed, 30)  # a window that is shown while it starts may stay unseen

    def _is_managed(self) -> bool:
        return "window id" in self._try("xprop", "-root", "_NET_CLIENT_LIST").stdout

    def key(self, *arguments: str) -> None:
        """`keydown F9`, `type hello`, … as xdotool understands them."""
        self._run("xdotool", *arguments)

    def picture(self, path: Path, window: str = "root") -> None:
        """A PNG of one window's inside, or of the whole screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._run("import", "-window", window, "-strip", str(path))

    def window(self, title: str, within_s: float = 60.0) -> str:
        """The id of a visible window, focused."""
        found: list[str] = []

        def look() -> bool:
            done = self._try("xdotool", "search", "--onlyvisible", "--name", title)
            found[:] = done.stdout.split()
            # It may be off the screen again before it gets the focus.
            focus = ("xdotool", "windowfocus", "--sync", *found[-1:])
            return bool(found) and self._try(*focus).returncode == 0

        wait_for(look, within_s)
        return found[-1]

    def close(self) -> None:
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(60)

    def _run(self, *command: str) -> None:
        done = self._try(*command)
        assert done.returncode == 0, (command, done.stderr)

    def _try(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@contextlib.contextmanager
def screen(size: str = SIZE) -> Iterator[Screen]:
    one = Screen(size)
    try:
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def program(
    data_dir: Path, environment: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The program in a process of its own, ended as a window manager would."""
    process = subprocess.Popen(
        [sys.executable, "-m", "strixdesk", "--data-dir", str(data_dir), *arguments],
        env=os.environ | {"XDG_CONFIG_HOME": str(data_dir / "config")} | environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert process.returncode in (0, -signal.SIGKILL), "it ends in order, or was killed by a test"


def wait_for(condition: Callable[[], bool], within_s: float, every_s: float = 0.05) -> None:
    """For what another process does. Asked at least once after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        late = time.monotonic() > deadline
        if condition():
            return
        assert not late, f"did not come true within {within_s} s"
        time.sleep(every_s)
