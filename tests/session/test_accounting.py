"""What each answer took is written down, and a cached one is not asked for again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import StreamBroken, TierRefused, TierUnreachable
from strixdesk.core.events import MessageAdded, MessageChanged, UsageChanged
from strixdesk.core.tier import Capability, Price, Tier
from strixdesk.core.turn import TurnState, Usage
from strixdesk.settings import Settings, UsageSettings
from tests.session.conftest import Stage
from tests.support.fakes import FakeTiers, ScriptedChat
from tests.support.pictures import flat_png

CLOUD = Tier("cloud", "https://api.example/v1", cloud=True, price=Price(3.0, 15.0))
HOME = Tier("home", "http://127.0.0.1:1/v1")
COUNTED = ChatEnd("stop", Usage(120, 30), "model-1")


def said(text: str, end: ChatEnd = COUNTED) -> list[ChatDelta | ChatEnd | Exception | Any]:
    return [ChatDelta(text), end]


def usage(**fields: Any) -> Settings:
    return Settings(usage=UsageSettings(**fields), default_tier="cloud")


async def ask(stage: Stage, text: str = "Hello?") -> None:
    await stage.session.finished(stage.session.begin_typed(text))


async def test_tokens_and_times_are_those_of_the_server(stage: Stage) -> None:
    stage.chat = ScriptedChat(said("One."))
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: bool(stage.heard.of(UsageChanged)))
    (tier,) = (await stage.session.usage()).tiers
    assert (tier.tier, tier.answers, tier.success_rate) == ("utility", 1, 1.0)
    assert (tier.prompt_tokens, tier.completion_tokens, tier.estimated) == (120, 30, False)
    assert tier.ttft_ms is not None
    assert tier.total_ms is not None


async def test_tokens_that_no_server_counted_are_marked_as_estimates(stage: Stage) -> None:
    stage.chat = ScriptedChat(said("One two three.", ChatEnd("stop")))
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: bool(stage.heard.of(UsageChanged)))
    (tier,) = (await stage.session.usage()).tiers
    assert tier.estimated
    assert tier.completion_tokens == 5


@pytest.mark.parametrize(
    "script",
    [
        [TierUnreachable("Nobody is there.")],
        [ChatDelta("Half of"), StreamBroken("It broke off.")],
    ],
)
async def test_a_failure_is_remembered_with_its_words(
    stage: Stage, script: list[ChatDelta | Exception]
) -> None:
    stage.chat = ScriptedChat(script)
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: bool(stage.heard.of(UsageChanged)))
    (tier,) = (await stage.session.usage()).tiers
    assert (tier.success_rate, tier.last_error) == (0.0, str(script[-1]))


async def test_a_tier_is_told_how_fast_it_was(stage: Stage) -> None:
    many = [ChatDelta(f"{number} ") for number in range(200)]
    stage.chat = ScriptedChat([*many, ChatEnd("stop", Usage(9, 200))])
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: bool(stage.speeds))
    assert stage.speeds[0][0] == "utility"
    assert stage.speeds[0][1] > 0


# ---- money -------------------------------------------------------------------------------------


async def test_an_answer_costs_what_its_tokens_cost(stage: Stage) -> None:
    stage.settings = usage(monthly_budget_usd=5.0)
    stage.tiers = FakeTiers(CLOUD)
    stage.chat = ScriptedChat(said("One."))
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: len(stage.heard.of(UsageChanged)) == 2)
    found = await stage.session.usage()
    assert found.spent_nano_usd == 120 * 3_000 + 30 * 15_000
    assert found.reserved_nano_usd == 0


async def test_when_the_money_is_spent_the_next_tier_answers(stage: Stage) -> None:
    stage.settings = usage(monthly_budget_usd=0.001)
    stage.tiers = FakeTiers(CLOUD, HOME)
    stage.chat = ScriptedChat(said("From home."))
    await stage.begin()
    await ask(stage)
    answer = stage.heard.of(MessageChanged)[-1].message
    assert (answer.tier, answer.text) == ("home", "From home.")
    assert "this could cost up to" in (answer.reason or "")
    assert [tier.name for tier, _ in stage.chat.requests] == ["home"]


async def test_without_another_tier_the_message_says_what_to_do(stage: Stage) -> None:
    stage.settings = usage()
    stage.tiers = FakeTiers(CLOUD)
    stage.chat = ScriptedChat()
    await stage.begin()
    await ask(stage)
    answer = stage.heard.of(MessageChanged)[-1].message
    assert answer.status is MessageStatus.FAILED
    assert "monthly_budget_usd" in (answer.detail or "")


@pytest.mark.parametrize(
    ("script", "costs"),
    [([TierRefused("No.", status=401)], False), ([ChatDelta("Half"), StreamBroken("Cut.")], True)],
)
async def test_what_the_server_did_not_count_is_booked_at_its_worst(
    stage: Stage, script: list[ChatDelta | Exception], costs: bool
) -> None:
    stage.settings = usage(monthly_budget_usd=5.0)
    stage.tiers = FakeTiers(CLOUD)
    stage.chat = ScriptedChat(script)
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: len(stage.heard.of(UsageChanged)) == 2)
    worst_answer = stage.settings.chat.max_answer_tokens * 15_000
    spent = (await stage.session.usage()).spent_nano_usd
    assert spent > worst_answer if costs else spent == 0


# ---- the cache ---------------------------------------------------------------------------------


async def in_a_fresh_conversation(stage: Stage, text: str) -> None:
    stage.session.new_conversation()
    await ask(stage, text)


async def test_the_same_question_is_answered_from_the_cache_and_says_so(stage: Stage) -> None:
    stage.settings = usage(cache=True)
    stage.chat = ScriptedChat(said("One."))
    await stage.begin()
    await ask(stage)
    await stage.heard.until(lambda: bool(stage.heard.of(UsageChanged)))
    await in_a_fresh_conversation(stage, "Hello?")
    answer = stage.heard.of(MessageChanged)[-1].message
    assert (answer.text, answer.status) == ("One.", MessageStatus.COMPLETE)
    assert "From the cache" in (answer.reason or "")
    assert len(stage.chat.requests) == 1


async def test_nothing_is_kept_unless_it_is_wished(stage: Stage) -> None:
    stage.chat = ScriptedChat(said("One."), said("Two."))
    await stage.begin()
    await ask(stage)
    await in_a_fresh_conversation(stage, "Hello?")
    assert len(stage.chat.requests) == 2


async def test_asking_again_asks_the_tier_and_replaces_what_was_kept(stage: Stage) -> None:
    stage.settings = usage(cache=True)
    stage.chat = ScriptedChat(said("One."), said("Two."))
    await stage.begin()
    await ask(stage)
    stage.session.answer_again(stage.heard.of(MessageAdded)[-1].message.id)
    await stage.until(TurnState.THINKING, TurnState.DONE, TurnState.THINKING, TurnState.DONE)
    await stage.heard.until(lambda: len(stage.heard.of(UsageChanged)) == 2)
    await in_a_fresh_conversation(stage, "Hello?")
    assert stage.heard.of(MessageChanged)[-1].message.text == "Two."
    assert len(stage.chat.requests) == 2


@pytest.mark.parametrize("end", [ChatEnd("length", Usage(1, 1)), StreamBroken("Cut.")])
async def test_an_answer_that_is_not_whole_is_not_kept(
    stage: Stage, end: ChatEnd | StreamBroken
) -> None:
    stage.settings = usage(cache=True)
    stage.chat = ScriptedChat([ChatDelta("Half of"), end], said("All of it."))
    await stage.begin()
    await ask(stage)
    await in_a_fresh_conversation(stage, "Hello?")
    assert stage.heard.of(MessageChanged)[-1].message.text == "All of it."


async def test_an_answer_to_a_picture_is_not_kept(stage: Stage) -> None:
    stage.settings = usage(cache=True)
    stage.chat = ScriptedChat(said("A cat."), said("A cat, once more."))
    eyes = frozenset({Capability.VISION})
    stage.tiers = FakeTiers(replace(HOME, capabilities=eyes))
    await stage.begin()
    for _ in range(2):
        stage.session.new_conversation()
        image = await stage.session.attach(flat_png((200, 90, 30)), "cat.png")
        await stage.session.finished(stage.session.begin_typed("What is it?", [image], "home"))
    assert len(stage.chat.requests) == 2
