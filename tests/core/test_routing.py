from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.addressing import addressee
from strixdesk.core.errors import NoTier
from strixdesk.core.question import features
from strixdesk.core.route import Route
from strixdesk.core.routing import choose_route, sees
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus

ORCHESTRATOR = Tier("orchestrator", "http://box:8001/v1", "orchestrator")
CODER = Tier("coder", "http://box:8002/v1", "coder")
REVIEWER = Tier("reviewer", "http://box:8011/v1", "reviewer")
UTILITY = Tier("utility", "http://box:8012/v1", "utility")
STARTER = Tier("This computer", "http://127.0.0.1:1/v1", "starter", starter=True)
STACK = (ORCHESTRATOR, CODER, REVIEWER, UTILITY)
VISION = frozenset({Capability.VISION})

READY: Mapping[str, TierState] = {}

CODE = "Why does this fail?\n```python\nprint(1/0)\n```"


def status(state: TierState, *can: Capability) -> TierStatus:
    return TierStatus(state, since=0.0, capabilities=frozenset(can))


def route(
    text: str,
    tiers: tuple[Tier, ...] = STACK,
    *,
    images: int = 0,
    spoken: bool = False,
    named: str | None = None,
    default: str | None = None,
    states: Mapping[str, TierState] = READY,
) -> Route:
    """Every tier is ready but those whose state is given by name."""
    statuses = {tier.name: status(states.get(tier.name, TierState.READY)) for tier in tiers}
    return choose_route(
        text,
        images=images,
        spoken=spoken,
        tiers=tiers,
        statuses=statuses,
        named=named,
        default=default,
    )


# ---- what a question wants -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spoken", "tier"),
    [
        ("What is the capital of France?", False, ORCHESTRATOR),
        ("What is the capital of France?", True, UTILITY),
        (CODE, False, CODER),
        ("Traceback (most recent call last):\n  File ...", False, CODER),
        ("what does main.rs do", False, CODER),
        ("Please refactor the loop in my parser", True, CODER),
        ("write me a small bash script that renames files", False, CODER),
        ("Think hard about whether we should move to Oslo.", False, ORCHESTRATOR),
        ("I want a second opinion on this plan.", False, REVIEWER),
        ("Tell me about the code of Hammurabi and its laws.", False, ORCHESTRATOR),
        ("", False, ORCHESTRATOR),
    ],
)
def test_a_question_goes_to_the_tier_that_it_wants(text: str, spoken: bool, tier: Tier) -> None:
    assert route(text, spoken=spoken).tier == tier


def test_a_long_spoken_question_goes_where_a_typed_one_goes() -> None:
    assert route("and then " * 40, spoken=True).tier == ORCHESTRATOR


def test_the_default_answers_what_nothing_else_speaks_for() -> None:
    assert route("Hello", default="utility").tier == UTILITY
    assert route(CODE, default="utility").tier == CODER


@pytest.mark.parametrize(
    ("text", "spoken", "default", "reason"),
    [
        ("Hello", False, None, "“orchestrator” is ready."),
        ("Hello", False, "utility", "“utility” is your default."),
        (CODE, False, None, "It holds code; “coder” is the one for that."),
        ("see app.py", False, None, "It names a source file; “coder” is the one for that."),
        (
            "a second opinion, please",
            False,
            None,
            "You want a second opinion; “reviewer” is the one for that.",
        ),
        (
            "What time is it?",
            True,
            None,
            "A short spoken question wants a quick answer; “utility” is the one for that.",
        ),
    ],
)
def test_the_reason_is_one_plain_sentence(
    text: str, spoken: bool, default: str | None, reason: str
) -> None:
    assert route(text, spoken=spoken, default=default).reason == reason


# ---- who can answer --------------------------------------------------------------------------


