"""What a tier's failure is called, and the sentences in which the user reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx

from strixdesk.backends.http import place_of
from strixdesk.backends.retry import retry_after_s
from strixdesk.backends.server_words import looks_like_html, server_words, token_counts
from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierLoading,
    TierRefused,
    TierResting,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.tier import Tier

ERROR_BODY_LIMIT_BYTES = 64 * 1024
_QUOTE_CHARS = 200

_OVERFLOW = re.compile(
    r"exceed_context_size|exceeds? the available context|maximum context length|"
    r"context[ _]length[ _]exceeded|context (?:window|size|length)|input_tokens|"
    r"prompt is too long|too many tokens",
    re.IGNORECASE,
)
_NO_VISION = re.compile(
    r"image input is not supported|not a multimodal model|does not support (?:image|vision)|"
    r"no multimodal|mmproj|image_url.{0,40}(?:not supported|unsupported)|"
    r"At most 0 image",
    re.IGNORECASE,
)
_NO_SUCH_KEY = "no_db_connection"
"""LiteLLM's proxy looks for a key that it does not know in its database; most have none."""
_LOADING = re.compile(r"\bloading\b|starting up|not (?:yet )?(?:ready|loaded)", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model.{0,200}(?:does not exist|not found)|invalid model", re.IGNORECASE | re.DOTALL
)


def name_of(tier: Tier) -> str:
    return f"“{tier.title}”"


def unreachable(tier: Tier, cause: BaseException | None = None) -> TierUnreachable:
    if tier.starter:
        return TierUnreachable(
            f"The model on {name_of(tier)} is not running.",
            "Ask again to start it anew; `strixdesk doctor` tells more.",
        )
    place = place_of(tier.base_url)
    why = _why(cause)
    return TierUnreachable(
        f"{name_of(tier)} cannot be reached at {place}{why}.",
        "Start its server, or correct its base_url in the settings.",
        # Whoever did not answer for seconds will not in the next ones either.
        passing=not isinstance(cause, httpx.ConnectTimeout),
    )


def _why(cause: BaseException | None) -> str:
    text = str(cause or "").casefold()
    if isinstance(cause, httpx.ConnectTimeout):
        return ": nothing answers there"
    if "certificate" in text or "ssl" in text:
        return ": its certificate or encryption was not accepted"
    if "name or service" in text or "nodename" in text or "name resolution" in text:
        return ": there is no machine of that name"
    if "refused" in text or "all connection attempts failed" in text:
        return ": nothing listens there"
    if "unreachable" in text or "no route" in text:
        return ": there is no way to that machine"
    return ""


def unusable(tier: Tier) -> TierUnreachable:
    return TierUnreachable(
        f"{name_of(tier)} cannot be asked: its address or its API key is not well formed.",
        "In the settings, base_url must look like http://host:port/v1 and the key must be one "
        "line of plain characters.",
    )


def loading(tier: Tier) -> TierLoading:
    return TierLoading(
        f"{name_of(tier)} is still loading its model.", "Wait a moment, then ask again."
    )


def silent(tier: Tier, seconds: float, *, begun: bool) -> TierTimeout:
    span = f"{seconds:g} second{'' if seconds == 1 else 's'}"
    if begun:
        return TierTimeout(
            f"{name_of(tier)} stopped in the middle of its answer and was silent for {span}.",
            "What came is kept. Ask again, or raise between_tokens_timeout_s in the settings.",
        )
    return TierTimeout(
        f"{name_of(tier)} accepted the question but wrote nothing for {span}.",
        "It may be busy or asleep. Ask again, choose another tier, "
        "or raise first_token_timeout_s in the settings.",
    )


def too_long(tier: Tier, seconds: float) -> TierTimeout:
    return TierTimeout(
        f"{name_of(tier)} was not done with its answer after {seconds:g} seconds.",
        "What came is kept. Ask for a shorter answer, or raise total_timeout_s in the settings.",
    )


def resting(tier: Tier, seconds: float) -> TierResting:
    return TierResting(
        f"{name_of(tier)} kept failing and is left alone for another {max(1, round(seconds))} "
        "seconds.",
        "It is tried again by itself; or choose it by name to try at once.",
    )


def tried_already(tier: Tier) -> TierResting:
    return TierResting(
        f"{name_of(tier)} kept failing; another question is just trying it again.",
        "Ask again in a moment.",
    )


def broken(tier: Tier, how: str, said: str = "") -> StreamBroken:
    """The answer began, and then: “broke off: …”. `how` completes “The answer of X …”."""
    quote = f" It said: {_quoted(said)}." if said else ""
    return StreamBroken(
        f"The answer of {name_of(tier)} {how}.{quote}",
        "What came is kept, but it is not the whole answer. Ask again.",
    )


def never_came(tier: Tier, how: str) -> StreamBroken:
    """The question was taken, but no answer began."""
    return StreamBroken(
        f"{name_of(tier)} took the question, but {how}.",
        "Ask again; if it stays so, look at its server's log or restart it.",
        passing=True,
    )


def no_sign_of_life(tier: Tier, seconds: float) -> TierTimeout:
    return TierTimeout(
        f"{name_of(tier)} gave no sign of life for {seconds:g} seconds.",
        "Its machine may be busy or asleep; look at its server.",
    )


def hangs_up(tier: Tier) -> TierUnreachable:
    if tier.starter:
        return unreachable(tier)
    return TierUnreachable(
        f"Something listens at {place_of(tier.base_url)}, but it hangs up on {name_of(tier)}.",
        "Check that base_url in the settings names a model server, and http or https rightly.",
    )


