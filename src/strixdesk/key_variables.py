"""Keys that the user keeps in environment variables: read once, and no child inherits them."""

from __future__ import annotations

import os

_taken: dict[str, str] = {}
"""By variable. As long as the program runs, since its environment no longer has them."""


def take_key(variable: str) -> str | None:
    """The key in it, which from now on is in this program's memory only; None: it is not set.

    It is taken out of the environment itself, not out of each child's: what Qt, the desktop and
    libraries start is then meant too.
    """
    key = os.environ.pop(variable, None)
    if key is not None:
        _taken[variable] = key
    return _taken.get(variable)
