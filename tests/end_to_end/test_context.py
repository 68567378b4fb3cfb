"""A conversation that outgrows a real server's context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.tokenizer import Tokenizer
from strixdesk.core.chat import ChatEnd, ChatMessage
from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.session.context import prompt_for
from strixdesk.session.prompt import Prompt
from strixdesk.session.token_count import TokenCounter
from strixdesk.settings import ChatSettings
from tests.support.llama import LlamaServer, start_llama

CONTEXT_TOKENS = 1024
STATUS = TierStatus(TierState.READY, 0.0, server="llama.cpp", context_tokens=CONTEXT_TOKENS)
CHAT = ChatSettings(max_answer_tokens=16)
NUMBERS = " ".join(map(str, range(40)))
"""More tokens than its length lets one think."""


def history(turns: int) -> tuple[Message, ...]:
    return tuple(
        Message(
            str(number),
            Role.ASSISTANT if number % 2 else Role.USER,
            (Text(f"{number}: {NUMBERS}"),),
            MessageStatus.INCOMPLETE if number % 2 else MessageStatus.COMPLETE,
            float(number),
        )
        for number in range(2 * turns + 1)
    )


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    server = start_llama(context=CONTEXT_TOKENS)
    yield server
    server.close()


@pytest.fixture
async def counter() -> AsyncIterator[TokenCounter]:
    async with make_http_client() as http:
        yield TokenCounter(Tokenizer(http))


async def prompt(llama: LlamaServer, counter: TokenCounter, turns: int) -> Prompt:
    return await prompt_for(
        llama.tier(), STATUS, history(turns), chat=CHAT, counter=counter, within_s=100.0
    )


async def prompt_tokens(llama: LlamaServer, of: Prompt) -> int:
    """As the server counts them when it is asked."""
    chat = ChatClient(CHAT)
    try:
        messages = [ChatMessage(one.role, one.text) for one in of.messages]
        async for item in chat.stream(llama.tier(), messages, max_tokens=of.answer_tokens):
            if isinstance(item, ChatEnd):
                assert item.usage is not None
                return item.usage.prompt_tokens
    finally:
        await chat.close()
    raise AssertionError("the answer did not end")


@pytest.mark.engine
async def test_given_a_conversation_that_outgrows_the_context_then_exact_counts_keep_it_within(
    llama: LlamaServer, counter: TokenCounter
) -> None:
    estimated = await prompt(llama, TokenCounter(), 12)
    exact = await prompt(llama, counter, 12)
    assert exact.left_out > estimated.left_out, "the estimate takes numbers for less than they are"
    asked = await prompt_tokens(llama, exact)
    assert asked + exact.answer_tokens <= CONTEXT_TOKENS
    assert abs(asked - exact.tokens) <= 4 * len(exact.messages), "but for the chat template"
