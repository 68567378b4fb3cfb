"""Models that one server loads and unloads by itself: those of llama-swap and of llama-server's
router. Both classes are a `UnitControl`."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

import httpx

from strixdesk.backends import servers
from strixdesk.backends.http import bearer, body_of
from strixdesk.core.errors import BoxError, BoxUnreachable, CommandFailed
from strixdesk.core.tier import Tier

_LOAD_S = 900.0
"""A large model is read from the disk while the request waits."""
_ANSWER_S = 10.0
_UNLOAD_S = 30.0
_LOOK_S = 0.25
_BODY_LIMIT_BYTES = 2**20
_RUNNING = servers.ROUTER_LOADING | {"loaded", "sleeping"}


class LlamaSwapModel:
    """llama-swap loads a model with the first request for it, and takes it down when told to."""

    def __init__(self, tier: Tier, http: httpx.AsyncClient) -> None:
        self._model = _model_of(tier)
        self._server = _Server("llama-swap", tier, http)

    async def start(self) -> None:
        question = {
            "model": self._model,
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 1,
        }
        await self._server.post("/v1/chat/completions", question, _LOAD_S)

    async def stop(self) -> None:
        if await self.is_running() is not False:
            await self._server.post(f"/api/models/unload/{quote(self._model, safe='')}")

    async def is_running(self) -> bool | None:
        told = await self._server.get("/running")
        running = told.get("running") if isinstance(told, dict) else None
        if not isinstance(running, list):
            return None
        return any(isinstance(one, dict) and one.get("model") == self._model for one in running)


class RouterModel:
    """llama-server's router loads and unloads behind its answer: its list tells how far it is."""

    def __init__(self, tier: Tier, http: httpx.AsyncClient) -> None:
        self._tier = tier
        self._model = _model_of(tier)
        self._server = _Server("llama-server's router", tier, http)

    async def start(self) -> None:
        if await self._state() not in _RUNNING:
            await self._server.post("/models/load", {"model": self._model}, _LOAD_S)
        if await self._once_not_in(servers.ROUTER_LOADING, _LOAD_S) not in _RUNNING:
            raise CommandFailed(
                f"“{self._tier.title}” could not be loaded: its process ended.",
                "The router's log tells more.",
            )

    async def stop(self) -> None:
        if await self._state() in _RUNNING:
            await self._server.post("/models/unload", {"model": self._model})
            await self._once_not_in(_RUNNING, _UNLOAD_S)

    async def is_running(self) -> bool | None:
        state = await self._state()
        return state in _RUNNING if state else None

    async def _once_not_in(self, states: frozenset[str], within_s: float) -> str:
        """The state that follows those."""
        deadline = time.monotonic() + within_s
        while (state := await self._state()) in states:
            if time.monotonic() > deadline:
                raise BoxError(
                    f"“{self._tier.title}” is still {state} after {within_s:g} seconds.",
                    "The router's log tells more.",
                )
            await asyncio.sleep(_LOOK_S)
        return state

    async def _state(self) -> str:
        listed = servers.models_in(await self._server.get("/v1/models")) or ()
        entry = servers.choose_model(listed, self._model)
        if entry is None:
            raise BoxError(
                f"llama-server's router has no model “{self._model}”.",
                f"Correct the model of “{self._tier.title}”.",
            )
        return servers.router_state(entry)


class _Server:
    """Short requests to what holds the models, with its name in what goes wrong."""

    def __init__(self, name: str, tier: Tier, http: httpx.AsyncClient) -> None:
        self._name = name
        self._tier = tier
        self._root = tier.base_url.removesuffix("/v1").rstrip("/")
        self._http = http

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path, None, _ANSWER_S)

    async def post(self, path: str, body: Any = None, within_s: float = _ANSWER_S) -> Any:
        content = None if body is None else json.dumps(body).encode()
        return await self._ask("POST", path, content, within_s)

    async def _ask(self, method: str, path: str, content: bytes | None, within_s: float) -> Any:
        body = bytearray()
        try:
            request = self._http.build_request(
                method,
                f"{self._root}{path}",
                content=content,
                headers={"Content-Type": "application/json", **bearer(self._tier.api_key)},
                timeout=httpx.Timeout(None, connect=5.0),
            )
            async with asyncio.timeout(within_s):
                response = await self._http.send(request, stream=True)
                async with body_of(response) as pieces:
                    async for piece in pieces:
                        body += piece
                        if len(body) > _BODY_LIMIT_BYTES:
                            break
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            raise BoxUnreachable(
                f"{self._name} does not answer for “{self._tier.name}”.",
                "See whether it runs, and whether base_url in the settings is right.",
            ) from None
        if response.status_code >= 300:
            said = " ".join(body.decode("utf-8", "replace").split())[:200]
            raise CommandFailed(
                f"{self._name} refused (HTTP {response.status_code}): “{said.rstrip('.')}”.",
                "Its log tells more.",
                response.status_code,
            )
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None


def _model_of(tier: Tier) -> str:
    return (tier.control.unit if tier.control else "") or tier.model or ""
