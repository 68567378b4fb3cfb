"""Model servers that are asked for their models: Ollama, llama-swap, LM Studio, LiteLLM.

Sources: their documented interfaces (Ollama `docs/api.md`, llama-swap's README, LM Studio's REST
API v0, LiteLLM's `/v1/model/info`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from strixdesk.backends import servers
from strixdesk.backends.inventory.source import Listed, Listing, tier_name
from strixdesk.backends.model_names import guessed_capabilities
from strixdesk.backends.probe import Probe
from strixdesk.core.labels import readable
from strixdesk.core.tier import Capability, Control, ControlKind, Price, Tier, TierState

LLAMA_SWAP = "llama-swap"
LITELLM = "litellm"
_LOADS = "It is loading."
_WAITS = "Its server loads it only when it is told to: start it."
_AT_ONCE = 4
"""Ollama is asked about this many models at a time."""

Json = Mapping[str, Any]


class Endpoint:
    """A `Source`: one server with many models."""

    def __init__(
        self,
        name: str,
        kind: str,
        url: str,
        http: httpx.AsyncClient,
        *,
        api_key: str | None = None,
        key_name: str | None = None,
        cloud: bool = False,
    ) -> None:
        """`url`: of the server, with or without `/v1`."""
        self.name = name
        self._kind = kind
        self._root = url.rstrip("/").removesuffix("/v1")
        self._probe = Probe(http)
        self._as_tier = Tier(
            name=name,
            base_url=f"{self._root}/v1",
            api_key=api_key,
            key_name=key_name,
            cloud=cloud,
        )
        self._shown: dict[str, Any] = {}
        """What Ollama told of a model, by its digest: it never changes."""

    async def read(self) -> Listing:
        """Raises TierError."""
        match self._kind:
            case "ollama":
                return Listing(await self._ollama())
            case "lm-studio":
                return Listing(await self._lm_studio())
            case "llama-swap":
                return Listing(await self._llama_swap())
            case _:
                return Listing(await self._litellm())

    async def _ollama(self) -> tuple[Listed, ...]:
        tags, running = await asyncio.gather(self._get("/api/tags"), self._get("/api/ps", {}))
        models = [
            one
            for one in _objects(tags, "models")
            if "embed" not in str(one.get("name", "")) and one.get("name")
        ]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def listed(one: Json) -> Listed:
            model = str(one["name"])
            key = f"{model} {one.get('digest', '')}"
            if key not in self._shown:
                async with gate:
                    self._shown[key] = await self._post("/api/show", {"model": model})
            served = servers.from_ollama(model, self._shown[key], running)
            return self._listed(model, served.capabilities, served.context_tokens, servers.OLLAMA)

        return tuple(await asyncio.gather(*map(listed, models)))

    async def _lm_studio(self) -> tuple[Listed, ...]:
        models = servers.models_in(await self._get("/api/v0/models")) or ()
        served = [
            (one, servers.from_lm_studio(one, str(one["id"])))
            for one in models
            if one.get("type") in {"llm", "vlm"}
        ]
        return tuple(
            self._listed(
                str(one["id"]),
                what.capabilities,
                what.context_tokens or servers.positive(one.get("max_context_length")),
                servers.LM_STUDIO,
                detail=what.detail,
                unloaded=what.unloaded,
            )
            for one, what in served
        )

    async def _llama_swap(self) -> tuple[Listed, ...]:
        listing, running = await asyncio.gather(self._get("/v1/models"), self._get("/running", {}))
        states = {
            str(one.get("model")): str(one.get("state", "")) for one in _objects(running, "running")
        }
        models = servers.models_in(listing) or ()
        if any(map(servers.router_state, models)):
            props = await self._get("/props", {})
            return tuple(self._routed(one, props) for one in models)
        return tuple(self._swapped(one, states.get(str(one["id"]), "")) for one in models)

    def _swapped(self, entry: Json, state: str) -> Listed:
        model, told = str(entry["id"]), entry.get("name")
        return self._listed(
            model,
            guessed_capabilities(model),
            None,
            LLAMA_SWAP,
            state=TierState.LOADING if state == "starting" else TierState.READY,
            detail={"ready": "", "starting": _LOADS}.get(state, servers.ON_DEMAND),
            unloaded=state not in {"ready", "starting"},
            label=str(told) if told else "",
            control=Control(ControlKind.LLAMA_SWAP, unit=model),
        )

    def _routed(self, entry: Json, props: Any) -> Listed:
        """Of llama-server's router, which swaps models too: it tells the state in the list."""
        model, state = str(entry["id"]), TierState.READY
        what = servers.from_router(entry, model)
        detail, unloaded = what.detail, what.unloaded
        if servers.router_state(entry) in servers.ROUTER_LOADING:
            state, detail, unloaded = TierState.LOADING, _LOADS, False
        elif unloaded and not servers.loads_on_demand(props):
            state, detail, unloaded = TierState.STOPPED, _WAITS, False
        return self._listed(
            model,
            what.capabilities,
            what.context_tokens,
            servers.LLAMA,
            state=state,
            detail=detail,
            unloaded=unloaded,
            control=Control(ControlKind.LLAMA_ROUTER, unit=model),
        )

    async def _litellm(self) -> tuple[Listed, ...]:
        listing = servers.models_in(await self._get("/v1/models")) or ()
        info = _first_by_name(_objects(await self._get("/v1/model/info", {}), "data"))
        return tuple(
            self._proxied(str(one["id"]), info.get(str(one["id"]), {}))
            for one in listing
            if "*" not in str(one["id"])
            and _table(info.get(str(one["id"]), {}), "model_info").get("mode")
            in {None, "chat", "completion", "responses"}
        )

    def _proxied(self, model: str, entry: Json) -> Listed:
        info, params = _table(entry, "model_info"), _table(entry, "litellm_params")
        behind = f"{model} {params.get('model', '')}"
        capabilities = guessed_capabilities(behind)
        for key, capability in (
            ("supports_vision", Capability.VISION),
            ("supports_function_calling", Capability.TOOLS),
            ("supports_reasoning", Capability.THINKING),
        ):
            if info.get(key) is not None:
                capabilities -= {capability}
                capabilities |= {capability} if info[key] else set()
        costs = [info.get("input_cost_per_token"), info.get("output_cost_per_token")]
        per_million = [
            float(cost) * 1e6 if isinstance(cost, int | float) else 0.0 for cost in costs
        ]
        return self._listed(
            model,
            capabilities,
            servers.positive(info.get("max_input_tokens")),
            LITELLM,
            price=Price(*per_million) if any(per_million) else None,
        )

    def _listed(
        self,
        model: str,
        capabilities: frozenset[Capability],
        context_tokens: int | None,
        server: str,
        *,
        state: TierState = TierState.READY,
        detail: str = "",
        unloaded: bool = False,
        label: str = "",
        control: Control | None = None,
        price: Price | None = None,
    ) -> Listed:
        shared = self._as_tier
        tier = Tier(
            name=tier_name(self.name, model),
            base_url=shared.base_url,
            role=model,
            model=model,
            api_key=shared.api_key,
            key_name=shared.key_name,
            label=label or readable(model),
            cloud=shared.cloud or price is not None,
            price=price,
            control=control,
        )
        return Listed(tier, state, detail, capabilities, context_tokens, server, unloaded)

    async def _get(self, path: str, otherwise: Any = None) -> Any:
        """The parsed answer. `otherwise` stands for any that is no success; without it, raises."""
        return await self._probe.json(self._as_tier, "GET", f"{self._root}{path}", None, otherwise)

    async def _post(self, path: str, body: Json) -> Any:
        content = json.dumps(body).encode()
        return await self._probe.json(self._as_tier, "POST", f"{self._root}{path}", content, {})


def _objects(body: Any, key: str) -> Sequence[Json]:
    value = body.get(key) if isinstance(body, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _table(parent: Json, key: str) -> Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _first_by_name(entries: Sequence[Json]) -> dict[str, Json]:
    named: dict[str, Json] = {}
    for entry in entries:
        named.setdefault(str(entry.get("model_name")), entry)
    return named