def asleep(tier: Tier) -> TierRefused:
    return TierRefused(
        f"{name_of(tier)} is asleep: its server runs, but its model is put away.",
        "Wake it at its server, or choose another tier.",
    )


def not_loaded(tier: Tier) -> TierRefused:
    return TierRefused(
        f"{name_of(tier)} is not loaded, and its server loads it only when it is told to.",
        "Load it there, or let its server load on demand (--models-autoload).",
    )


def unwell(tier: Tier, status: int, body: bytes) -> TierError:
    """A health request was answered with an error."""
    said, kind = _words(tier, body)
    if status == 503 and _LOADING.search(f"{said} {kind}"):
        return loading(tier)
    return TierRefused(
        f"The server of {name_of(tier)} runs, but its engine has stopped.",
        "Restart it; its log says why it stopped.",
        status,
    )


def lacks_model(tier: Tier, models: Sequence[str]) -> TierRefused:
    if not tier.model:
        return TierRefused(
            f"{name_of(tier)} has no model to chat with.", "Load one at its server.", 404
        )
    has = ", ".join(models[:5]) + (", …" if len(models) > 5 else "") if models else "none"
    return TierRefused(
        f"{name_of(tier)} does not have the model “{tier.model}”; it has: {has}.",
        "Correct `model` of this tier in the settings, or leave it out to take what is served.",
        404,
    )


def web_page(tier: Tier, status: int | None = None) -> TierRefused:
    return TierRefused(
        f"{place_of(tier.base_url)} answered with a web page where {name_of(tier)} should be.",
        "Check its base_url in the settings; it usually ends in /v1.",
        status,
    )


def not_an_answer(tier: Tier) -> TierRefused:
    return TierRefused(
        f"{place_of(tier.base_url)} answered with something that is no chat answer.",
        f"Check that the base_url of {name_of(tier)} is an OpenAI-compatible address; "
        "it usually ends in /v1.",
        200,
    )


def refused(
    tier: Tier, status: int | None, body: bytes | str = b"", headers: httpx.Headers | None = None
) -> TierError:
    """The error for an HTTP answer of status >= 300, from each server's own wording.

    None: it was called a success, but said that it failed.
    """
    said, kind = _words(tier, body)
    headers = headers or httpx.Headers()
    name = name_of(tier)
    if status is not None and status < 400:
        target = headers.get("location", "elsewhere")
        return TierRefused(
            f"{name} has moved: its server points to {_quoted(target)}.",
            "Put the new address into base_url in the settings.",
            status,
        )
    if status in {401, 403} or kind == _NO_SUCH_KEY:
        return TierRefused(
            f"{name} did not accept the API key."
            if tier.api_key
            else f"{name} wants an API key, and none is set.",
            "Set api_key or api_key_env of this tier in the settings.",
            status,
        )
    if _NO_VISION.search(said):
        return TierRefused(
            f"{name} cannot look at pictures.",
            "Ask without the picture, or choose a tier that sees.",
            status,
        )
    if _OVERFLOW.search(f"{kind} {said}"):
        return TierRefused(
            f"The conversation has grown longer than {name} can hold{token_counts(body)}.",
            "Begin a new conversation, shorten the question, or give the tier a larger context.",
            status,
        )
    if status == 503 and (_LOADING.search(said) or _LOADING.search(kind)):
        return loading(tier)
    if status == 404:
        return _not_found(tier, said, kind, headers, body)
    if _NO_MODEL.search(said):
        return _no_model(tier, said, status)
    wait_s = retry_after_s(headers)
    if status == 429:
        return TierRefused(
            f"{name} has too much to do just now.",
            f"Ask again in {wait_s:.0f} seconds." if wait_s else "Ask again in a moment.",
            status,
            passing=True,
            retry_after_s=wait_s,
        )
    code = f" (HTTP {status})" if status else ""
    quote = f": {_quoted(said)}." if said else "."
    if status is None or status >= 500:
        return TierRefused(
            f"{name} failed{code}{quote}",
            "Ask again; if it stays so, look at its server's log or restart it.",
            status,
            passing=True,
            retry_after_s=wait_s,
        )
    return TierRefused(
        f"{name} did not accept the question{code}{quote}",
        "Check the model and the settings of this tier.",
        status,
    )


def _not_found(
    tier: Tier, said: str, kind: str, headers: httpx.Headers, body: bytes | str
) -> TierError:
    if _NO_MODEL.search(said) or (kind == "NotFoundError" and "model" in said.casefold()):
        return _no_model(tier, said, 404)
    if "html" in headers.get("content-type", "") or looks_like_html(body):
        return web_page(tier, 404)
    return TierRefused(
        f"{place_of(tier.base_url)} has nothing at the address of {name_of(tier)} (HTTP 404).",
        "Check its base_url in the settings; it usually ends in /v1.",
        404,
    )


def _no_model(tier: Tier, said: str, status: int | None) -> TierRefused:
    which = f" “{tier.model}”" if tier.model else " that was asked for"
    return TierRefused(
        f"{name_of(tier)} does not have the model{which}: {_quoted(said)}.",
        "Correct `model` of this tier in the settings, or leave it out to take what is served.",
        status,
    )


def _quoted(said: str) -> str:
    """As the end of a sentence, whose own full stop follows."""
    said = " ".join(said.split())
    said = said if len(said) <= _QUOTE_CHARS else f"{said[:_QUOTE_CHARS]}…"
    return f"“{said.rstrip('.')}”"


def _words(tier: Tier, body: bytes | str) -> tuple[str, str]:
    """What the server said, and of which kind; some quote the very key that they refuse."""
    said, kind = server_words(body)
    return (said.replace(tier.api_key, "…") if tier.api_key else said), kind
