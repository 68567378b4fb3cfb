"""The same fault, seen by three clients: ours, openai-python, and httpx-sse with json.loads.

The peers are used as their documentation shows them, with the same patience as ours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
from httpx_sse import aconnect_sse
from openai import AsyncOpenAI

from strixdesk.backends.chat import ChatClient
from strixdesk.core.errors import TierError, TierTimeout
from strixdesk.settings import ChatSettings
from tests.faults.fault import Fault
from tests.support.asking import Outcome, ask
from tests.support.fault_server import FaultServer

SILENCE_S = 0.4
"""What every client is told to wait for the next sign of life."""
PATIENT_S = 60.0
"""For what does come: also on a busy machine it comes much sooner."""
DEADLINE_S = 3.0
"""Nothing here may take longer beside the silence; one that does hangs."""

_QUESTION = {"role": "user", "content": "What is the capital of France?"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client made of a fault."""

    text: str
    error: str | None
    """The name of the exception; None when it called the answer whole."""
    hung: bool = False

    def noticed(self, fault: Fault) -> bool:
        """It told what was the matter; or, where nothing was, gave the whole answer."""
        if self.hung:
            return False
        if fault.error is None:
            return self.error is None and self.text == fault.kept
        return self.error is not None

    def words(self, fault: Fault) -> str:
        if self.hung:
            return "hangs"
        if self.noticed(fault):
            return "whole" if self.error is None else self.error
        if self.error:
            return f"MISSES IT: {self.error}"
        return "TAKES IT FOR WHOLE" if fault.error else "LOSES WORDS"


def patience(fault: Fault) -> ChatSettings:
    """Short where silence is the fault, and long before that: on a machine that stands still for a
    second, what is merely late is not taken for silence."""
    silent = fault.error is TierTimeout
    return chat_settings(
        first_s=SILENCE_S if silent and not fault.kept else PATIENT_S,
        between_s=SILENCE_S if silent else PATIENT_S,
    )


def chat_settings(first_s: float, between_s: float) -> ChatSettings:
    return ChatSettings(
        connect_timeout_s=PATIENT_S,
        first_token_timeout_s=first_s,
        between_tokens_timeout_s=between_s,
        retries=0,
    )


async def ours(server: FaultServer, settings: ChatSettings) -> Outcome:
    client = ChatClient(settings)
    try:
        return await ask(client, server.tier(model="m"))
    finally:
        await client.close()


async def seen_by_ours(server: FaultServer, silence_s: float) -> Seen:
    outcome = await ours(server, chat_settings(silence_s, silence_s))
    return Seen(outcome.text, _name(outcome.error))


async def seen_by_openai(server: FaultServer, silence_s: float) -> Seen:
    async def words() -> AsyncIterator[str]:
        url = f"{server.base_url}/v1"
        async with AsyncOpenAI(
            api_key="x", base_url=url, timeout=silence_s, max_retries=0
        ) as client:
            stream = await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": _QUESTION["content"]}],
                stream=True,
            )
            async for chunk in stream:
                for choice in chunk.choices:
                    if not choice.index:
                        yield choice.delta.content or ""

    return await _seen(words, silence_s)


async def seen_by_httpx_sse(server: FaultServer, silence_s: float) -> Seen:
    async def words() -> AsyncIterator[str]:
        url = f"{server.base_url}/v1/chat/completions"
        body = {"model": "m", "messages": [_QUESTION], "stream": True}
        async with (
            httpx.AsyncClient(timeout=silence_s, trust_env=False) as client,
            aconnect_sse(client, "POST", url, json=body) as source,
        ):
            source.response.raise_for_status()
            async for event in source.aiter_sse():
                if event.data == "[DONE]":
                    return
                for choice in json.loads(event.data)["choices"]:
                    if not choice.get("index"):
                        yield choice["delta"].get("content") or ""

    return await _seen(words, silence_s)


async def _seen(words: Callable[[], AsyncIterator[str]], silence_s: float) -> Seen:
    pieces: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S + silence_s):
            async for piece in words():
                pieces.append(piece)  # noqa: PERF401  what came before an error counts
    except TimeoutError:
        return Seen("".join(pieces), None, hung=True)
    except Exception as error:  # whatever a peer raises, it noticed
        return Seen(_joined(pieces), type(error).__name__)
    return Seen(_joined(pieces), None)


def _joined(pieces: list[str]) -> str:
    return "".join(piece if isinstance(piece, str) else str(piece) for piece in pieces)


def _name(error: TierError | None) -> str | None:
    return type(error).__name__ if error else None
