"""Condensing between turns: what the user sees of it, and that no turn ever waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import Message, Role
from strixdesk.core.errors import TierUnreachable
from strixdesk.core.events import MessageChanged, Noticed
from strixdesk.core.tier import Tier
from strixdesk.session.session import Session
from strixdesk.settings import ChatSettings, Settings
from tests.session.conftest import Stage
from tests.support.fakes import FakeTiers, Script, ScriptedChat

END = ChatEnd("stop")
MAIN = Tier("orchestrator", "http://127.0.0.1:1/v1", "orchestrator", context_tokens=2048)
SMALL = Tier("utility", "http://127.0.0.1:2/v1", "utility", context_tokens=8192)
ANSWER: Script = [ChatDelta("word " * 400), END]
SUMMARY: Script = [ChatDelta("They spoke of boats."), END]


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(MAIN, SMALL)
    return stage


async def ask(session: Session, text: str) -> Message:
    runner = session.begin_typed(text)
    await session.finished(runner)
    assert runner.answer is not None
    return runner.answer


async def fill(stage: Stage, *after: Script) -> Session:
    """Two turns that leave little room in a context of 2048; the scripts are for what follows."""
    stage.chat = ScriptedChat(ANSWER, ANSWER, *after)
    session = await stage.begin()
    await ask(session, "One")
    await ask(session, "Two")
    return session


def notices(stage: Stage) -> list[str]:
    return [event.message for event in stage.heard.of(Noticed)]


async def test_older_messages_are_summarised_after_the_turn_and_the_counts_are_told(
    stage: Stage,
) -> None:
    session = await fill(stage, SUMMARY, [ChatDelta("Yes."), END])
    await stage.heard.until(lambda: bool(notices(stage)))
    sentence = "2 older messages summarised by “utility”: 642 → 19 tokens."
    assert notices(stage) == [sentence]
    assert stage.chat.requests[-1][0] == SMALL
    await stage.heard.until(
        lambda: any(sentence in (e.message.reason or "") for e in stage.heard.of(MessageChanged))
    )

    await ask(session, "Three")
    tier, sent = stage.chat.requests[-1]
    assert tier == MAIN
    assert "They spoke of boats." in sent[1].text
    assert sent[1].text.endswith("Two")
    assert [message.role for message in sent] == ["system", "user", "assistant", "user"]


async def test_a_summary_is_kept_with_its_conversation(stage: Stage) -> None:
    session = await fill(stage, SUMMARY)
    await stage.heard.until(lambda: bool(notices(stage)))
    stored = await session.open_conversation(session.conversation_id)
    assert stored.summary is not None
    assert stored.summary.text == "They spoke of boats."
    assert stored.summary.through_id == stored.messages[1].id
    assert len(stored.messages) == 4, "the messages themselves stay"


async def test_a_turn_that_begins_ends_the_summary_at_once(stage: Stage) -> None:
    never = asyncio.Event()
    session = await fill(stage, [never], [ChatDelta("Yes."), END])
    await stage.heard.until(lambda: len(stage.chat.requests) == 3)
    closed = stage.chat.closed_early
    stage.tiers.status["utility"] = replace(stage.tiers.status["utility"], stale=True)
    stage.tiers.status["orchestrator"] = replace(stage.tiers.status["orchestrator"], stale=True)
    answer = await ask(session, "Three")
    assert answer.text == "Yes."
    assert stage.chat.closed_early == closed + 2, "the summary, and the answer once it was whole"
    assert notices(stage) == []


async def test_closing_ends_the_summary(stage: Stage) -> None:
    session = await fill(stage, [asyncio.Event()])
    await stage.heard.until(lambda: len(stage.chat.requests) == 3)
    closed = stage.chat.closed_early
    await session.close()
    assert stage.chat.closed_early == closed + 1


@pytest.mark.parametrize(
    "script",
    [[TierUnreachable("gone")], [ChatDelta(""), END], [ChatDelta("word " * 900), END]],
    ids=["gone", "empty", "longer than what it stands for"],
)
async def test_a_summary_that_fails_leaves_everything_as_it_was(
    stage: Stage, script: Script
) -> None:
    session = await fill(stage, script)
    await stage.heard.until(lambda: len(stage.chat.requests) == 3)
    await asyncio.sleep(0)
    stored = await session.open_conversation(session.conversation_id)
    assert stored.summary is None
    assert notices(stage) == []


async def test_without_summaries_what_is_left_out_is_told_with_the_answer(stage: Stage) -> None:
    stage.settings = Settings(chat=ChatSettings(summarise=False))
    stage.tiers = FakeTiers(MAIN)
    session = await fill(stage, [ChatDelta("word " * 400), END], [ChatDelta("Yes."), END])
    await ask(session, "Three")
    answer = await ask(session, "Four")
    assert "oldest messages did not fit and were left out." in (answer.reason or "")
    stored = await session.open_conversation(session.conversation_id)
    assert stored.messages[-1].role is Role.ASSISTANT
    assert stored.summary is None
