"""Chooses the tier that answers a question, and says why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strixdesk.core.addressing import addressee, by_name
from strixdesk.core.candidates import AWAY, NOT_MEANT, STARTABLE, Candidate
from strixdesk.core.errors import NoTier
from strixdesk.core.question import Question, features
from strixdesk.core.route import Route
from strixdesk.core.rules import FASTEST, RoutingPolicy, Rule
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus

_STANDARD = RoutingPolicy()

_Suits = tuple[bool, int, float, bool, bool, int]
"""How well a candidate suits the question: the least is the best."""


def choose_route(
    text: str,
    *,
    images: int = 0,
    spoken: bool = False,
    tiers: Sequence[Tier],
    statuses: Mapping[str, TierStatus],
    named: str | None = None,
    default: str | None = None,
    needed_tokens: int = 0,
    policy: RoutingPolicy = _STANDARD,
) -> Route:
    """The tier that answers, why, and who is asked next if it cannot. Raises NoTier.

    A tier that the user names, as `named` or at the start of the text, is used exactly and has no
    fallbacks: nobody answers in another's name. `needed_tokens`: the prompt as it is estimated,
    with the conversation so far.
    """
    everybody = [
        Candidate(
            tier,
            statuses.get(tier.name) or TierStatus(TierState.UNKNOWN, since=0.0),
            position,
            policy.slow_tokens_per_s,
        )
        for position, tier in enumerate(tiers)
    ]
    if not everybody:
        raise NoTier(
            "There is no model server to ask yet.",
            "Add one under [[tiers]] in the settings, or install the starter kit.",
        )
    question = features(text, images=images, spoken=spoken)
    usual = by_name(default, tiers) if default else None
    choice = _Choice(everybody, question, policy, needed_tokens, usual)
    if named is not None:
        tier = by_name(named, tiers)
        if tier is None:
            names = ", ".join(f"“{one.name}”" for one in tiers)
            raise NoTier(f"No tier is called “{named}”.", f"There is: {names}.")
        return choice.exactly(tier, f"You chose “{tier.title}”")
    if called := addressee(text, tiers):
        return choice.exactly(called, f"You asked for “{called.title}” by name")
    return choice.best()


def sees(tier: Tier, status: TierStatus | None) -> bool:
    """It is known to take pictures."""
    told = status.capabilities if status else frozenset()
    return Capability.VISION in (told if tier.capabilities is None else tier.capabilities)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the rule that decided would like; without one, nobody is meant."""

    rule: Rule | None
    because: str
    places: Mapping[int, int]
    """Where each candidate stands in the rule's list, by its position."""

    def place(self, one: Candidate) -> int:
        return self.places.get(one.position, NOT_MEANT)

    def by_speed(self, one: Candidate) -> bool:
        place = self.place(one)
        return self.rule is not None and place != NOT_MEANT and self.rule.to[place] == FASTEST


