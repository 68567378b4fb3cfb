"""What is told of a tier that is not there or falls silent; the table of faults is tests/faults."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import (
    TierUnreachable,
)
from strixdesk.core.tier import Tier
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import (
    DONE,
    Cut,
    FaultServer,
    Hold,
    Pause,
    event,
    says,
    stream,
)


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        ("http://127.0.0.1:9/v1", "cannot be reached at 127.0.0.1:9: nothing listens there"),
        ("http://no-such-host.invalid/v1", "no machine of that name"),
        ("gopher://127.0.0.1/v1", "not well formed"),
        ("http://127.0.0.1:99999/v1", "not well formed"),
    ],
)
async def test_nobody_is_there(base_url: str, says: str, chat: ChatClient) -> None:
    outcome = await ask(chat, Tier("box", base_url, model="m"))
    assert isinstance(outcome.error, TierUnreachable)
    assert says in outcome.error.message


async def test_a_key_that_no_header_can_carry_is_not_printed(
    faults: FaultServer, chat: ChatClient
) -> None:
    for key in ("secret\nX-Evil: 1", "schlüssel-€"):
        outcome = await ask(chat, faults.tier(model="m", api_key=key))
        assert isinstance(outcome.error, TierUnreachable)
        assert key not in outcome.error.sentence()
        assert "secret" not in outcome.error.sentence()
    assert faults.requests == []


async def test_passwords_in_an_address_are_not_printed(chat: ChatClient) -> None:
    tier = Tier("box", "http://me:hunter2@127.0.0.1:9/v1", model="m")
    outcome = await ask(chat, tier)
    assert outcome.error is not None
    assert "hunter2" not in outcome.error.sentence()


async def test_the_time_that_the_reader_takes_is_not_the_tiers_silence(
    faults: FaultServer, http: httpx.AsyncClient, slow: ChatSettings
) -> None:
    chat = ChatClient(slow, http=http)
    faults.on_chat(stream(says("a"), Pause(0.1), says("b", finish="stop"), DONE))
    got: list[ChatDelta | ChatEnd] = []
    async for item in chat.stream(faults.tier(model="m"), [ChatMessage("user", "?")]):
        got.append(item)
        if len(got) == 1:
            await asyncio.sleep(4.5)  # longer than any deadline here
    assert isinstance(got[-1], ChatEnd)


async def test_every_content_buys_time(
    faults: FaultServer, http: httpx.AsyncClient, slow: ChatSettings
) -> None:
    chat = ChatClient(slow, http=http)
    steps = [step for word in ["a", "b", "c", "d", "e"] for step in (says(word), Pause(0.9))]
    faults.on_chat(stream(*steps, says(finish="stop"), DONE))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.whole
    assert outcome.text == "abcde"


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("nothing", []),
        ("a cut", [Cut()]),
        ("silence", [Hold()]),
        ("rubbish", [event("{oops")]),
        ("a token count", [event({"choices": [], "usage": {}}), DONE]),
        ("[DONE] and more", [DONE, says("not part of it")]),
    ],
)
async def test_an_answer_that_said_why_it_stopped_is_whole_whatever_follows(
    name: str, rest: list[bytes], faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(stream(says("Paris."), says(finish="stop"), *rest))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.whole, outcome.error
    assert outcome.text == "Paris."
