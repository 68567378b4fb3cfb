"""What SQLite and the disk complain of, as sentences."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from strixdesk.core.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def told(error: Exception, path: Path) -> StoreError:
    what = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or "disk is full" in what or ("disk I/O error" in what and _no_space(path)):
        return StoreError(
            f"The disk with {path.parent} is full: the history could not be written.",
            "Free some space. The conversation is kept in memory and written when there is room.",
        )
    if isinstance(error, OSError) or "readonly" in what or "unable to open" in what:
        return StoreError(
            f"The history in {path.parent} cannot be written.",
            "Check the permissions of that folder, or choose another with --data-dir.",
        )
    if "locked" in what:
        return StoreError("The history is busy.", "Is another program holding its file open?")
    if is_damage(error):
        return StoreError(
            f"The history is damaged ({what}).",
            f"Start StrixDesk again: it sets {path} aside and begins a new one.",
        )
    return StoreError(f"The history could not be used ({what}).", f"Its file is {path}.")


def is_damage(error: Exception) -> bool:
    """The file itself is broken, or is no history at all."""
    return type(error) is sqlite3.DatabaseError  # its subclasses tell of other things


def _no_space(path: Path) -> bool:
    """A full disk shows as an I/O error where SQLite maps its shared memory."""
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
