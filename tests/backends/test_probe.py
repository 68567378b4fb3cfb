from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from strixdesk.backends.probe import Probe
from strixdesk.backends.servers import Served
from strixdesk.core.errors import (
    TierError,
    TierLoading,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.tier import Capability, Tier
from tests.support.fault_server import FaultServer, Hold, Script
from tests.support.fault_server import http as reply
from tests.support.llama import LlamaServer

RECORDED = Path(__file__).parent / "recorded"
LOADING = b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}'


def recorded(name: str) -> Script:
    return reply(200, (RECORDED / name).read_bytes())


@pytest.fixture
def probe(http: httpx.AsyncClient) -> Probe:
    return Probe(http, connect_timeout_s=30, timeout_s=30)


def serve(faults: FaultServer, answers: dict[str, Script]) -> None:
    for path, script in answers.items():
        faults.on(path, script)


OLLAMA_MODELS = reply(200, b'{"data":[{"id":"qwen2.5vl:7b","owned_by":"library"}]}')
OLLAMA = {
    "/v1/models": OLLAMA_MODELS,
    "/api/tags": reply(200, b'{"models":[{"name":"qwen2.5vl:7b"}]}'),
    "/api/show": reply(200, b'{"capabilities":["completion","vision","tools"]}'),
    "/api/ps": reply(200, b'{"models":[{"name":"qwen2.5vl:7b","context_length":4096}]}'),
}
STUDIO_LIST = b"""{"data":[
  {"id":"text-embedding-nomic","type":"embeddings","state":"loaded","max_context_length":2048},
  {"id":"big","type":"llm","state":"not-loaded","max_context_length":131072},
  {"id":"qwen2-vl-7b","type":"vlm","state":"loaded","loaded_context_length":8192,
   "max_context_length":32768,"capabilities":["tool_use"]}]}"""
LM_STUDIO = {
    "/v1/models": reply(200, b'{"data":[{"id":"big"},{"id":"qwen2-vl-7b"}]}'),
    "/api/v0/models": reply(200, STUDIO_LIST),
    "/api/tags": reply(200, b'{"error":"Unexpected endpoint or method. (GET /api/tags)"}'),
}
VISION = frozenset({Capability.VISION})

ROUTER = {
    "/v1/models": recorded("llama/router_loaded.json"),
    "/health": reply(200, b'{"status":"ok"}'),
    "/props": recorded("llama/router_props.json"),
}

SERVERS: list[tuple[str, dict[str, Script], Served]] = [
    (
        "llama.cpp",
        {
            "/v1/models": recorded("llama/models.json"),
            "/health": reply(200, b'{"status":"ok"}'),
            "/props": recorded("llama/props.json"),
        },
        Served("reviewer", frozenset(), 1024, "llama.cpp"),
    ),
    (
        "llama.cpp that sees",
        {
            "/v1/models": recorded("llama/vision_models.json"),
            "/health": reply(200, b'{"status":"ok"}'),
            "/props": recorded("llama/vision_props.json"),
        },
        Served("vision", VISION, 1024, "llama.cpp"),
    ),
    (
        "llama.cpp with many models",
        {
            "/v1/models": recorded("llama/router_models.json"),
            "/health": reply(200, b'{"status":"ok"}'),
            "/props": recorded("llama/router_props.json"),
        },
        Served("gemma3", frozenset(), None, "llama.cpp"),
    ),
    (
        "llama.cpp with many models, one of them loaded",
        ROUTER,
        Served("alpha", frozenset(), 2048, "llama.cpp"),
    ),
    (
        "vLLM",
        {"/v1/models": recorded("vllm/models.json"), "/health": reply(200)},
        Served("orchestrator", frozenset(), 1024, "vllm"),
    ),
    (
        "Ollama",
        OLLAMA,
        Served("qwen2.5vl:7b", VISION | {Capability.TOOLS}, 4096, "ollama"),
    ),
    (
        "LM Studio",
        LM_STUDIO,
        Served("qwen2-vl-7b", VISION | {Capability.TOOLS}, 8192, "lm studio"),
    ),
    (
        "LiteLLM",
        {"/v1/models": recorded("litellm/models.json")},
        Served("gpt-4o-mini", frozenset(), None, ""),
    ),
]


@pytest.mark.parametrize(("name", "answers", "served"), SERVERS, ids=[one[0] for one in SERVERS])
async def test_each_server_is_known_by_its_answers(
    name: str, answers: dict[str, Script], served: Served, faults: FaultServer, probe: Probe
) -> None:
    serve(faults, answers)
    told = await probe.ask(faults.tier())
    assert told.latency_ms is not None
    assert told.latency_ms > 0
    assert (told.model, told.capabilities, told.context_tokens, told.server) == (
        served.model,
        served.capabilities,
        served.context_tokens,
        served.server,
    )


async def test_litellms_costly_health_is_never_asked(faults: FaultServer, probe: Probe) -> None:
    serve(faults, SERVERS[-1][1])
    await probe.ask(faults.tier())
    assert faults.asked("/health") == []


