"""A role that is switched to the cloud."""

from __future__ import annotations

import pytest

from strixdesk.core.cloud import choose_with_cloud, cloud_tier_for
from strixdesk.core.errors import NoTier
from strixdesk.core.route import Route
from strixdesk.core.rules import RoutingPolicy
from strixdesk.core.tier import Price, Tier, TierState, TierStatus

OWN = Tier("orchestrator", "http://127.0.0.1:1/v1", role="orchestrator")
SMALL = Tier("utility", "http://127.0.0.1:2/v1", role="utility")
CLOUD = Tier("claude", "https://api.example/v1", cloud=True, price=Price(3.0, 15.0))
ON = {"orchestrator": "claude"}


def choose(text: str, cloud: dict[str, str], named: str | None = None) -> Route:
    tiers = [OWN, SMALL, CLOUD]
    return choose_with_cloud(
        text,
        cloud=cloud,
        images=0,
        spoken=False,
        tiers=tiers,
        statuses={tier.name: TierStatus(TierState.READY, 0.0) for tier in tiers},
        named=named,
        default="utility",
        needed_tokens=10,
        policy=RoutingPolicy(),
    )


def test_off_nothing_leaves_the_house() -> None:
    route = choose("Think hard: what is time?", {})
    assert route.tier is OWN
    assert CLOUD not in route.fallbacks


def test_on_the_cloud_tier_answers_for_the_role_under_its_own_name() -> None:
    route = choose("Think hard: what is time?", ON)
    assert route.tier is CLOUD
    assert "“claude”" in route.reason
    assert "switched to the cloud" in route.reason
    assert OWN in route.fallbacks


def test_other_questions_stay_where_they_were() -> None:
    assert choose("Hello there, how are you doing?", ON).tier is SMALL


def test_the_role_is_called_by_its_name() -> None:
    assert choose("Ask the orchestrator what time is.", ON).tier is CLOUD


def test_a_tier_that_was_picked_is_asked_itself() -> None:
    assert choose("What is time?", ON, named="orchestrator").tier is OWN


def test_the_cloud_tier_of_that_role_stands_in() -> None:
    coder = Tier("other", "https://api.example/v1", role="coder", cloud=True)
    assert cloud_tier_for("coder", [CLOUD, coder]) is coder
    with pytest.raises(NoTier, match="Several"):
        cloud_tier_for("reviewer", [CLOUD, coder])
    with pytest.raises(NoTier, match="no cloud tier"):
        cloud_tier_for("coder", [OWN])
