"""Asks a server how many tokens a text is, where it has a way to tell."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from strixdesk.backends.http import bearer, body_of, is_askable, make_http_client
from strixdesk.backends.servers import LLAMA, VLLM
from strixdesk.core.tier import Tier, TierStatus

_BODY_LIMIT_BYTES = 16 * 1024 * 1024


class Tokenizer:
    """llama.cpp and vLLM answer `POST /tokenize` beside `/v1`, each in a shape of its own."""

    def __init__(self, http: httpx.AsyncClient | None = None, *, timeout_s: float = 5.0) -> None:
        self._http = http or make_http_client()
        self._owns_http = http is None
        self._timeout_s = timeout_s

    def knows(self, status: TierStatus) -> bool:
        """Its kind of server has a tokenizer to ask."""
        return status.server in {LLAMA, VLLM}

    async def count(self, tier: Tier, status: TierStatus, text: str) -> int | None:
        """Tokens of the text alone, without what a chat template adds; None: it did not say."""
        url = f"{tier.base_url.removesuffix('/v1').removesuffix('/')}/tokenize"
        if status.server == LLAMA:
            url += "?autoload=false"  # else llama.cpp's router loads the model only to count
        if not self.knows(status) or not is_askable(url):
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                return counted(await self._post(tier, url, question_for(tier, status, text)))
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            return None

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def _post(self, tier: Tier, url: str, question: dict[str, Any]) -> bytes:
        request = self._http.build_request(
            "POST",
            url,
            content=json.dumps(question).encode(),
            headers={"Content-Type": "application/json", **bearer(tier.api_key)},
            timeout=None,
        )
        response = await self._http.send(request, stream=True)
        body = bytearray()
        async with body_of(response) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > _BODY_LIMIT_BYTES:
                    break
        return bytes(body) if response.status_code == 200 else b""


def question_for(tier: Tier, status: TierStatus, text: str) -> dict[str, Any]:
    """The model is named for servers that hold several."""
    model = tier.model or status.model
    named = {"model": model} if model else {}
    if status.server == VLLM:
        return {**named, "prompt": text, "add_special_tokens": False}
    return {**named, "content": text, "add_special": False}


def counted(body: bytes) -> int | None:
    """vLLM gives a `count`; llama.cpp only the tokens themselves."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    count, tokens = answer.get("count"), answer.get("tokens")
    if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
        return count
    return len(tokens) if isinstance(tokens, list) else None