def test_ready_comes_before_loading_before_unheard_of_before_stopped_before_gone() -> None:
    tiers = tuple(Tier(name, f"http://{name}/v1") for name in "abcde")
    got = route(
        "Hello",
        tiers,
        states={
            "a": TierState.UNREACHABLE,
            "b": TierState.STOPPED,
            "c": TierState.UNKNOWN,
            "d": TierState.LOADING,
        },
    )
    assert [got.tier.name, *(tier.name for tier in got.fallbacks)] == ["e", "d", "c", "b", "a"]


def test_a_wished_tier_that_is_away_is_named_in_the_reason() -> None:
    got = route(CODE, states={"coder": TierState.UNREACHABLE})
    assert got.tier == ORCHESTRATOR
    assert got.reason == (
        "It holds code, but “coder” cannot be reached; “orchestrator” answers instead."
    )


def test_a_default_that_is_away_is_named_in_the_reason() -> None:
    got = route("Hello", default="utility", states={"utility": TierState.LOADING})
    assert got.reason == "“utility” is still loading; “orchestrator” answers instead."


def test_the_programs_own_small_model_answers_only_when_nobody_else_can() -> None:
    everybody = (STARTER, *STACK)
    assert route("Hello", everybody).tier == ORCHESTRATOR
    assert route("Hello", everybody).fallbacks[-1] == STARTER
    away = dict.fromkeys(("orchestrator", "coder", "reviewer", "utility"), TierState.UNREACHABLE)
    got = route("Hello", everybody, states={**away, "This computer": TierState.STOPPED})
    assert got.tier == STARTER, "stopped, but it can be started"
    assert got.reason == "“orchestrator” cannot be reached; “This computer” answers instead."


@pytest.mark.parametrize("state", [TierState.LOADING, TierState.UNREACHABLE])
def test_speech_never_waits_for_the_reviewer_by_itself(state: TierState) -> None:
    others = dict.fromkeys(("orchestrator", "coder", "utility"), state)
    got = route("What time is it?", spoken=True, states=others)
    assert got.tier == UTILITY
    assert REVIEWER not in got.fallbacks
    assert got.offer == (REVIEWER,), "but it may be asked by name"


def test_where_all_are_slow_speech_is_answered_late_rather_than_never() -> None:
    assert route("What time is it?", (REVIEWER,), spoken=True).tier == REVIEWER


def test_when_nobody_is_ready_the_likeliest_is_asked_all_the_same() -> None:
    away = dict.fromkeys(("orchestrator", "coder", "reviewer", "utility"), TierState.UNREACHABLE)
    got = route("Hello", states=away)
    assert got.tier == ORCHESTRATOR
    assert got.reason == "No tier is ready; “orchestrator” is the likeliest to answer."


def test_one_tier_alone_is_told_as_such() -> None:
    assert route("Hello", (CODER,)).reason == "“coder” is the only tier there is."


def test_no_tier_at_all_is_told_with_what_to_do() -> None:
    with pytest.raises(NoTier, match="no model server") as caught:
        route("Hello", ())
    assert "[[tiers]]" in caught.value.advice


# ---- by name ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "@coder what is the time?",
        "Ask the coder what the time is.",
        "please ask coder about it",
        "Coder, what is the time?",
        "hey coder: hello",
        "  @CODER hello",
    ],
)
def test_a_tier_can_be_called_at_the_start_of_the_text(text: str) -> None:
    got = route(text, spoken=True)
    assert got.tier == CODER
    assert got.reason == "You asked for “coder” by name."
    assert got.fallbacks == ()


@pytest.mark.parametrize(
    "text",
    [
        "What does a coder earn?",
        "@coders unite",
        "Coder salaries in Norway",
        "my mail is me@coder.example",
        "Ask the coders",
    ],
)
def test_speaking_of_a_name_is_not_calling_it(text: str) -> None:
    assert addressee(text, STACK) is None


def test_names_with_spaces_and_roles_can_be_called() -> None:
    thor = Tier("Thor of the box", "http://box/v1", "orchestrator")
    for text in ("@ThorOfTheBox hi", "@thor-of-the-box hi", "ask thor of the box", "@orchestrator"):
        assert addressee(text, (thor, CODER)) == thor


