"""Asks a server what it is, whether it is ready, and what it serves."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx

from strixdesk.backends import servers, tier_errors
from strixdesk.backends.http import bearer, body_of, is_askable
from strixdesk.backends.keychain import Keychain
from strixdesk.backends.server_words import looks_like_html
from strixdesk.backends.servers import Served
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier

CONNECT_TIMEOUT_S = 2.0
"""Where nothing answers for so long, nothing is."""
_BODY_LIMIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: httpx.Headers
    body: bytes
    took_ms: float

    @property
    def json(self) -> Any:
        """The parsed body; None when it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Probe:
    """Learns about a tier from the requests that its kind of server documents.

    LiteLLM's `/health` calls every model behind it, so `/health` is asked only of servers that
    are known to answer it cheaply; vLLM's list of models outlives its engine, so there `/health`
    is what counts.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        keychain: Keychain | None = None,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        timeout_s: float = 5.0,
    ) -> None:
        self._http = http
        self._keychain = keychain or Keychain()
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s

    async def ask(self, tier: Tier, known_as: str | None = None) -> Served:
        """What a tier that can be asked now serves. Raises TierError for one that cannot.

        `known_as` is the `server` that it was told to be before: what is known not to be there is
        not asked for again. None: it was never asked.
        """
        tier = await self._keychain.keyed(tier)
        root = tier.base_url.removesuffix("/v1").removesuffix("/")
        listing = await self._get(tier, f"{tier.base_url}/models")
        models = servers.models_in(listing.json)
        if listing.status != 200 or models is None:
            return self._unlisted(tier, listing)
        kind = servers.kind_of(listing.headers.get("server", ""), models)
        if kind == servers.LLAMA:
            served = await self._llama(tier, root, models)
        elif kind == servers.VLLM:
            served = await self._vllm(tier, root, models)
        else:
            served = await self._other(tier, root, models, known_as)
        return replace(served, latency_ms=listing.took_ms)

    async def json(
        self, tier: Tier, method: str, url: str, content: bytes | None, otherwise: Any = None
    ) -> Any:
        """The parsed answer. `otherwise` stands for one that is no success; without it that
        raises TierError, as no answer at all does."""
        reply = await self._request(tier, method, url, content)
        if reply.status == 200 and reply.json is not None:
            return reply.json
        if otherwise is not None:
            return otherwise
        if reply.status != 200:
            raise tier_errors.refused(tier, reply.status, reply.body, reply.headers)
        raise tier_errors.not_an_answer(tier)

    def _unlisted(self, tier: Tier, listing: _Reply) -> Served:
        if listing.status in {404, 405, 501} and tier.model:
            return Served(tier.model)  # a server without a list; the model's name is configured
        if listing.status != 200:
            raise tier_errors.refused(tier, listing.status, listing.body, listing.headers)
        if looks_like_html(listing.body):
            raise tier_errors.web_page(tier, 200)
        raise tier_errors.not_an_answer(tier)

    async def _llama(self, tier: Tier, root: str, models: tuple[servers.Json, ...]) -> Served:
        health, props = await asyncio.gather(
            self._get(tier, f"{root}/health"), self._get(tier, f"{root}/props")
        )
        self._demand_health(tier, health)
        # A single llama-server answers whatever model is asked for; only a router chooses.
        is_router = isinstance(props.json, dict) and props.json.get("role") == "router"
        if is_router:
            entry = self._entry(tier, models)
            if entry and servers.router_state(entry) in servers.ROUTER_LOADING:
                raise tier_errors.loading(tier)
            served = servers.from_router(entry, tier.model)
            if served.unloaded and not servers.loads_on_demand(props.json):
                raise tier_errors.not_loaded(tier)
            return served
        entry = servers.choose_model(models, None)
        return servers.from_llama(entry, tier.model, props.json if props.status == 200 else None)

    async def _vllm(self, tier: Tier, root: str, models: tuple[servers.Json, ...]) -> Served:
        health, sleeping = await asyncio.gather(
            self._get(tier, f"{root}/health"), self._get(tier, f"{root}/is_sleeping")
        )
        self._demand_health(tier, health)
        if isinstance(sleeping.json, dict) and sleeping.json.get("is_sleeping") is True:
            raise tier_errors.asleep(tier)
        return servers.from_list(self._entry(tier, models), tier.model, servers.VLLM)

    async def _other(
        self, tier: Tier, root: str, models: tuple[servers.Json, ...], known_as: str | None
    ) -> Served:
        if known_as in {None, servers.LM_STUDIO}:
            studio = (await self._get(tier, f"{root}/api/v0/models")).json
            if servers.is_lm_studio_list(studio):
                listed = servers.models_in(studio) or ()
                return servers.from_lm_studio(self._entry(tier, listed), tier.model)
        if known_as in {None, servers.OLLAMA}:
            tags = (await self._get(tier, f"{root}/api/tags")).json
            if servers.is_ollama_tags(tags):
                return await self._ollama(tier, root, models)
        return servers.from_list(servers.choose_model(models, tier.model), tier.model)

    async def _ollama(self, tier: Tier, root: str, models: tuple[servers.Json, ...]) -> Served:
        entry = self._entry(tier, models)
        model = str(entry["id"]) if entry else tier.model
        show, running = await asyncio.gather(
            self._request(tier, "POST", f"{root}/api/show", json.dumps({"model": model}).encode()),
            self._get(tier, f"{root}/api/ps"),
        )
        return servers.from_ollama(model, show.json, running.json)

    def _entry(self, tier: Tier, models: tuple[servers.Json, ...]) -> servers.Json | None:
        entry = servers.choose_model(models, tier.model)
        if entry is None:
            raise tier_errors.lacks_model(tier, tuple(str(one["id"]) for one in models))
        return entry

    def _demand_health(self, tier: Tier, health: _Reply) -> None:
        if health.status >= 500:
            raise tier_errors.unwell(tier, health.status, health.body)

    async def _get(self, tier: Tier, url: str) -> _Reply:
        return await self._request(tier, "GET", url)

    async def _request(
        self, tier: Tier, method: str, url: str, content: bytes | None = None
    ) -> _Reply:
        if not is_askable(url):
            raise tier_errors.unusable(tier)
        began = time.perf_counter()
        body = bytearray()
        try:
            request = self._http.build_request(
                method,
                url,
                content=content,
                headers=bearer(tier.api_key),
                timeout=httpx.Timeout(None, connect=self._connect_timeout_s),
            )
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.send(request, stream=True)
                async with body_of(response) as pieces:
                    async for piece in pieces:
                        body += piece
                        if len(body) > _BODY_LIMIT_BYTES:
                            break
        except TimeoutError:
            raise tier_errors.no_sign_of_life(tier, self._timeout_s) from None
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
            UnicodeError,
        ):
            raise tier_errors.unusable(tier) from None
        except httpx.HTTPError as error:
            raise self._cut(tier, error) from None
        took_ms = (time.perf_counter() - began) * 1e3
        return _Reply(response.status_code, response.headers, bytes(body), took_ms)

    def _cut(self, tier: Tier, error: httpx.HTTPError) -> TierError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return tier_errors.unreachable(tier, error)
        return tier_errors.hangs_up(tier)
