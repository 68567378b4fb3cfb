"""Chooses the tier that answers a question, and says why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from strixdesk.core.errors import NoTier
from strixdesk.core.question import Question, addressee, features
from strixdesk.core.route import Route
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
_STARTABLE = 3
"""A tier that the program starts itself when it is asked."""

_STATE_WORDS: Mapping[TierState, str] = {
    TierState.LOADING: "is still loading",
    TierState.STARTING: "is still starting",
    TierState.UNKNOWN: "has not been heard of yet",
    TierState.STOPPING: "is stopping",
    TierState.STOPPED: "is stopped",
    TierState.FAILED: "has failed",
    TierState.UNREACHABLE: "cannot be reached",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A tier with what is known of it."""

    tier: Tier
    state: TierState
    capabilities: frozenset[Capability]
    position: int
    """In the user's own order."""

    @property
    def readiness(self) -> int:
        """0 is best."""
        rank = _READINESS[self.state]
        return min(rank, _STARTABLE) if self.tier.starter else rank

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def is_a(self, role: str) -> bool:
        return role in self.tier.role.casefold()

    @property
    def slow(self) -> bool:
        """Writes a few tokens a second: good for what may take its time."""
        return self.is_a("reviewer")


NOT_MEANT = 9
"""The rank of a tier that a wish says nothing for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a question would like: how well each tier suits (0 is best), and why, in words."""

    because: str
    """A clause that can begin a sentence; empty: nothing speaks for anybody."""
    rank: Callable[[Known], int]
    at_once: bool = False
    """Somebody listens for the answer: rather a tier that has yet to load than a slow one."""


def choose_route(
    text: str,
    *,
    images: int = 0,
    spoken: bool = False,
    tiers: Sequence[Tier],
    statuses: Mapping[str, TierStatus],
    named: str | None = None,
    default: str | None = None,
) -> Route:
    """The tier that answers, why, and who is asked next if it cannot. Raises NoTier.

    A tier that the user names, as `named` or at the start of the text, is used exactly and has no
    fallbacks: nobody answers in another's name.
    """
    known = [_known(tier, statuses, position) for position, tier in enumerate(tiers)]
    if not known:
        raise NoTier(
            "There is no model server to ask yet.",
            "Add one under [[tiers]] in the settings, or install the starter kit.",
        )
    if named is not None:
        one = _by_name(known, named)
        return _exactly(one, images, f"You chose “{one.tier.name}”.")
    if called := addressee(text, tiers):
        one = next(one for one in known if one.tier is called)
        return _exactly(one, images, f"You asked for “{one.tier.name}” by name.")
    candidates = _with_eyes(known) if images else known
    wish = _wish(features(text, images=images, spoken=spoken))
    return _best(candidates, wish, (default or "").casefold())


def sees(tier: Tier, status: TierStatus | None) -> bool:
    """It is known to take pictures."""
    return _known(tier, {tier.name: status} if status else {}, 0).can(Capability.VISION)


def _wish(question: Question) -> Wish:
    """The first thing that speaks for somebody."""
    if question.images:
        what = "a picture" if question.images == 1 else "pictures"
        return Wish(f"The question comes with {what}", _meant_for(can=Capability.VISION))
    if question.second_opinion:
        return Wish("You want a second opinion", _meant_for("reviewer", "orchestrator"))
    if question.code:
        return Wish(question.code, _meant_for("coder", "coding", can=Capability.CODE))
    if question.depth:
        return Wish("This wants thinking through", _meant_for("orchestrator", "reviewer"))
    if question.spoken and question.short:
        because = "A short spoken question wants a quick answer"
        return Wish(because, _meant_for("utility"), at_once=True)
    return Wish("", _meant_for())


def _meant_for(*roles: str, can: Capability | None = None) -> Callable[[Known], int]:
    """The roles in their order, then whoever has the capability."""

    def rank(one: Known) -> int:
        place = next((place for place, role in enumerate(roles) if one.is_a(role)), None)
        if place is not None:
            return place
        return len(roles) if can and one.can(can) else NOT_MEANT

    return rank


def _best(candidates: Sequence[Known], wish: Wish, default: str) -> Route:
    def suits(one: Known) -> tuple[bool, int, bool, bool, int]:
        """The program's own small model is for when there is nothing else; then what the question
        wants; then the user's default; then the user's order, with the slow ones last."""
        not_default = one.tier.name.casefold() != default
        slow = one.slow and not_default
        return one.tier.starter, wish.rank(one), not_default, slow, one.position

    def readiness(one: Known) -> int:
        return max(one.readiness, _STARTABLE) if wish.at_once and one.slow else one.readiness

    ranked = sorted(candidates, key=lambda one: (readiness(one), suits(one)))
    chosen, suited = ranked[0], min(candidates, key=suits)
    passed_over = suited if suits(suited)[:3] < suits(chosen)[:3] else None
    reason = _reason(chosen, passed_over, wish, default, alone=len(candidates) == 1)
    return Route(chosen.tier, reason, tuple(one.tier for one in ranked[1:]))


def _reason(
    chosen: Known, passed_over: Known | None, wish: Wish, default: str, *, alone: bool
) -> str:
    name = f"“{chosen.tier.name}”"
    meant = wish.because and wish.rank(chosen) != NOT_MEANT
    if passed_over:
        away = f"“{passed_over.tier.name}” {_STATE_WORDS.get(passed_over.state, 'is too slow')}"
        start = f"{wish.because}, but {away}" if wish.because else away
        return f"{start}; {name} answers instead."
    if wish.because and meant:
        return f"{wish.because}; {name} is the one for that."
    if alone:
        return f"{name} is the only tier there is."
    if chosen.tier.name.casefold() == default:
        return f"{name} is your default."
    if chosen.state is TierState.READY:
        return f"{name} is ready."
    return f"No tier is ready; {name} is the likeliest to answer."


def _exactly(one: Known, images: int, reason: str) -> Route:
    blind = one.state is not TierState.UNKNOWN and not one.can(Capability.VISION)
    if images and blind and one.readiness <= _READINESS[TierState.UNKNOWN]:
        raise NoTier(
            f"“{one.tier.name}” cannot look at pictures.",
            "Ask it without the picture, or choose a tier that sees.",
        )
    return Route(one.tier, reason)


def _with_eyes(known: Sequence[Known]) -> list[Known]:
    """Those that take pictures; where none is known to, those that were never asked."""
    seeing = [one for one in known if one.can(Capability.VISION)]
    seeing = seeing or [one for one in known if one.state is TierState.UNKNOWN]
    if not seeing:
        raise NoTier(
            "None of your tiers can look at pictures.",
            "Ask without the picture, or add a tier whose model sees.",
        )
    return seeing


def _by_name(known: Sequence[Known], name: str) -> Known:
    wanted = name.strip().casefold()
    by_role = [one for one in known if one.tier.role.casefold() == wanted]
    for one in known:
        if one.tier.name.casefold() == wanted:
            return one
    if len(by_role) == 1:
        return by_role[0]
    names = ", ".join(f"“{one.tier.name}”" for one in known)
    raise NoTier(f"No tier is called “{name}”.", f"There is: {names}.")


def _known(tier: Tier, statuses: Mapping[str, TierStatus], position: int) -> Known:
    status = statuses.get(tier.name)
    told = status.capabilities if status else frozenset()
    return Known(
        tier,
        status.state if status else TierState.UNKNOWN,
        told if tier.capabilities is None else tier.capabilities,
        position,
    )
