"""Reads one streamed answer: from the JSON of its chunks to deltas and a proper end. No I/O."""

from __future__ import annotations

import json
import re
from typing import Any

from strixdesk.backends import tier_errors
from strixdesk.backends.server_words import error_words, looks_like_html
from strixdesk.backends.think_tags import ThinkTags
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier
from strixdesk.core.turn import Usage

_BROKEN_REASONS = frozenset({"error", "abort", "aborted", "cancelled"})
_NONSENSE = "its server sent something that cannot be read"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Answer:
    """Takes chunks until `over`; then `end()` says how the answer ended."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._think_tags = ThinkTags()
        self._text_mender = _SurrogateMender()
        self._thinking_mender = _SurrogateMender()
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self.begun = False
        """Something to read has come."""
        self.over = False
        """`[DONE]` has come: nothing after it counts."""

    @property
    def finished(self) -> bool:
        """The model has said why it stopped; at most the token count is still to come."""
        return self._finish_reason is not None

    def take(self, data: str, name: str = "") -> ChatDelta | None:
        """One event's data. None when it held nothing to read. Raises TierError."""
        if data.strip() == "[DONE]":
            self.over = True
            return None
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise self._unreadable(data) from None
        if not isinstance(chunk, dict):
            raise self._unreadable(data)
        if chunk.get("error") or name == "error":
            raise self._server_error(chunk)
        return self._chunk(chunk)

    def take_whole(self, body: dict[str, Any]) -> ChatDelta | None:
        """The answer in one piece, from a server that does not stream. Raises TierError."""
        if body.get("error"):
            raise self._server_error(body)
        if not isinstance(body.get("choices"), list):
            raise tier_errors.not_an_answer(self._tier)
        return self._chunk(body)

    def end(self) -> tuple[ChatDelta | None, ChatEnd]:
        """What was still held back, and the end. Raises StreamBroken for an answer that was cut.

        `[DONE]` alone is no end: a server that lost its model in mid-answer sends it as well.
        """
        if self._finish_reason is None:
            if not self.begun:
                raise tier_errors.never_came(self._tier, "no answer came")
            raise tier_errors.broken(self._tier, "ended without saying that it was finished")
        held = self._think_tags.finish()
        return (
            held if held.text or held.thinking else None,
            ChatEnd(self._finish_reason, self._usage, self._model),
        )

    def _chunk(self, chunk: dict[str, Any]) -> ChatDelta | None:
        if isinstance(model := chunk.get("model"), str) and model:
            self._model = model
        self._usage = _usage(chunk.get("usage")) or self._usage
        choice = _first(chunk.get("choices"))
        if choice is None:
            return None
        part = choice.get("delta") or choice.get("message")
        part = part if isinstance(part, dict) else {}
        thinking = _words(part.get("reasoning_content")) or _words(part.get("reasoning"))
        split = self._think_tags.feed(self._text_mender.mend(_words(part.get("content"))))
        delta = ChatDelta(split.text, self._thinking_mender.mend(thinking) + split.thinking)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            if reason in _BROKEN_REASONS:
                if not self.begun:
                    raise tier_errors.never_came(self._tier, "its server gave it up")
                raise tier_errors.broken(self._tier, "was given up by its server")
            self._finish_reason = reason
        if not (delta.text or delta.thinking):
            return None
        self.begun = True
        return delta

    def _server_error(self, chunk: dict[str, Any]) -> TierError:
        said, _ = error_words(chunk)
        if self.begun:
            return tier_errors.broken(self._tier, "broke off: its server failed", said)
        error = chunk.get("error")
        code = str(error.get("code") if isinstance(error, dict) else "")
        status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else None
        return tier_errors.refused(self._tier, status, json.dumps(chunk))

    def _unreadable(self, data: str) -> TierError:
        if self.begun:
            return tier_errors.broken(self._tier, f"broke off: {_NONSENSE}")
        if looks_like_html(data):
            return tier_errors.web_page(self._tier)
        return tier_errors.never_came(self._tier, _NONSENSE)


def _first(choices: Any) -> dict[str, Any] | None:
    if not isinstance(choices, list):
        return None
    return next(
        (one for one in choices if isinstance(one, dict) and one.get("index") in {0, None}), None
    )


def _words(content: Any) -> str:
    """Text as a string, or as the list of parts that some servers send."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(prompt, completion)


class _SurrogateMender:
    """Joins characters that a server cut into `\\ud83d` and `\\ude00` over two deltas.

    A half whose other half never comes becomes U+FFFD: nothing downstream could store it.
    """

    def __init__(self) -> None:
        self._half = ""

    def mend(self, text: str) -> str:
        if not self._half and not _SURROGATE.search(text):
            return text
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
