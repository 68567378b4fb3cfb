"""Asks a tier and streams its answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

from strixdesk.backends import tier_errors
from strixdesk.backends.answer import Answer
from strixdesk.backends.chat_request import adjusted, encode, payload_for
from strixdesk.backends.http import address, bearer, body_of, is_askable, make_http_client
from strixdesk.backends.keychain import Keychain
from strixdesk.backends.patience import Patience
from strixdesk.backends.retry import pause_before_retry
from strixdesk.backends.server_words import looks_like_html
from strixdesk.backends.sse import LINE_LIMIT_BYTES, SseParser, SseTooLong
from strixdesk.backends.standing import Standings
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.settings import ChatSettings

log = logging.getLogger(__name__)

_ATTEMPTS = 3
"""The request as it was meant, then with what the server objected to taken out."""
_ERROR_BODY_S = 5.0
_AFTER_DONE_S = 0.02
_WRITE_TIMEOUT_S = 60.0


def _nothing_known(tier: Tier) -> TierStatus | None:
    return None


class ChatClient:
    """A `Chat` over HTTP. A connection belongs to its stream: closing or cancelling the iterator
    closes it at once, and with that the server stops generating."""

    def __init__(
        self,
        settings: ChatSettings,
        status_of: Callable[[Tier], TierStatus | None] = _nothing_known,
        http: httpx.AsyncClient | None = None,
        *,
        keychain: Keychain | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`status_of` tells what was last learnt of a tier: its model's name, its context size."""
        self._settings = settings
        self._keychain = keychain or Keychain()
        self._status_of = status_of
        self._standings = Standings(status_of, settings.cooldown_s, now)
        self._sleep = sleep
        self._chance = chance
        self._http = http or make_http_client()
        self._owns_http = http is None

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    def admission(
        self, tier: Tier, *, insists: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """Around everything that is asked of a tier for one question; what it raises is counted.
        Raises TierResting at once for a tier that kept failing. `insists`: the user wants this
        tier and no other."""
        return self._standings.admission(tier, insists=insists)

    def busy(self, tier: Tier) -> bool:
        """It writes as many answers as it can: `stream` would wait for its turn."""
        return self._standings.busy(tier)

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = True,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        """Deltas, then one ChatEnd; anything else raises TierError. Use `contextlib.aclosing`.

        Waits until the tier has room for one more answer; then its deadlines begin. A tier that is
        busy or out of reach is asked again, as long as nothing of an answer has come.
        `max_tokens` caps the answer in place of the settings. Nothing is kept here: each answer is
        a fresh one. A last message by the assistant is
        the beginning of the answer, where the server can continue one.
        """
        tier = await self._keychain.keyed(tier)
        async with self._standings.place(tier):
            attempt = 0
            while True:
                attempt += 1
                begun = False
                try:
                    once = self._stream_once(tier, messages, max_tokens)
                    async with contextlib.aclosing(once) as items:
                        async for item in items:
                            begun = True
                            yield item
                    return
                except TierError as error:
                    retries = 0 if self._standings.trying(tier) else self._settings.retries
                    pause_s = pause_before_retry(error, attempt, retries, self._chance)
                    if begun or pause_s is None:
                        raise
                    log.info("tier %s: %s; again in %.1f s", tier.name, error, pause_s)
                self._standings.attempt_failed(tier)
                await self._sleep(pause_s)

    async def _stream_once(
        self, tier: Tier, messages: Sequence[ChatMessage], max_tokens: int | None
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        answer = Answer(tier)
        with contextlib.closing(Patience(tier, answer, self._settings)) as patience:
            response = await self._ask(tier, messages, max_tokens, patience)
            async with body_of(response) as pieces:
                match _media_type(response):
                    case "text/html":
                        raise tier_errors.web_page(tier, response.status_code)
                    case "application/json":
                        whole = answer.take_whole(await _json_object(tier, pieces, patience))
                        if whole:
                            yield whole
                    case _:
                        async with contextlib.aclosing(
                            _deltas(tier, pieces, answer, patience)
                        ) as some:
                            async for delta in some:
                                yield delta
        held, end = answer.end()
        if held:
            yield held
        yield end

    async def _ask(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        max_tokens: int | None,
        patience: Patience,
    ) -> httpx.Response:
        """The response whose body is the answer. Raises TierError for any other."""
        model, limit = await self._model_and_limit(tier, max_tokens, patience)
        payload = payload_for(
            model,
            messages,
            max_answer_tokens=limit,
            temperature=self._settings.temperature,
            server=self._server(tier),
        )
        for attempt in range(1, _ATTEMPTS + 1):
            # Pictures make megabytes of base64, which are encoded beside the event loop.
            pictures = any(message.images for message in messages)
            body = await asyncio.to_thread(encode, payload) if pictures else encode(payload)
            request = self._request(tier, "POST", "chat/completions", body)
            response = await patience.wait(self._http.send(request, stream=True))
            if response.status_code == 200:
                return response
            said = await _error_body(response)
            lesser = adjusted(payload, response.status_code, said.decode("utf-8", "replace"))
            if lesser is None or attempt == _ATTEMPTS or (tier.price and _is_endless(lesser)):
                raise tier_errors.refused(tier, response.status_code, said, response.headers)
            payload = lesser
        raise AssertionError("the last attempt returns or raises")

    async def _model_and_limit(
        self, tier: Tier, max_tokens: int | None, patience: Patience
    ) -> tuple[str | None, int]:
        status = self._status_of(tier)
        model = tier.model or (status.model if status else None)
        if model is None:
            model = await self._served_model(tier, patience)
        if max_tokens is not None:
            return model, max_tokens
        limit = self._settings.max_answer_tokens
        context = tier.context_tokens or (status.context_tokens if status else None)
        # at least half of what the tier can hold is left for the question
        return model, min(limit, context // 2) if context else limit

    def _server(self, tier: Tier) -> str:
        status = self._status_of(tier)
        return status.server if status else ""

    async def _served_model(self, tier: Tier, patience: Patience) -> str | None:
        """Asked of the server when nobody knows: most servers insist on the right name."""
        response = await patience.wait(self._http.send(self._request(tier, "GET", "models")))
        if response.status_code in {401, 403, 503}:
            raise tier_errors.refused(
                tier, response.status_code, response.content, response.headers
            )
        try:
            return str(response.json()["data"][0]["id"])
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    def _request(
        self, tier: Tier, method: str, path: str, body: bytes | None = None
    ) -> httpx.Request:
        if not is_askable(tier.base_url):
            raise tier_errors.unusable(tier)
        headers = bearer(tier.api_key) | {"Accept": "text/event-stream, application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        timeout = httpx.Timeout(
            None, connect=self._settings.connect_timeout_s, write=_WRITE_TIMEOUT_S
        )
        try:
            return self._http.build_request(
                method, address(tier.base_url, path), content=body, headers=headers, timeout=timeout
            )
        except UnicodeError:  # a key that no header can carry
            raise tier_errors.unusable(tier) from None


async def _deltas(
    tier: Tier, pieces: AsyncIterator[bytes], answer: Answer, patience: Patience
) -> AsyncGenerator[ChatDelta, None]:
    parser = SseParser()
    start = b""
    try:
        while not answer.over:
            piece = await patience.wait(anext(pieces, None))
            if piece is None:
                break
            if len(start) < 64:
                start += piece[:64]
            for event in parser.feed(piece):
                if not answer.over and (delta := answer.take(event.data, event.name)):
                    patience.content()
                    yield delta
        last = parser.finish()
        if last and not answer.over and (delta := answer.take(last.data, last.name)):
            yield delta
        if answer.over:
            await _run_out(pieces)
    except SseTooLong as error:
        raise tier_errors.broken(tier, f"broke off: {error}") from None
    except TierError:
        if not answer.finished:
            raise  # else the answer is whole; only its token count is missing
    if not answer.begun and not answer.finished and looks_like_html(start):
        raise tier_errors.web_page(tier, 200)


async def _run_out(pieces: AsyncIterator[bytes]) -> None:
    """The end of the body comes along with `[DONE]`; once read, the connection can take the next
    question. Where it does not come, the connection is given up."""
    with contextlib.suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_AFTER_DONE_S):
            await anext(pieces, None)


async def _json_object(
    tier: Tier, pieces: AsyncIterator[bytes], patience: Patience
) -> dict[str, Any]:
    body = bytearray()
    while (piece := await patience.wait(anext(pieces, None))) is not None:
        body += piece
        if len(body) > LINE_LIMIT_BYTES:
            raise tier_errors.not_an_answer(tier)
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise tier_errors.not_an_answer(tier)
    return parsed


async def _error_body(response: httpx.Response) -> bytes:
    """As much of it as is worth quoting; the status alone has to do when it does not come."""
    body = bytearray()
    async with body_of(response) as pieces:
        with contextlib.suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(_ERROR_BODY_S):
                async for piece in pieces:
                    body += piece
                    if len(body) > tier_errors.ERROR_BODY_LIMIT_BYTES:
                        break
    return bytes(body)


def _is_endless(payload: Mapping[str, Any]) -> bool:
    """Nothing caps the answer: a tier that costs money is not asked like that."""
    return not {"max_tokens", "max_completion_tokens"} & payload.keys()


def _media_type(response: httpx.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().casefold()
