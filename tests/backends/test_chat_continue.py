"""An answer that is begun elsewhere is continued by the servers that can."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatMessage
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.settings import ChatSettings
from tests.support.fault_server import DONE, FaultServer, says, stream
from tests.support.fault_server import http as answers

QUESTION = ChatMessage("user", "Count.")
BEGUN = ChatMessage("assistant", "One, two,")
BROKEN = ChatMessage("assistant", "It is", goes_on=" Par")
BEGINS_LIKE_THAT = (
    'root ::= "\\U00000020\\U00000050\\U00000061\\U00000072" any*\nany ::= [\\x00-\\U0010FFFF]'
)
SAYS = stream(says(" three."), says(finish="stop"), DONE)


async def sent(
    faults: FaultServer, http: httpx.AsyncClient, server: str, messages: Sequence[ChatMessage]
) -> list[Any]:
    """What the server was sent until it answered."""
    status = TierStatus(TierState.READY, 0.0, server=server)
    chat = ChatClient(ChatSettings(), lambda tier: status, http)
    async with contextlib.aclosing(chat.stream(faults.tier(model="m"), messages)) as items:
        async for _ in items:
            pass
    return [request.json for request in faults.requests]


@pytest.mark.parametrize(
    ("server", "messages", "told"),
    [
        ("vllm", [QUESTION, BEGUN], (True, False)),
        ("vllm", [QUESTION], (None, None)),
        ("llama.cpp", [QUESTION, BEGUN], (None, None)),  # it does so by itself
        ("", [QUESTION, BEGUN], (None, None)),
    ],
)
async def test_vllm_is_told_to_continue_the_last_message(
    faults: FaultServer,
    http: httpx.AsyncClient,
    server: str,
    messages: list[ChatMessage],
    told: tuple[bool | None, bool | None],
) -> None:
    faults.on_chat(SAYS)
    (request,) = await sent(faults, http, server, messages)
    assert (request.get("continue_final_message"), request.get("add_generation_prompt")) == told
    assert request["messages"][-1] == {"role": messages[-1].role, "content": messages[-1].text}


@pytest.mark.parametrize(
    ("server", "key", "value"),
    [
        ("vllm", "structured_outputs", {"grammar": BEGINS_LIKE_THAT}),
        ("llama.cpp", "grammar", BEGINS_LIKE_THAT),
    ],
)
async def test_a_server_that_can_has_to_begin_as_it_is_told(
    faults: FaultServer, http: httpx.AsyncClient, server: str, key: str, value: object
) -> None:
    faults.on_chat(SAYS)
    (request,) = await sent(faults, http, server, [QUESTION, BROKEN])
    assert request[key] == value
    assert request["messages"][-1] == {"role": "assistant", "content": "It is"}


async def test_a_server_that_takes_no_grammar_is_asked_without_one(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    refusal = b'{"error":{"code":400,"message":"Failed to parse grammar"}}'
    faults.on_chat(answers(400, refusal), SAYS)
    first, second = await sent(faults, http, "llama.cpp", [QUESTION, BROKEN])
    assert "grammar" in first
    assert "grammar" not in second
