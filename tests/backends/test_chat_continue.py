"""An answer that is begun elsewhere is continued by the servers that can."""

from __future__ import annotations

import contextlib

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatMessage
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.settings import ChatSettings
from tests.support.fault_server import DONE, FaultServer, says, stream

QUESTION = ChatMessage("user", "Count.")
BEGUN = ChatMessage("assistant", "One, two,")


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
    status = TierStatus(TierState.READY, 0.0, server=server)
    chat = ChatClient(ChatSettings(), lambda tier: status, http)
    faults.on_chat(stream(says(" three."), says(finish="stop"), DONE))
    async with contextlib.aclosing(chat.stream(faults.tier(model="m"), messages)) as items:
        async for _ in items:
            pass
    (sent,) = [request.json for request in faults.requests]
    assert (sent.get("continue_final_message"), sent.get("add_generation_prompt")) == told
    assert sent["messages"][-1] == {"role": messages[-1].role, "content": messages[-1].text}
