"""A tier as routing sees it: what is known of it, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from strixdesk.core.addressing import is_named
from strixdesk.core.rules import FASTEST
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus

_READINESS: Mapping[TierState, int] = {
    TierState.READY: 0,
    TierState.LOADING: 1,
    TierState.STARTING: 1,
    TierState.UNKNOWN: 2,
    TierState.STOPPING: 4,
    TierState.STOPPED: 4,
    TierState.FAILED: 5,
    TierState.UNREACHABLE: 5,
}
STARTABLE = 3
"""A tier that the program starts itself when it is asked."""
AWAY = 4
"""From here on a tier will hardly answer."""

_STATE_WORDS: Mapping[TierState, str] = {
    TierState.LOADING: "is still loading",
    TierState.STARTING: "is still starting",
    TierState.UNKNOWN: "has not been heard of yet",
    TierState.STOPPING: "is stopping",
    TierState.STOPPED: "is stopped",
    TierState.FAILED: "has failed",
    TierState.UNREACHABLE: "cannot be reached",
}
_UTILITY_TOKENS_PER_S = 20.0
"""What a small model is trusted to write until it was measured."""

_CAPABILITIES = {capability.value: capability for capability in Capability}

NOT_MEANT = 99
"""The place of a tier that a rule says nothing of."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tier with what is known of it."""

    tier: Tier
    status: TierStatus
    position: int
    """In the user's own order."""
    slow_below_tokens_per_s: float = 5.0

    @property
    def state(self) -> TierState:
        return self.status.state

    @property
    def readiness(self) -> int:
        """0 is best."""
        rank = _READINESS[self.state]
        if self.status.stale:
            rank = max(rank, AWAY)
        return min(rank, STARTABLE) if self.tier.starter else rank

    @property
    def context_tokens(self) -> int | None:
        """What the server says it holds; else what is configured; None: not known."""
        return self.status.context_tokens or self.tier.context_tokens

    @property
    def slow(self) -> bool:
        """Writes a few tokens a second: good for what may take its time."""
        measured = self.status.tokens_per_s
        return (
            self.is_a("reviewer") if measured is None else measured < self.slow_below_tokens_per_s
        )

    @property
    def expected_tokens_per_s(self) -> float:
        """As measured; 0: not known."""
        if self.status.tokens_per_s is not None:
            return self.status.tokens_per_s
        return _UTILITY_TOKENS_PER_S if self.is_a("utility") else 0.0

    def can(self, capability: Capability) -> bool:
        told = self.tier.capabilities
        return capability in (self.status.capabilities if told is None else told)

    def is_a(self, role: str) -> bool:
        return role in self.tier.role.casefold()

    def place(self, to: tuple[str, ...]) -> int:
        """Where it stands in a rule's list; 0 is best."""
        return next((at for at, meant in enumerate(to) if self._is_meant(meant)), NOT_MEANT)

    def _is_meant(self, meant: str) -> bool:
        meant = meant.strip().casefold()
        if not meant:
            return False
        if meant == FASTEST:
            return not self.slow and self.expected_tokens_per_s > 0
        # A rule that lists a role does not send questions out of the house.
        if not self.tier.cloud:
            capability = _CAPABILITIES.get(meant)
            if self.is_a(meant) or (capability and self.can(capability)):
                return True
        return is_named(meant, self.tier)

    def holds(self, needed_tokens: int, answer_tokens: int) -> bool:
        """The conversation fits, and an answer after it."""
        context = self.context_tokens
        return context is None or needed_tokens + answer_room(context, answer_tokens) <= context

    def state_words(self) -> str:
        """Why it does not answer; empty when it can."""
        if self.status.stale and self.state is TierState.READY:
            return "is only known from earlier"
        return _STATE_WORDS.get(self.state, "")


def answer_room(context_tokens: int, answer_tokens: int) -> int:
    """Tokens kept for the answer: a small context keeps a quarter of itself."""
    return min(answer_tokens, max(64, context_tokens // 4))
