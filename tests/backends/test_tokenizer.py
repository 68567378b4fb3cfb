"""Counting with the servers' own tokenizers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.tokenizer import Tokenizer, counted, question_for
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.token_count import TokenCounter
from tests.support.fault_server import FaultServer, Hold, Script
from tests.support.fault_server import http as reply
from tests.support.llama import LlamaServer

RECORDED = Path(__file__).parent / "recorded"
LLAMA = TierStatus(TierState.READY, 0.0, server="llama.cpp", model="smollm2")
VLLM = replace(LLAMA, server="vllm")


@pytest.fixture
def tokenizer(http: httpx.AsyncClient) -> Tokenizer:
    return Tokenizer(http, timeout_s=30.0)


# ---- a real server ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"), [("Hello world", 2), ("", 0), ("Hello world " * 500, 1001)]
)
async def test_llama_server_counts_with_its_own_tokenizer(
    tokenizer: Tokenizer, llama: LlamaServer, text: str, tokens: int
) -> None:
    assert await tokenizer.count(llama.tier(), LLAMA, text) == tokens


async def test_half_an_emoji_does_no_harm(tokenizer: Tokenizer, llama: LlamaServer) -> None:
    assert await tokenizer.count(llama.tier(), LLAMA, "\ud83d oh") != 0


async def test_a_text_is_asked_for_once_and_then_remembered(
    http: httpx.AsyncClient, llama: LlamaServer
) -> None:
    text = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"
    counter = TokenCounter(Tokenizer(http, timeout_s=30.0))
    estimated = counter.counts_of(llama.tier(), LLAMA)(text)
    await counter.learn(llama.tier(), LLAMA, [text, text], within_s=30.0)
    exact = counter.counts_of(llama.tier(), LLAMA)(text)
    assert exact != estimated
    gone = replace(llama.tier(), base_url="http://127.0.0.1:9/v1")
    assert counter.counts_of(gone, LLAMA)(text) == exact, "the same model, not asked again"
    assert counter.counts_of(gone, replace(LLAMA, model="other"))(text) == estimated
    assert counter.count_by_any(text) == exact, "good enough before it is known who answers"


# ---- recorded answers and faults ----------------------------------------------------------------


@pytest.mark.parametrize(("name", "tokens"), [("tokenize", 2), ("tokenize_chat", 31)])
async def test_vllm_tells_the_count(
    tokenizer: Tokenizer, faults: FaultServer, name: str, tokens: int
) -> None:
    faults.on("/tokenize", reply(200, (RECORDED / f"vllm/{name}.json").read_bytes()))
    tier = Tier("vllm", faults.base_url)
    assert await tokenizer.count(tier, VLLM, "Hello world") == tokens


def test_each_server_is_asked_in_its_own_words() -> None:
    tier = Tier("one", "http://box/v1")
    assert question_for(tier, VLLM, "a") == {
        "model": "smollm2",
        "prompt": "a",
        "add_special_tokens": False,
    }
    assert question_for(replace(tier, model="big"), LLAMA, "a") == {
        "model": "big",
        "content": "a",
        "add_special": False,
    }


async def test_a_router_is_not_made_to_load_a_model_to_count(
    tokenizer: Tokenizer, faults: FaultServer
) -> None:
    tier = Tier("llama", faults.base_url, model="beta")
    assert await tokenizer.count(tier, LLAMA, "Hello world") is None
    assert [request.path for request in faults.requests] == ["/tokenize?autoload=false"]


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, b'{"detail":"Not Found"}'),
        reply(401, b'{"error":{"message":"Invalid API Key"}}'),
        reply(200, b"<html></html>"),
        reply(200, b"[1, 2]"),
        reply(200, b'{"count": true}'),
        (Hold(),),
    ],
    ids=["no route", "no key", "html", "list", "bool", "silence"],
)
async def test_a_server_that_does_not_tell_leaves_the_estimate(
    http: httpx.AsyncClient, faults: FaultServer, answer: Script
) -> None:
    faults.on("/tokenize", answer)
    counter = TokenCounter(Tokenizer(http, timeout_s=0.2))
    tier = Tier("vllm", faults.base_url)
    text = "a text that is long enough to be asked for"
    before = counter.counts_of(tier, VLLM)(text)
    await counter.learn(tier, VLLM, [text], within_s=0.4)
    assert counter.counts_of(tier, VLLM)(text) == before


async def test_counting_never_takes_longer_than_it_may(
    http: httpx.AsyncClient, faults: FaultServer
) -> None:
    faults.on("/tokenize", (Hold(),))
    counter = TokenCounter(Tokenizer(http, timeout_s=60.0))
    texts = [f"a text that is long enough to be asked for, {number}" for number in range(20)]
    async with asyncio.timeout(30):  # half of what the server is waited for
        await counter.learn(Tier("vllm", faults.base_url), VLLM, texts, within_s=0.1)


async def test_servers_without_a_tokenizer_are_not_asked(
    tokenizer: Tokenizer, faults: FaultServer
) -> None:
    tier = Tier("ollama", faults.base_url)
    assert await tokenizer.count(tier, replace(LLAMA, server="ollama"), "Hello") is None
    assert faults.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, json.dumps({"count": -1}).encode()])
def test_no_count_comes_of_nonsense(body: bytes) -> None:
    assert counted(body) is None
