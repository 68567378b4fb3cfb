"""The same client against a real llama-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatDelta, ChatMessage
from strixdesk.core.errors import StreamBroken, TierRefused, TierUnreachable
from strixdesk.core.tier import Tier
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.colour_projector import COLOURS
from tests.support.eventually import eventually
from tests.support.llama import LlamaServer, start_llama
from tests.support.pictures import flat_png

pytestmark = pytest.mark.engine

LONG = "Tell me a very long story about the sea."
STOPS_WITHIN_S = 6.0
"""It takes one token, and what a busy machine adds."""


@pytest.fixture
async def chat() -> AsyncIterator[ChatClient]:
    client = ChatClient(ChatSettings(max_answer_tokens=200))
    yield client
    await client.close()


async def test_a_question_is_answered_to_its_end(llama: LlamaServer, chat: ChatClient) -> None:
    outcome = await ask(chat, llama.tier())
    assert outcome.whole
    assert outcome.end is not None
    assert "Paris" in outcome.text
    assert outcome.end.finish_reason == "stop"
    assert outcome.end.model == "smollm2"
    assert outcome.end.usage is not None
    assert outcome.end.usage.completion_tokens > 3


async def test_a_capped_answer_says_that_it_was_capped(
    llama: LlamaServer, chat: ChatClient
) -> None:
    outcome = await ask(chat, llama.tier(), LONG, max_tokens=5)
    assert outcome.end is not None
    assert outcome.end.finish_reason == "length"


async def test_a_conversation_too_long_is_refused_with_the_numbers(
    llama: LlamaServer, chat: ChatClient
) -> None:
    outcome = await ask(chat, llama.tier(), "sea " * 2000)
    assert isinstance(outcome.error, TierRefused)
    assert "of 512 tokens)" in outcome.error.message


async def test_a_picture_for_a_tier_that_is_blind_is_refused(
    llama: LlamaServer, chat: ChatClient
) -> None:
    outcome = await ask(chat, llama.tier(), "What is it?", images=[flat_png((255, 0, 0))])
    assert isinstance(outcome.error, TierRefused)
    assert "cannot look at pictures" in outcome.error.message


@pytest.fixture(scope="module")
def storyteller() -> Iterator[LlamaServer]:
    """It would write for many seconds if it were not stopped."""
    server = start_llama(context=2048)
    yield server
    server.close()


async def test_closing_the_answer_stops_the_generation(
    storyteller: LlamaServer, chat: ChatClient
) -> None:
    question = [ChatMessage("user", LONG)]
    answer = chat.stream(storyteller.tier(), question, max_tokens=1900)
    assert isinstance(await anext(answer), ChatDelta)
    assert await asyncio.to_thread(storyteller.busy_slots) == 1
    await answer.aclose()
    await eventually(lambda: storyteller.busy_slots() == 0, within_s=STOPS_WITHIN_S)


async def test_cancelling_the_reader_stops_the_generation(
    storyteller: LlamaServer, chat: ChatClient
) -> None:
    reading = asyncio.create_task(ask(chat, storyteller.tier(), LONG, max_tokens=1900))
    await eventually(lambda: storyteller.busy_slots() == 1, within_s=30)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await eventually(lambda: storyteller.busy_slots() == 0, within_s=STOPS_WITHIN_S)


@pytest.mark.parametrize("colour", ["red", "blue", "yellow"])
async def test_a_picture_is_looked_at(colour: str, seeing_llama: LlamaServer, http: object) -> None:
    chat = ChatClient(ChatSettings(max_answer_tokens=24, temperature=0.0))
    picture = flat_png(COLOURS[colour])
    outcome = await ask(chat, seeing_llama.tier(), "The picture is what colour?", images=[picture])
    await chat.close()
    assert outcome.whole, outcome.error
    assert colour in outcome.text.lower()


async def test_a_server_killed_in_mid_answer_leaves_a_broken_answer(chat: ChatClient) -> None:
    server = start_llama(api_key="k-1")
    try:
        wrong_key = await ask(chat, Tier("x", server.base_url, model="m"))
        assert isinstance(wrong_key.error, TierRefused)
        assert "API key" in wrong_key.error.message

        answer = chat.stream(server.tier(), [ChatMessage("user", LONG)])
        assert isinstance(await anext(answer), ChatDelta)
        server.kill()
        with pytest.raises(StreamBroken, match="cut"):
            async for _ in answer:
                pass
        gone = await ask(chat, server.tier(model="m"))
        assert isinstance(gone.error, TierUnreachable)
    finally:
        server.close()