def test_a_role_that_two_tiers_have_calls_nobody() -> None:
    twins = (Tier("a", "http://a/v1", "coder"), Tier("b", "http://b/v1", "coder"))
    assert addressee("@coder hi", twins) is None


def test_the_longer_name_wins() -> None:
    pair = (Tier("coder", "http://a/v1"), Tier("coder two", "http://b/v1"))
    assert addressee("ask coder two for help", pair) == pair[1]


@pytest.mark.parametrize("state", list(TierState))
def test_a_chosen_tier_is_used_exactly_whatever_its_state(state: TierState) -> None:
    got = route(CODE, named="Utility", states={"utility": state})
    assert (got.tier, got.fallbacks) == (UTILITY, ())


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(NoTier, match="No tier is called “odin”") as caught:
        route("Hello", named="odin")
    assert "“coder”" in caught.value.advice


# ---- pictures --------------------------------------------------------------------------------

EYES = replace(UTILITY, name="eyes", capabilities=VISION)


def test_a_picture_goes_to_a_tier_that_sees() -> None:
    got = route(CODE, (*STACK, EYES), images=1)
    assert got.tier == EYES
    assert got.fallbacks == ()
    assert got.reason == "The question comes with a picture; “eyes” is the one for that."


def test_seeing_can_be_learnt_from_the_server() -> None:
    got = choose_route(
        "What is it?",
        images=2,
        tiers=STACK,
        statuses={"coder": status(TierState.READY, Capability.VISION)},
    )
    assert got.tier == CODER
    assert sees(CODER, status(TierState.READY, Capability.VISION))
    assert not sees(replace(CODER, capabilities=frozenset()), status(TierState.READY, *VISION))


def test_a_picture_that_nobody_can_see_is_told_with_the_way_out() -> None:
    with pytest.raises(NoTier, match="None of your tiers can look at pictures") as caught:
        route("What is it?", images=1)
    assert "without the picture" in caught.value.advice


def test_a_chosen_tier_that_is_blind_says_so_and_is_not_replaced() -> None:
    with pytest.raises(NoTier, match="“coder” cannot look at pictures"):
        route("What is it?", (*STACK, EYES), images=1, named="coder")


def test_a_tier_that_was_never_asked_may_turn_out_to_see() -> None:
    unheard = dict.fromkeys(("orchestrator", "coder", "reviewer", "utility"), TierState.UNKNOWN)
    assert route("What is it?", images=1, states=unheard).tier == ORCHESTRATOR
    assert route("What is it?", images=1, named="coder", states=unheard).tier == CODER


# ---- for every question ----------------------------------------------------------------------


@given(st.text(), st.booleans(), st.lists(st.sampled_from(list(TierState)), min_size=4, max_size=4))
def test_every_tier_is_asked_once_and_there_is_always_a_reason(
    text: str, spoken: bool, states: list[TierState]
) -> None:
    statuses = {tier.name: status(state) for tier, state in zip(STACK, states, strict=True)}
    got = choose_route(text, spoken=spoken, tiers=STACK, statuses=statuses)
    asked = [got.tier, *got.fallbacks]
    assert len(set(asked)) == len(asked)
    assert len(asked) in {1, 3 if spoken else 4}, "one by name, or all in some order"
    assert got.reason.endswith(".")
    assert "\n" not in got.reason


@given(st.text(min_size=2000, max_size=2600), st.integers(1, 50_000))
def test_a_long_paste_costs_what_a_short_one_does_since_its_middle_is_not_read(
    text: str, more: int
) -> None:
    longer = text[:1500] + "why must it? " * more + text[-500:]
    assert len(features(longer).seen) <= 2 * 2001, "lower case may take two characters for one"
    assert features(longer).code == features(text[:1500] + "\n" + text[-500:]).code
