"""Tells whether the process that left a message open still lives.

Each writer holds a lock of the operating system on a file of its own, and the kernel lets go of it
however the process ends. A process id would not do: after a restart of the computer, or in a
container, another program has it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from strixdesk.core.ids import new_id


class WriterLock:
    """Held from `__init__` until `release`. Raises OSError where the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"w{new_id()}"
        self._folder = folder
        self._path = _file(folder, self.token)
        unseen = self._path.with_suffix(".new")
        self._fd = os.open(unseen, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            unseen.rename(self._path)  # nobody ever sees it unlocked
        except OSError:
            os.close(self._fd)
            unseen.unlink(missing_ok=True)
            raise

    def release(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def others(self) -> frozenset[str]:
        """Tokens of the writers that live; what the dead left behind is removed."""
        alive = set()
        for path in self._folder.glob("*.lock"):
            if path == self._path:
                continue
            if _held(path):
                alive.add(path.stem)
            else:
                path.unlink(missing_ok=True)
        return frozenset(alive)


def _file(folder: Path, token: str) -> Path:
    return folder / f"{token}.lock"


def _held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # another user's: not ours to judge
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
