"""What servers say when they refuse, read out of each one's own shape of error."""

from __future__ import annotations

import json
import re
from typing import Any

_QUOTE_CHARS = 300
_MESSAGE_CHARS = 4_000
"""What is looked at of a message: some servers quote the whole question in it."""


def server_words(body: bytes | str) -> tuple[str, str]:
    """(message, type) out of an error body, in any of the shapes that servers use.

    The body as it stands when it is no JSON; nothing when it is a web page.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if looks_like_html(text):
        return "", ""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()[:_QUOTE_CHARS], ""
    return error_words(parsed)


def error_words(parsed: Any) -> tuple[str, str]:
    """(message, type) out of a parsed error: OpenAI's shape, FastAPI's `detail`, plain text."""
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        message = error.get("message") or error.get("detail") or error.get("error") or ""
        kind = error.get("type") or error.get("status")
        return (
            (message if isinstance(message, str) else as_json(message))[:_MESSAGE_CHARS],
            str(kind) if isinstance(kind, str | int) else "",
        )
    return (error[:_MESSAGE_CHARS] if isinstance(error, str) else ""), ""


def as_json(parsed: Any) -> str:
    """Empty for what is nested too deeply to be written: it could just be read."""
    try:
        return json.dumps(parsed)
    except RecursionError:
        return ""


def looks_like_html(body: bytes | str) -> bool:
    start = body[:200].lstrip()
    return start.startswith(b"<") if isinstance(start, bytes) else start.startswith("<")


def token_counts(body: bytes | str) -> str:
    """llama.cpp and vLLM tell the numbers; then they are worth telling on."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    limit = re.search(
        r"maximum context length is (\d+)|\"n_ctx\":\s*(\d+)|context size \((\d+)", text
    )
    asked = re.search(
        r"at least (\d+) input|\"n_prompt_tokens\":\s*(\d+)|request \((\d+) tokens", text
    )
    if not limit:
        return ""
    held = next(group for group in limit.groups() if group)
    if not asked:
        return f" ({held} tokens)"
    return f" ({next(group for group in asked.groups() if group)} of {held} tokens)"
