"""Two real llama-servers: one is killed in the middle of its answer, the other goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.conversation import Message, MessageStatus
from strixdesk.core.events import TextDelta
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.settings import ChatSettings, Settings
from tests.support.fakes import FakeTiers, Heard
from tests.support.fault_server import Cut, FaultServer, fault_server, says, stream
from tests.support.handing_over import session_of
from tests.support.llama import LlamaServer, start_llama

pytestmark = pytest.mark.slow


@pytest.fixture
def servers() -> Iterator[tuple[LlamaServer, LlamaServer]]:
    both = start_llama(), start_llama()
    yield both
    for server in both:
        server.close()


async def test_given_a_server_that_is_killed_then_the_other_completes_its_answer(
    tmp_path: Path, servers: tuple[LlamaServer, LlamaServer]
) -> None:
    first, second = servers
    watch = TierWatch([first.tier("coder"), second.tier("utility")])
    settings = Settings(chat=ChatSettings(max_answer_tokens=400))
    chat = ChatClient(settings.chat, watch.status_of)
    session = await session_of(Inventory(watch), chat, settings, tmp_path)
    heard = Heard()
    session.subscribe(heard.take)
    runner = session.begin_typed("Tell me a long story about a fox, a river and a winter night.")

    def words() -> str:
        return "".join(delta.text for delta in heard.of(TextDelta))

    await heard.until(lambda: len(words().split()) >= 12, within_s=60)
    before = words()
    await asyncio.to_thread(first.kill)
    await session.finished(runner)

    answer = runner.answer
    assert answer is not None
    assert answer.text.startswith(before)
    assert len(answer.text) > len(before)
    assert answer.text == words()
    assert answer.text.count(before) == 1
    assert "length limit" in (answer.detail or "") or answer.status is MessageStatus.COMPLETE
    (joint,) = answer.hand_overs
    assert (joint.begun_by, joint.continued_by) == ("coder", "utility")
    # where the two meet, one word begins with one space
    around = answer.text[joint.at_chars - 30 : joint.at_chars + 30]
    assert "  " not in around
    kept = await session.open_conversation(session.conversation_id)
    assert kept.messages[-1].hand_overs == answer.hand_overs
    await session.close()


QUESTIONS = (
    "Tell me a long story about a fox, a river and a winter night.",
    "Explain how bread is made, step by step, as a numbered list.",
    "Write a Python function that computes prime numbers, with comments.",
    "List ten European countries with their capital cities and populations.",
)
CUTS_EACH = 5


@pytest.fixture
def alike() -> Iterator[LlamaServer]:
    server = start_llama(alike=True)
    yield server
    server.close()


@pytest.fixture
async def dying() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


async def answer_of(question: str, first: Tier, second: Tier, folder: Path) -> Message:
    tiers = FakeTiers(first, second)
    tiers.status[second.name] = TierStatus(TierState.READY, 0.0, server="llama.cpp")
    settings = Settings(chat=ChatSettings(max_answer_tokens=70, temperature=0.0, retries=0))
    chat = ChatClient(settings.chat, lambda tier: tiers.status.get(tier.name))
    await asyncio.to_thread(folder.mkdir)
    session = await session_of(tiers, chat, settings, folder)
    try:
        runner = session.begin_typed(question)
        await session.finished(runner)
    finally:
        await session.close()
    assert runner.answer is not None
    return runner.answer


async def test_given_cuts_anywhere_in_a_word_then_the_same_model_says_what_it_would_have_said(
    tmp_path: Path, alike: LlamaServer, dying: FaultServer
) -> None:
    chance = random.Random(7)
    first, second = dying.tier("first", model="m"), alike.tier("second")
    others = []
    for number, question in enumerate(QUESTIONS):
        dying.on_chat([Cut()])
        whole = await answer_of(question, first, second, tmp_path / str(number))
        for at in chance.sample(range(5, len(whole.text) - 5), CUTS_EACH):
            dying.on_chat(stream(says(whole.text[:at])))
            answer = await answer_of(question, first, second, tmp_path / f"{number} {at}")
            assert [joint.at_chars for joint in answer.hand_overs] == [at]
            if not answer.text.startswith(whole.text):
                others.append((whole.text[:at][-30:], answer.text[at:][:30]))
    assert len(others) <= 0.05 * len(QUESTIONS) * CUTS_EACH, others
