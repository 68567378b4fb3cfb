"""How each tier stands with those who want to ask it: left alone or not, and how many are in."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from strixdesk.backends import tier_errors
from strixdesk.backends.breaker import Breaker, BreakerState
from strixdesk.backends.gate import Gate, answers_at_once
from strixdesk.core.tier import Tier, TierState, TierStatus


class Standings:
    """One breaker and one gate for each tier, by its name."""

    def __init__(
        self,
        status_of: Callable[[Tier], TierStatus | None],
        cooldown_s: float,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._status_of = status_of
        self._now = now
        self._wall_clock = wall_clock
        self._breakers: defaultdict[str, Breaker] = defaultdict(lambda: Breaker(cooldown_s))
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)

    @contextlib.contextmanager
    def admission(self, tier: Tier, *, insists: bool = False) -> Iterator[None]:
        """Around everything that is asked of the tier for one question. Raises TierResting at
        once, without a connection, for a tier that is left alone."""
        breaker = self._breakers[tier.name]
        now = self._now()
        if not breaker.admit(now, insists=insists, ready_since=self._ready_since(tier)):
            remaining_s = breaker.remaining_s(now)
            raise (
                tier_errors.resting(tier, remaining_s)
                if remaining_s
                else tier_errors.tried_already(tier)
            )
        try:
            yield
        except BaseException as error:
            breaker.ended(self._now(), error)
            raise
        breaker.ended(self._now(), None)

    def trying(self, tier: Tier) -> bool:
        """One question tries whether it has recovered: once is enough."""
        return self._breakers[tier.name].state is BreakerState.HALF_OPEN

    def attempt_failed(self, tier: Tier) -> None:
        """The question that was admitted is asked once more."""
        self._breakers[tier.name].attempt_failed()

    def busy(self, tier: Tier) -> bool:
        """It writes as many answers as it can: whoever asks it now has to wait."""
        return self._gates[tier.name].full(self._limit(tier))

    def place(self, tier: Tier) -> contextlib.AbstractAsyncContextManager[None]:
        """Waits until it is one's turn."""
        return self._gates[tier.name].place(self._limit(tier))

    def _limit(self, tier: Tier) -> int:
        return answers_at_once(tier, self._status_of(tier))

    def _ready_since(self, tier: Tier) -> float | None:
        """On the clock of the breakers."""
        status = self._status_of(tier)
        if status is None or status.state is not TierState.READY:
            return None
        return self._now() - (self._wall_clock() - status.since)