async def test_what_a_server_is_known_not_to_be_is_not_asked_again(
    faults: FaultServer, probe: Probe
) -> None:
    serve(faults, SERVERS[-1][1])
    await probe.ask(faults.tier())
    faults.requests.clear()
    await probe.ask(faults.tier(), known_as="")
    assert [request.path for request in faults.requests] == ["/v1/models"]


async def test_the_key_goes_with_every_request(faults: FaultServer, probe: Probe) -> None:
    serve(faults, OLLAMA)
    await probe.ask(faults.tier(api_key="k-1"))
    assert {one.headers.get("authorization") for one in faults.requests} == {"Bearer k-1"}


TROUBLES: list[tuple[str, dict[str, Script], type[TierError], str]] = [
    ("loading", {"/v1/models": reply(503, LOADING)}, TierLoading, "loading its model"),
    ("key", {"/v1/models": reply(401, b"{}")}, TierRefused, "wants an API key"),
    ("web", {"/v1/models": reply(200, b"<html>", "text/html")}, TierRefused, "web page"),
    ("JSON", {"/v1/models": reply(200, b'{"a":1}')}, TierRefused, "no chat answer"),
    ("path", {}, TierRefused, "nothing at the address"),
    ("dead", {"/v1/models": reply(500, b"oops")}, TierRefused, "oops"),
    ("no HTTP", {"/v1/models": [b"SSH-2.0\r\n"]}, TierUnreachable, "hangs up"),
    (
        "vLLM whose engine died",
        {"/v1/models": recorded("vllm/models.json"), "/health": reply(503)},
        TierRefused,
        "its engine has stopped",
    ),
    (
        "vLLM asleep",
        {
            "/v1/models": recorded("vllm/models.json"),
            "/health": reply(200),
            "/is_sleeping": recorded("vllm/is_sleeping.json"),
        },
        TierRefused,
        "asleep",
    ),
    (
        "llama.cpp's router, loading",
        {**ROUTER, "/v1/models": recorded("llama/router_loading.json")},
        TierLoading,
        "still loading",
    ),
    ("empty", {"/v1/models": reply(200, b'{"data":[]}'), **{
        "/api/tags": reply(200, b'{"models":[]}')}}, TierRefused, "no model to chat with"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answers", "error", "says"), TROUBLES, ids=[one[0] for one in TROUBLES]
)
async def test_what_stands_against_asking_is_told(
    name: str,
    answers: dict[str, Script],
    error: type[TierError],
    says: str,
    faults: FaultServer,
    probe: Probe,
) -> None:
    serve(faults, answers)
    with pytest.raises(error, match=says) as caught:
        await probe.ask(faults.tier())
    assert caught.value.advice


async def test_a_server_that_says_nothing_is_given_up(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/v1/models", [Hold()])
    impatient = Probe(http, connect_timeout_s=30, timeout_s=0.5)
    with pytest.raises(TierTimeout, match=r"no sign of life for 0\.5 seconds") as caught:
        await impatient.ask(faults.tier())
    assert caught.value.advice


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("beta", "It is loaded when it is asked."),
        ("broken", "It ended with exit status 1, and is loaded again when it is asked."),
    ],
)
async def test_a_model_that_is_not_in_memory_is_told_and_not_asked_itself(
    model: str, says: str, faults: FaultServer, probe: Probe
) -> None:
    serve(faults, ROUTER)
    served = await probe.ask(faults.tier(model=model))
    assert (served.unloaded, served.detail) == (True, says)
    assert sorted(one.path for one in faults.requests) == ["/health", "/props", "/v1/models"]


async def test_given_a_router_that_loads_nothing_by_itself_then_that_stands_against_asking(
    faults: FaultServer, probe: Probe
) -> None:
    serve(faults, {**ROUTER, "/props": reply(200, b'{"role":"router","models_autoload":false}')})
    assert not (await probe.ask(faults.tier(model="alpha"))).unloaded
    with pytest.raises(TierRefused, match="only when it is told to"):
        await probe.ask(faults.tier(model="beta"))


async def test_a_configured_model_that_is_not_there_is_told_with_what_is(
    faults: FaultServer, probe: Probe
) -> None:
    serve(faults, SERVERS[4][1])
    with pytest.raises(TierRefused, match=r"“nope”; it has: orchestrator\."):
        await probe.ask(faults.tier(model="nope"))


async def test_a_server_without_a_list_will_do_when_the_model_is_configured(
    faults: FaultServer, probe: Probe
) -> None:
    assert (await probe.ask(faults.tier(model="mine"))).model == "mine"


async def test_nothing_listens(probe: Probe) -> None:
    with pytest.raises(TierUnreachable, match="nothing listens there"):
        await probe.ask(Tier("box", "http://127.0.0.1:9/v1"))


@pytest.mark.engine
async def test_a_real_llama_server_tells_model_and_context(
    llama: LlamaServer, probe: Probe
) -> None:
    told = await probe.ask(llama.tier())
    assert (told.model, told.context_tokens, told.server) == ("smollm2", 512, "llama.cpp")
    assert Capability.VISION not in told.capabilities


@pytest.mark.engine
async def test_a_real_llama_server_with_eyes_tells_that_it_sees(
    seeing_llama: LlamaServer, probe: Probe
) -> None:
    assert Capability.VISION in (await probe.ask(seeing_llama.tier())).capabilities
