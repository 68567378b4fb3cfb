"""Finds model servers that already run on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import httpx

from strixdesk.backends import servers
from strixdesk.backends.http import place_of
from strixdesk.backends.probe import Probe
from strixdesk.core.errors import TierError, TierLoading
from strixdesk.core.tier import Tier

PORTS: tuple[int, ...] = (11434, 1234, 8080, 8000, 8001, 8002, 8011, 8012)
"""Ollama, LM Studio, llama-server, vLLM, and where the Strix Halo stack puts its four tiers."""

_NAMES = {
    servers.OLLAMA: "Ollama",
    servers.LM_STUDIO: "LM Studio",
    servers.LLAMA: "llama-server",
    servers.VLLM: "vLLM",
}
CONNECT_S = 0.3
ANSWER_S = 1.5


async def discover_local(
    exclude: Sequence[Tier] = (),
    *,
    http: httpx.AsyncClient,
    ports: Iterable[int] = PORTS,
    host: str = "127.0.0.1",
    connect_s: float = CONNECT_S,
    answer_s: float = ANSWER_S,
) -> list[Tier]:
    """Servers that are not among `exclude` yet, in the order of the ports; all asked at once.

    A server counts by the shape of its answers, not by its port: many other programs listen on
    8080 and 8000. One that wants an API key is left out, since nothing could be asked of it.
    """
    taken = {_same_machine(place_of(tier.base_url)) for tier in exclude}
    probe = Probe(http, connect_timeout_s=connect_s, timeout_s=answer_s)
    free = [port for port in ports if f"{host}:{port}" not in taken]
    found = await asyncio.gather(*(_look(probe, host, port) for port in free))
    names = {tier.name.casefold() for tier in exclude}
    tiers: list[Tier] = []
    for port, kind in zip(free, found, strict=True):
        if kind is None:
            continue
        name = _NAMES.get(kind, "Local server")
        if name.casefold() in names:
            name = f"{name} ({port})"
        names.add(name.casefold())
        tiers.append(Tier(name=name, base_url=f"http://{host}:{port}/v1"))
    return tiers


async def _look(probe: Probe, host: str, port: int) -> str | None:
    """What kind of server is there, empty for one of no known kind; None: none to be asked."""
    suspect = Tier(name=f"{host}:{port}", base_url=f"http://{host}:{port}/v1")
    try:
        served = await probe.ask(suspect)
    except TierLoading:
        return servers.LLAMA  # the one server that says so while it loads
    except TierError:
        return None
    return served.server if served.server or served.model else None


def _same_machine(place: str) -> str:
    for name in ("localhost:", "[::1]:", "0.0.0.0:"):
        if place.startswith(name):
            return f"127.0.0.1:{place.removeprefix(name)}"
    return place
