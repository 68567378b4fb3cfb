"""A tier that keeps failing is left alone for a while, then tried by one question at a time."""

from __future__ import annotations

from enum import Enum

from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)

FAILURES = 3
"""Failed attempts in a row before a tier is left alone; one question is enough where there is no
connection at all."""
_GROWTH = 2.0
LONGEST_COOLDOWN_S = 300.0


class BreakerState(Enum):
    CLOSED = "closed"
    """It is asked as usual."""
    OPEN = "open"
    """It is left alone."""
    HALF_OPEN = "half-open"
    """One question tries it; all others are told to go elsewhere."""


class Breaker:
    """Of one tier. Times are seconds of a clock that only goes forward."""

    def __init__(self, cooldown_s: float) -> None:
        self._cooldown_s = cooldown_s
        self.state = BreakerState.CLOSED
        self._failures = 0
        self._openings = 0
        self._opened_at = 0.0
        self._until = 0.0

    def admit(self, now: float, *, insists: bool = False, ready_since: float | None = None) -> bool:
        """Whether a question may try the tier now; `ended` must follow then. `insists`: the user
        wants this tier and no other. `ready_since`: its server was seen ready from then on."""
        match self.state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.HALF_OPEN:
                return False
        recovered = ready_since is not None and ready_since > self._opened_at
        if now >= self._until or insists or recovered:
            self.state = BreakerState.HALF_OPEN
            return True
        return False

    def remaining_s(self, now: float) -> float:
        """Until it is tried again."""
        return max(0.0, self._until - now) if self.state is BreakerState.OPEN else 0.0

    def attempt_failed(self) -> None:
        """A question that was admitted failed, and is tried again."""
        self._failures += 1

    def ended(self, now: float, error: BaseException | None) -> None:
        """What became of a question that was admitted."""
        if error is None:
            self.state = BreakerState.CLOSED
            self._failures = self._openings = 0
            return
        if self.state is BreakerState.OPEN:
            return  # it was asked before the others failed
        trying = self.state is BreakerState.HALF_OPEN
        if not _counts(error):
            # It was stopped, or the question was at fault: nothing was learnt about the tier.
            if trying:
                self.state = BreakerState.OPEN
                self._until = now
            return
        self._failures += 1
        wished_s = error.retry_after_s if isinstance(error, TierError) else None
        if trying or self._failures >= FAILURES or isinstance(error, TierUnreachable) or wished_s:
            self._open(now, wished_s or 0.0)

    def _open(self, now: float, at_least_s: float) -> None:
        cooldown = min(self._cooldown_s * _GROWTH**self._openings, LONGEST_COOLDOWN_S)
        if at_least_s and self._failures < FAILURES:
            cooldown = min(at_least_s, LONGEST_COOLDOWN_S)  # busy, not broken
        else:
            self._openings += 1
        self.state = BreakerState.OPEN
        self._opened_at = now
        self._until = now + max(cooldown, min(at_least_s, LONGEST_COOLDOWN_S))


def _counts(error: BaseException) -> bool:
    if isinstance(error, TierRefused):
        return error.passing
    return isinstance(error, TierUnreachable | TierTimeout | StreamBroken)
