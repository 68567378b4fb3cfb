"""How long starts took before: the best forecast of how long the next one takes."""

from __future__ import annotations

import contextlib
import json
import statistics
from pathlib import Path

from strixdesk.atomic_file import write_atomically

_KEPT = 5
"""Starts that are remembered of each; the median counts, so that one download is no habit."""
_LONGEST_S = 6 * 3600.0
_KEYS = 500


class StartHistory:
    """Seconds from the start of a container until its server was ready, kept in a JSON file."""

    def __init__(self, path: Path | None = None) -> None:
        """None: forgotten with the program."""
        self._path = path
        self._starts: dict[str, list[float]] | None = None

    def expected_s(self, key: str) -> float | None:
        """None: never seen."""
        known = self._read().get(key)
        return statistics.median(known) if known else None

    def add(self, key: str, seconds: float) -> None:
        if not 0 < seconds < _LONGEST_S:
            return  # a clock jumped
        starts = self._read()
        # the box's clock tells whole seconds
        starts[key] = [*starts.pop(key, []), max(1.0, round(seconds, 1))][-_KEPT:]
        while len(starts) > _KEYS:
            del starts[next(iter(starts))]
        if self._path:
            with contextlib.suppress(OSError):  # a forecast is not worth an error
                write_atomically(self._path, json.dumps(starts, indent=1).encode())

    def _read(self) -> dict[str, list[float]]:
        if self._starts is None:
            self._starts = {}
            if self._path:
                with contextlib.suppress(OSError, ValueError, RecursionError):
                    self._starts = _starts_in(json.loads(self._path.read_bytes()))
        return self._starts


def _starts_in(told: object) -> dict[str, list[float]]:
    if not isinstance(told, dict):
        return {}
    return {
        str(key): [max(1.0, float(one)) for one in values if isinstance(one, int | float)]
        for key, values in told.items()
        if isinstance(values, list)
    }
