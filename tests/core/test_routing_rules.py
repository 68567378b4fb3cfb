"""Rules of the user's own, and what speaks against a tier: speed, room, the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from strixdesk.core.errors import NoTier
from strixdesk.core.route import Route
from strixdesk.core.routing import choose_route
from strixdesk.core.rules import RoutingPolicy, Rule
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus

ORCHESTRATOR = Tier("orchestrator", "http://box:8001/v1", "orchestrator")
CODER = Tier("coder", "http://box:8002/v1", "coder")
REVIEWER = Tier("reviewer", "http://box:8011/v1", "reviewer")
UTILITY = Tier("utility", "http://box:8012/v1", "utility")
CLOUD = Tier("cloud/opus", "https://api.example/v1", "orchestrator", cloud=True)
STACK = (ORCHESTRATOR, CODER, REVIEWER, UTILITY)
READY = TierStatus(TierState.READY, since=0.0)
AWAY = TierStatus(TierState.UNREACHABLE, since=0.0)

HARD = (
    "Compare Postgres and SQLite for a desktop app, analyse the trade-offs, and draw up a plan for "
    "a migration that must not lose data, without downtime. Which would you choose? Why?"
)


def route(
    text: str,
    tiers: tuple[Tier, ...] = STACK,
    *,
    statuses: Mapping[str, TierStatus] | None = None,
    rules: tuple[Rule, ...] | None = None,
    spoken: bool = False,
    images: int = 0,
    named: str | None = None,
    default: str | None = None,
    needed_tokens: int = 0,
) -> Route:
    """Every tier is ready but those whose status is given."""
    return choose_route(
        text,
        images=images,
        spoken=spoken,
        tiers=tiers,
        statuses={tier.name: READY for tier in tiers} | dict(statuses or {}),
        named=named,
        default=default,
        needed_tokens=needed_tokens,
        policy=RoutingPolicy() if rules is None else RoutingPolicy(rules),
    )


def fast(tokens_per_s: float) -> TierStatus:
    return replace(READY, tokens_per_s=tokens_per_s)


# ---- rules -----------------------------------------------------------------------------------


def test_a_hard_question_goes_to_the_orchestrator_and_says_what_makes_it_hard() -> None:
    got = route(HARD, default="utility")
    assert got.tier == ORCHESTRATOR
    assert got.reason == (
        "This is hard (0.75: asks to compare, asks to analyse, several questions, conditions, "
        "asks to plan); “orchestrator” is the one for that."
    )


def test_a_long_question_goes_to_the_orchestrator() -> None:
    got = route("lorem ipsum " * 200, default="utility")
    assert (got.tier, got.reason) == (
        ORCHESTRATOR,
        "This is long; “orchestrator” is the one for that.",
    )


def test_rules_of_the_users_own_replace_the_usual_ones() -> None:
    rules = (Rule("It is about the garden", ("utility",), words=("tomato", "green house")),)
    got = route("When do I sow a Tomato?", rules=rules)
    assert (got.tier, got.rule) == (UTILITY, rules[0])
    assert got.reason == "It is about the garden; “utility” is the one for that."
    assert route("In the green\n house", rules=rules).tier == UTILITY
    assert route("tomatoes, think hard", rules=rules).tier == ORCHESTRATOR, "nothing holds"


def test_all_conditions_of_a_rule_have_to_hold() -> None:
    rules = (Rule("Said in the kitchen", ("utility",), when=("spoken",), words=("recipe",)),)
    assert route("a recipe", rules=rules, spoken=True).rule == rules[0]
    assert route("a recipe", rules=rules).rule is None
    assert route("a song", rules=rules, spoken=True).rule is None


def test_a_rule_that_means_nobody_there_is_passed_over() -> None:
    rules = (Rule("For odin", ("odin",)), Rule("For anybody", ("utility",)))
    assert route("Hello", rules=rules).rule == rules[1]


def test_a_rule_may_name_a_tier_by_its_label() -> None:
    named = replace(CODER, name="box/qwen", label="Qwen Coder")
    rules = (Rule("Always", ("qwen coder",)),)
    assert route("Hello", (ORCHESTRATOR, named), rules=rules).tier == named


# ---- speed -----------------------------------------------------------------------------------


def test_short_talk_goes_to_the_fastest_tier_as_it_was_measured() -> None:
    got = route("What time is it?", spoken=True, statuses={"coder": fast(41.0), "utility": fast(9)})
    assert got.tier == CODER
    assert got.reason == (
        "A short spoken question wants a quick answer; “coder” is the fastest (41 tokens a second)."
    )


def test_the_fastest_is_looked_for_among_those_that_are_ready() -> None:
    statuses = {"coder": replace(AWAY, tokens_per_s=41.0), "utility": fast(9)}
    got = route("What time is it?", spoken=True, statuses=statuses)
    assert got.tier == UTILITY
    assert "but “coder” cannot be reached; “utility” answers instead." in got.reason


@pytest.mark.parametrize("text", ["What time is it?", "I want a second opinion.", HARD])
def test_a_tier_that_was_measured_to_be_slow_never_answers_speech(text: str) -> None:
    slow = {"orchestrator": fast(2.0)}
    got = route(text, spoken=True, statuses=slow, default="orchestrator")
    assert not {ORCHESTRATOR, REVIEWER} & {got.tier, *got.fallbacks}
    assert set(got.offer) == {ORCHESTRATOR, REVIEWER}
    assert route(text, statuses=slow, default="orchestrator").offer == (), "typed, it may"


def test_a_reviewer_that_was_measured_to_be_quick_may_speak() -> None:
    got = route("A second opinion, please", spoken=True, statuses={"reviewer": fast(30.0)})
    assert got.tier == REVIEWER


def test_a_slow_tier_that_is_passed_over_is_told() -> None:
    got = route("I want a second opinion.", spoken=True)
    assert got.reason == (
        "You want a second opinion, but “reviewer” is too slow for speech; "
        "“orchestrator” answers instead."
    )


def test_a_slow_tier_that_is_asked_by_name_answers_speech_too() -> None:
    assert route("Ask the reviewer what time it is", spoken=True).tier == REVIEWER


# ---- room ------------------------------------------------------------------------------------


def holding(tokens: int) -> TierStatus:
    return replace(READY, context_tokens=tokens)


def test_a_tier_that_does_not_hold_the_conversation_is_passed_over() -> None:
    statuses = {"orchestrator": holding(4096), "coder": holding(32_768)}
    got = route("Hello", STACK[:2], statuses=statuses, needed_tokens=5000)
    assert got.tier == CODER
    assert got.fallbacks == (ORCHESTRATOR,), "with fewer messages it still can"
    assert got.needed_tokens == 5000
    assert got.reason == (
        "“orchestrator” holds only 4,096 tokens and this needs about 5,000 and room for an "
        "answer; “coder” answers instead."
    )


def test_room_for_the_answer_is_kept() -> None:
    statuses = {"orchestrator": holding(4096), "coder": holding(32_768)}
    assert route("Hi", STACK[:2], statuses=statuses, needed_tokens=3072).tier == ORCHESTRATOR
    assert route("Hi", STACK[:2], statuses=statuses, needed_tokens=3073).tier == CODER


def test_what_the_server_says_it_holds_counts_before_what_is_configured() -> None:
    tiers = (replace(ORCHESTRATOR, context_tokens=100_000), CODER)
    statuses = {"orchestrator": holding(4096)}
    assert route("Hello", tiers, statuses=statuses, needed_tokens=5000).tier == CODER
    assert route("Hello", tiers, needed_tokens=5000).tier.name == "orchestrator"


def test_where_none_holds_it_the_largest_answers_and_says_so() -> None:
    statuses = {"orchestrator": holding(4096), "coder": holding(8192)}
    got = route("Hello", STACK[:2], statuses=statuses, needed_tokens=50_000)
    assert got.tier == CODER
    assert got.reason == (
        "No tier holds the whole conversation (about 50,000 tokens); “coder” holds most of it."
    )


def test_a_named_tier_that_is_too_small_is_used_all_the_same_and_says_so() -> None:
    statuses = {"utility": holding(2048)}
    got = route("Hi", statuses=statuses, named="utility", needed_tokens=5000)
    assert got.tier == UTILITY
    assert got.reason == "You chose “utility”; the oldest messages do not fit into it."


# ---- down, and who else there is --------------------------------------------------------------


def test_a_named_tier_that_is_down_is_told_and_others_are_offered() -> None:
    got = route("Ask the coder why", statuses={"coder": AWAY, "reviewer": AWAY})
    assert (got.tier, got.fallbacks) == (CODER, ())
    assert got.reason == "You asked for “coder” by name; it cannot be reached."
    assert got.offer == (ORCHESTRATOR, UTILITY)


def test_a_wanted_tier_that_is_down_with_all_others_is_told_as_down() -> None:
    got = route(HARD, statuses={tier.name: AWAY for tier in STACK})
    assert got.reason.endswith("“orchestrator” is the one for that, though it cannot be reached.")


def test_a_tier_whose_source_is_silent_comes_after_those_that_answer() -> None:
    stale = {"orchestrator": replace(READY, stale=True)}
    assert route("Hello", STACK[:2], statuses=stale).tier == CODER


def test_a_picture_that_nobody_sees_can_be_asked_about_without_it() -> None:
    with pytest.raises(NoTier) as nobody:
        route("What is it?", images=1)
    assert nobody.value.without_pictures
    eyes = replace(UTILITY, name="eyes", capabilities=frozenset({Capability.VISION}))
    with pytest.raises(NoTier) as blind:
        route("What is it?", (*STACK, eyes), images=1, named="coder")
    assert blind.value.without_pictures
    assert blind.value.offer == ("eyes",)


# ---- what a source declares -------------------------------------------------------------------


def test_declared_fallbacks_are_asked_first() -> None:
    first = replace(ORCHESTRATOR, fallbacks=("utility", "gone", "coder"))
    assert route("Hello", (first, CODER, REVIEWER, UTILITY)).fallbacks == (UTILITY, CODER, REVIEWER)


def test_a_declared_fallback_stands_in_for_a_tier_that_is_away() -> None:
    first = replace(ORCHESTRATOR, fallbacks=("utility",))
    got = route("Hello", (first, CODER, UTILITY), statuses={"orchestrator": AWAY})
    assert got.tier == UTILITY


def test_a_declared_context_fallback_stands_in_for_a_tier_that_is_too_small() -> None:
    first = replace(ORCHESTRATOR, context_fallbacks=("utility",))
    statuses = {"orchestrator": holding(2048)}
    got = route("Hello", (first, CODER, UTILITY), statuses=statuses, needed_tokens=5000)
    assert got.tier == UTILITY


# ---- the cloud -------------------------------------------------------------------------------


def test_the_cloud_is_never_asked_by_itself() -> None:
    away = {tier.name: AWAY for tier in STACK}
    got = route(HARD, (CLOUD, *STACK), statuses=away)
    assert CLOUD not in {got.tier, *got.fallbacks}


def test_the_cloud_is_asked_when_it_is_named_or_the_default_or_listed_in_a_rule() -> None:
    tiers = (*STACK, CLOUD)
    assert route("Ask cloud/opus why", tiers).tier == CLOUD
    assert route("Hello", tiers, default="cloud/opus").tier == CLOUD
    rules = (Rule("It is hard", ("cloud/opus", "orchestrator"), ("hard",)),)
    assert route(HARD, tiers, rules=rules).tier == CLOUD
    assert route("Hello", tiers, rules=rules).tier == ORCHESTRATOR


def test_where_there_is_nothing_but_the_cloud_it_is_offered() -> None:
    with pytest.raises(NoTier, match="Only the cloud") as caught:
        route("Hello", (CLOUD,))
    assert caught.value.offer == ("cloud/opus",)
