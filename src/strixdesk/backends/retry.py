"""Whether a tier that failed is asked again, and after which pause."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Callable

import httpx

from strixdesk.core.errors import TierError

LONGEST_PAUSE_S = 15.0
"""A server that wants to be left alone for longer is not waited for: the next tier is asked."""
_FIRST_PAUSE_S = 0.25
_GROWTH = 2.0
_SPREAD = 0.5
"""Pauses lie between this part of their length and the whole, so that clients do not come back
all at once."""


def pause_before_retry(
    error: TierError, attempt: int, retries: int, chance: Callable[[], float]
) -> float | None:
    """Seconds until the next attempt; None: there is none. `attempt` counts from 1; `chance` gives
    numbers from 0 to 1."""
    if attempt > retries or not error.passing:
        return None
    spread = _SPREAD + (1 - _SPREAD) * chance()
    pause = min(_FIRST_PAUSE_S * _GROWTH ** (attempt - 1), LONGEST_PAUSE_S) * spread
    if error.retry_after_s is None:
        return pause
    if error.retry_after_s > LONGEST_PAUSE_S:
        return None
    return max(pause, error.retry_after_s)


def retry_after_s(headers: httpx.Headers, now: Callable[[], float] = time.time) -> float | None:
    """What a server asks for: seconds, or a date. None: it asks for nothing that can be read."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(said).timestamp() - now()
        except (ValueError, OverflowError, OSError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