@dataclass(frozen=True, slots=True)
class _Choice:
    """One question before everybody who might answer it."""

    everybody: Sequence[Candidate]
    question: Question
    policy: RoutingPolicy
    needed_tokens: int
    default: Tier | None

    # -- by name -------------------------------------------------------------------------------

    def exactly(self, tier: Tier, because: str) -> Route:
        one = next(one for one in self.everybody if one.tier is tier)
        others = self._others(one)
        blind = one.state is not TierState.UNKNOWN and not one.can(Capability.VISION)
        if self.question.images and blind and one.readiness < STARTABLE:
            raise NoTier(
                f"“{tier.title}” cannot look at pictures.",
                "Ask it without the picture, or choose a tier that sees.",
                offer=tuple(other.name for other in others),
                without_pictures=True,
            )
        away = one.readiness >= AWAY
        if away and (words := one.state_words()):
            because = f"{because}; it {words}"
        elif not self._holds(one):
            because = f"{because}; the oldest messages do not fit into it"
        return Route(
            tier, f"{because}.", offer=others if away else (), needed_tokens=self.needed_tokens
        )

    def _others(self, one: Candidate) -> tuple[Tier, ...]:
        """Who could be asked in its place, likeliest first."""
        able = [
            other
            for other in self.everybody
            if other is not one
            and other.readiness < AWAY
            and (not self.question.images or other.can(Capability.VISION))
        ]
        able.sort(key=lambda other: (other.tier.cloud, other.readiness, other.position))
        return tuple(other.tier for other in able)

    # -- by rule -------------------------------------------------------------------------------

    def best(self) -> Route:
        able = self._with_eyes() if self.question.images else list(self.everybody)
        wish = self._wish(able)
        candidates = self._in_the_house(able, wish)
        too_slow = [one for one in candidates if self.question.spoken and one.slow]
        if len(too_slow) == len(candidates):
            too_slow = []  # there is nothing but slow ones: better late than never
        candidates = [one for one in candidates if one not in too_slow]
        suits = {one.position: self._suits(one, wish) for one in (*candidates, *too_slow)}
        ranked = self._ranked(candidates, suits)
        chosen = ranked[0]
        suited = min((*candidates, *too_slow), key=lambda one: suits[one.position])
        heirs = self._heirs(suited, ranked) if suited is not chosen else []
        chosen = next((one for one in heirs if self._as_able(one, chosen)), chosen)
        too_small = suited.readiness < AWAY and not self._holds(suited)
        wanted = suits[suited.position][:4] < suits[chosen.position][:4]
        passed_over = suited if suited is not chosen and (wanted or too_small) else None
        heirs = self._heirs(chosen, ranked)
        others = [*heirs, *(one for one in ranked if one not in (chosen, *heirs))]
        reason = self._reason(chosen, passed_over, wish, alone=len(candidates) == 1)
        return Route(
            chosen.tier,
            reason,
            tuple(one.tier for one in others),
            offer=tuple(one.tier for one in too_slow if one.readiness < AWAY),
            rule=wish.rule if wish.place(chosen) != NOT_MEANT else None,
            needed_tokens=self.needed_tokens,
        )

    def _wish(self, able: Sequence[Candidate]) -> _Wish:
        """Of the first rule that holds and means somebody."""
        signs = self.question.signs(self.policy.hard_score)
        for rule in self.policy.rules:
            if rule.holds(signs, self.question.seen):
                places = {one.position: one.place(rule.to) for one in able}
                if any(place != NOT_MEANT for place in places.values()):
                    return _Wish(rule, rule.clause(signs), places)
        return _Wish(None, "", {})

    def _ranked(
        self, candidates: Sequence[Candidate], suits: Mapping[int, _Suits]
    ) -> list[Candidate]:
        """Who can answer at all, then who holds the whole conversation, then who is ready, then
        who suits."""

        def rank(one: Candidate) -> tuple[object, ...]:
            away = one.readiness >= AWAY
            fits = self._holds(one)
            # Where nobody holds it, the largest comes first.
            size = 0 if fits or somebody_fits else -(one.context_tokens or 0)
            return away, not fits, size, one.readiness, suits[one.position]

        somebody_fits = any(self._holds(one) and one.readiness < AWAY for one in candidates)
        return sorted(candidates, key=rank)

    def _heirs(self, one: Candidate, among: Sequence[Candidate]) -> list[Candidate]:
        """Whom its source declares to answer in its place, and can."""
        names = one.tier.fallbacks if self._holds(one) else one.tier.context_fallbacks
        by_id = {other.tier.name: other for other in among if other.readiness < AWAY}
        return [by_id[name] for name in names if name in by_id and by_id[name] is not one]

    def _as_able(self, one: Candidate, other: Candidate) -> bool:
        return one.readiness <= other.readiness and self._holds(one) >= self._holds(other)

    def _suits(self, one: Candidate, wish: _Wish) -> _Suits:
        """The program's own small model is for when there is nothing else; then what the question
        wants; then the user's default; then the user's order, with the slow ones last."""
        speed = one.expected_tokens_per_s if wish.by_speed(one) else 0.0
        not_default = not self._is_default(one)
        return (
            one.tier.starter,
            wish.place(one),
            -speed,
            not_default,
            one.slow and not_default,
            one.position,
        )

    def _in_the_house(self, able: list[Candidate], wish: _Wish) -> list[Candidate]:
        """Cloud tiers are asked only where the user said so: as the default, or by a rule."""
        kept = [
            one
            for one in able
            if not one.tier.cloud or self._is_default(one) or wish.place(one) != NOT_MEANT
        ]
        if not kept:
            names = ", ".join(f"“{one.tier.title}”" for one in able)
            raise NoTier(
                f"Only the cloud could answer this: {names}.",
                "Ask it by name, or make it your default.",
                offer=tuple(one.tier.name for one in able),
            )
        return kept

    def _with_eyes(self) -> list[Candidate]:
        """Those that take pictures; where none is known to, those that were never asked."""
        seeing = [one for one in self.everybody if one.can(Capability.VISION)]
        seeing = seeing or [one for one in self.everybody if one.state is TierState.UNKNOWN]
        if not seeing:
            raise NoTier(
                "None of your tiers can look at pictures.",
                "Ask without the picture, or add a tier whose model sees.",
                without_pictures=True,
            )
        return seeing

    def _is_default(self, one: Candidate) -> bool:
        return one.tier is self.default

    def _holds(self, one: Candidate) -> bool:
        return one.holds(self.needed_tokens, self.policy.answer_tokens)

    # -- in words ------------------------------------------------------------------------------

    def _reason(
        self, chosen: Candidate, passed_over: Candidate | None, wish: _Wish, *, alone: bool
    ) -> str:
        name = f"“{chosen.tier.title}”"
        if not self._holds(chosen) and chosen.readiness < AWAY:
            whole = f"the whole conversation (about {self.needed_tokens:,} tokens)"
            if alone:
                return f"{name} is the only tier there is; the oldest messages do not fit into it."
            return f"No tier holds {whole}; {name} holds most of it."
        if passed_over:
            away = f"“{passed_over.tier.title}” {self._against(passed_over)}"
            start = f"{wish.because}, but {away}" if wish.because else away
            return f"{start}; {name} answers instead."
        if wish.place(chosen) != NOT_MEANT:
            measured = chosen.status.tokens_per_s
            praise = "the one for that"
            if wish.by_speed(chosen) and measured is not None:
                praise = f"the fastest ({measured:.0f} tokens a second)"
            though = f", though it {chosen.state_words()}" if chosen.readiness >= AWAY else ""
            return f"{wish.because}; {name} is {praise}{though}."
        if alone:
            return f"{name} is the only tier there is."
        if self._is_default(chosen):
            return f"{name} is your default."
        if chosen.state is TierState.READY and not chosen.status.unloaded:
            return f"{name} is ready."
        return f"No tier is ready; {name} is the likeliest to answer."

    def _against(self, one: Candidate) -> str:
        if self.question.spoken and one.slow:
            return "is too slow for speech"
        if one.readiness < AWAY and not self._holds(one):
            return (
                f"holds only {one.context_tokens or 0:,} tokens and this needs about "
                f"{self.needed_tokens:,} and room for an answer"
            )
        return one.state_words() or "is busy"
