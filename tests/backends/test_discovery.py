from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx

from strixdesk.backends.discovery import PORTS, discover_local
from strixdesk.core.tier import Tier
from tests.support.fault_server import FaultServer, Hold, fault_server
from tests.support.fault_server import http as reply

RECORDED = Path(__file__).parent / "recorded"
LLAMA_MODELS = reply(200, (RECORDED / "llama/models.json").read_bytes())
VLLM_MODELS = reply(200, (RECORDED / "vllm/models.json").read_bytes())


def port_of(server: FaultServer) -> int:
    return int(server.base_url.rpartition(":")[2])


def llama_like(server: FaultServer) -> None:
    server.on("/v1/models", LLAMA_MODELS)
    server.on("/health", reply(200, b'{"status":"ok"}'))


async def discover(
    http: httpx.AsyncClient,
    *servers: FaultServer,
    known: Sequence[Tier] = (),
    patience_s: float = 30,
) -> list[Tier]:
    """Servers on a busy machine may take their time."""
    ports = map(port_of, servers)
    return await discover_local(
        known, http=http, ports=ports, connect_s=patience_s, answer_s=patience_s
    )


async def test_servers_are_found_by_what_they_answer(http: httpx.AsyncClient) -> None:
    async with fault_server() as llama, fault_server() as vllm:
        llama_like(llama)
        vllm.on("/v1/models", VLLM_MODELS)
        vllm.on("/health", reply(200))
        found = await discover(http, vllm, FaultServer("http://127.0.0.1:9"), llama)
    assert found == [
        Tier("vLLM", f"http://127.0.0.1:{port_of(vllm)}/v1"),
        Tier("llama-server", f"http://127.0.0.1:{port_of(llama)}/v1"),
    ]


async def test_a_server_that_still_loads_is_found(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/v1/models", reply(503, b'{"error":{"message":"Loading model"}}'))
    found = await discover(http, faults)
    assert [tier.name for tier in found] == ["llama-server"]


async def test_other_programs_on_the_port_are_not_taken_for_one(http: httpx.AsyncClient) -> None:
    async with fault_server() as web, fault_server() as api, fault_server() as mute:
        web.on("/v1/models", reply(200, b"<html>", "text/html"))
        api.on("/v1/models", reply(200, b'{"data":"some other api"}'))
        mute.on("/v1/models", [Hold()])
        assert await discover(http, web, api) == []
        assert await discover(http, mute, patience_s=0.5) == []


async def test_a_server_that_wants_a_key_is_left_out(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/v1/models", reply(401, (RECORDED / "llama/wrong_key.json").read_bytes()))
    assert await discover(http, faults) == []


async def test_a_tier_that_is_known_is_not_asked(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    llama_like(faults)
    known = Tier("mine", f"http://localhost:{port_of(faults)}/v1")
    assert await discover(http, faults, known=[known]) == []
    assert faults.requests == []


async def test_a_name_is_never_given_twice(http: httpx.AsyncClient) -> None:
    async with fault_server() as one, fault_server() as two:
        llama_like(one)
        llama_like(two)
        ports = [port_of(one), port_of(two)]
        taken = Tier("LLAMA-server", "http://10.0.0.1:1/v1")
        found = await discover(http, one, two, known=[taken])
    assert [tier.name for tier in found] == [f"llama-server ({port})" for port in ports]


def test_the_usual_places_are_looked_at() -> None:
    assert {11434, 1234, 8080, 8000, 8001, 8002, 8011, 8012} == set(PORTS)
