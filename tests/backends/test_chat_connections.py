"""A connection that has brought its answer to the end serves the next question."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.backends import http
from strixdesk.backends.chat import ChatClient
from strixdesk.core.tier import Tier
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import DONE, chunked, says


@pytest.mark.parametrize("end", [DONE, b""], ids=["[DONE]", "no [DONE]"])
async def test_two_questions_share_a_connection(
    end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "KEEP_ALIVE_S", 60.0)  # however long this process stands still
    connections = 0
    gone = asyncio.Event()
    chat = ChatClient(ChatSettings())
    script = chunked(says("Paris."), says(finish="stop") + end)
    answer = b"".join(step for step in script if isinstance(step, bytes))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while head := await reader.read(65_536):
            assert b"chat/completions" in head
            writer.write(answer)
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tier = Tier("box", f"http://127.0.0.1:{port}/v1", model="m")
    async with server:
        assert (await ask(chat, tier)).whole
        assert (await ask(chat, tier)).whole
        await chat.close()
        await gone.wait()
    assert connections == 1
