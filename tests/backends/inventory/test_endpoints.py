"""Servers asked for their models: recorded answers where there are any, else documented ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.endpoints import Endpoint
from strixdesk.backends.inventory.source import Listed
from strixdesk.core.errors import TierError, TierRefused, TierUnreachable
from strixdesk.core.tier import Capability, ControlKind, TierState
from tests.support.llama import start_llama

WIRE = Path(__file__).parents[2] / "data" / "wire"

OLLAMA: Mapping[str, Any] = {
    "/api/tags": {
        "models": [
            {"name": "qwen2.5vl:7b", "model": "qwen2.5vl:7b", "digest": "a", "size": 1},
            {"name": "nomic-embed-text:latest", "digest": "b", "size": 1},
            {"name": "llama3.2:3b", "digest": "c", "size": 1},
        ]
    },
    "/api/ps": {"models": [{"name": "llama3.2:3b", "context_length": 8192}]},
    "/api/show": {"capabilities": ["completion", "vision", "tools"], "model_info": {}},
}
LM_STUDIO: Mapping[str, Any] = {
    "/api/v0/models": {
        "object": "list",
        "data": [
            {
                "id": "qwen2-vl-7b", "type": "vlm", "state": "not-loaded",
                "max_context_length": 32768,
            },
            {
                "id": "coder-14b", "type": "llm", "state": "loaded",
                "max_context_length": 32768, "loaded_context_length": 4096,
            },
            {"id": "nomic", "type": "embeddings", "state": "not-loaded"},
        ],
    }
}  # fmt: skip
LLAMA_SWAP: Mapping[str, Any] = {
    "/v1/models": {
        "object": "list",
        "data": [
            {"id": "coder", "object": "model", "owned_by": "llama-swap", "name": "Qwen Coder"},
            {"id": "small", "object": "model", "owned_by": "llama-swap"},
            {"id": "other", "object": "model", "owned_by": "llama-swap"},
        ],
    },
    "/running": {
        "running": [{"model": "coder", "state": "ready"}, {"model": "small", "state": "starting"}]
    },
}


def served(answers: Mapping[str, Any]) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path not in answers:
            return httpx.Response(404, json={"error": "not found"})
        return httpx.Response(200, json=answers[request.url.path])

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def models(kind: str, answers: Mapping[str, Any]) -> dict[str, Listed]:
    async with served(answers) as http:
        listing = await Endpoint("desk", kind, "http://desk:1/v1", http).read()
    assert not listing.own_servers
    return {one.tier.name: one for one in listing.models}


async def test_given_ollama_then_its_chat_models_are_tiers_with_what_they_can_do() -> None:
    found = await models("ollama", OLLAMA)
    assert list(found) == ["desk/qwen2.5vl:7b", "desk/llama3.2:3b"]
    seeing = found["desk/qwen2.5vl:7b"]
    assert seeing.capabilities == {Capability.VISION, Capability.TOOLS}
    assert seeing.tier.base_url == "http://desk:1/v1"
    assert found["desk/llama3.2:3b"].context_tokens == 8192


async def test_given_lm_studio_then_loaded_and_unloaded_models_are_told_apart() -> None:
    found = await models("lm-studio", LM_STUDIO)
    assert list(found) == ["desk/qwen2-vl-7b", "desk/coder-14b"]
    assert Capability.VISION in found["desk/qwen2-vl-7b"].capabilities
    assert [one.unloaded for one in found.values()] == [True, False]
    assert found["desk/qwen2-vl-7b"].detail == "It is loaded when it is asked."
    assert (found["desk/coder-14b"].detail, found["desk/coder-14b"].context_tokens) == ("", 4096)


async def test_given_llama_swap_then_each_model_tells_whether_it_runs() -> None:
    found = await models("llama-swap", LLAMA_SWAP)
    assert found["desk/coder"].tier.label == "Qwen Coder"
    assert [one.state for one in found.values()] == [
        TierState.READY, TierState.LOADING, TierState.READY,
    ]  # fmt: skip
    assert [one.unloaded for one in found.values()] == [False, False, True]
    assert found["desk/other"].detail == "It is loaded when it is asked."
    control = found["desk/coder"].tier.control
    assert control
    assert (control.kind, control.unit) == (ControlKind.LLAMA_SWAP, "coder")


async def test_given_llama_servers_own_router_then_its_list_tells_the_states() -> None:
    recorded = json.loads((WIRE / "llama-router-models.json").read_text())
    found = await models("llama-swap", {"/v1/models": recorded})
    gemma, smollm = found["desk/gemma3"], found["desk/smollm2"]
    assert (gemma.unloaded, gemma.detail) == (True, "It is loaded when it is asked.")
    assert (smollm.unloaded, smollm.detail) == (False, "")
    assert smollm.server == "llama.cpp"
    control = smollm.tier.control
    assert control
    assert (control.kind, control.unit) == (ControlKind.LLAMA_ROUTER, "smollm2")


async def test_given_a_router_that_loads_nothing_by_itself_then_an_unloaded_model_is_stopped() -> (
    None
):
    recorded = json.loads((WIRE / "llama-router-models.json").read_text())
    props = {"role": "router", "models_autoload": False}
    found = await models("llama-swap", {"/v1/models": recorded, "/props": props})
    assert found["desk/gemma3"].state is TierState.STOPPED
    assert found["desk/smollm2"].state is TierState.READY


async def test_given_litellms_proxy_then_models_prices_and_context_are_read() -> None:
    answers = {
        "/v1/models": json.loads((WIRE / "litellm-models.json").read_text()),
        "/v1/model/info": {
            "data": [
                {
                    "model_name": "gpt-4o-mini",
                    "litellm_params": {"model": "openai/gpt-4o-mini"},
                    "model_info": {
                        "mode": "chat", "max_input_tokens": 128000, "supports_vision": True,
                        "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
                    },
                },
                {"model_name": "dead", "model_info": {"mode": "embedding"}},
            ]
        },
    }  # fmt: skip
    found = await models("litellm", answers)
    assert list(found) == ["desk/gpt-4o-mini", "desk/orchestrator", "desk/reviewer"]
    mini = found["desk/gpt-4o-mini"]
    assert mini.tier.cloud
    assert mini.tier.price
    assert round(mini.tier.price.output, 3) == 0.6
    assert mini.context_tokens == 128000
    assert Capability.VISION in mini.capabilities
    assert not found["desk/reviewer"].tier.cloud


async def test_given_a_proxy_that_tells_nothing_of_its_models_then_the_list_suffices() -> None:
    recorded = json.loads((WIRE / "litellm-models.json").read_text())
    assert len(await models("litellm", {"/v1/models": recorded})) == 4


async def test_given_a_refusal_then_it_is_told() -> None:
    with pytest.raises(TierRefused):
        await models("ollama", {})


async def test_given_nobody_there_then_it_is_unreachable() -> None:
    async with make_http_client() as http:
        with pytest.raises(TierUnreachable):
            await Endpoint("desk", "ollama", "http://127.0.0.1:9", http).read()


async def test_given_something_else_than_the_kind_says_then_it_is_an_error() -> None:
    async with served({"/api/tags": "hello", "/api/ps": {}}) as http:
        listing = await Endpoint("desk", "ollama", "http://desk:1", http).read()
    assert listing.models == ()


@pytest.mark.engine
async def test_given_a_real_llama_server_then_it_is_listed_as_what_it_is() -> None:
    server = await asyncio.to_thread(start_llama, alias="utility")
    try:
        async with make_http_client() as http:
            listing = await Endpoint("real", "llama-swap", server.base_url, http).read()
            assert [one.tier.name for one in listing.models] == ["real/utility"]
            with pytest.raises(TierError):
                await Endpoint("real", "ollama", server.base_url, http).read()
    finally:
        await asyncio.to_thread(server.close)
