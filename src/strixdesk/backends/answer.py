"""Reads one streamed answer: from the JSON of its chunks to deltas and a proper end. No I/O."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from strixdesk.backends import tier_errors
from strixdesk.backends.server_words import as_json, error_words, looks_like_html
from strixdesk.backends.think_tags import ThinkTags
from strixdesk.backends.tool_deltas import ToolCallsTooLong, ToolDeltas
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.errors import TierError
from strixdesk.core.surrogates import mended, split_half
from strixdesk.core.tier import Tier
from strixdesk.core.tool_calls import AnyToolCall, written_calls
from strixdesk.core.turn import Usage

_BROKEN_REASONS = frozenset({"error", "abort", "aborted", "cancelled"})
_NONSENSE = "its server sent something that cannot be read"
_read_json = json.JSONDecoder().raw_decode
"""Half the cost of json.loads for what one token is wrapped in; white space is the caller's."""


class Answer:
    """Takes chunks until `over`; then `end()` says how the answer ended."""

    def __init__(self, tier: Tier, tools: Collection[str] = ()) -> None:
        """`tools`: names of those that were offered; calls that a model writes into its text in
        place of making them are looked for only then."""
        self._tier = tier
        self._tools = tools
        self._tool_deltas = ToolDeltas()
        self._text: list[str] = []
        """All that was said, kept only where tools were offered."""
        self._think_tags = ThinkTags()
        self._text_mender = _SurrogateMender()
        self._thinking_mender = _SurrogateMender()
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self.begun = False
        """Something to read has come, or a part of a tool call."""
        self.over = False
        """`[DONE]` has come: nothing after it counts."""

    @property
    def finished(self) -> bool:
        """The model has said why it stopped; at most the token count is still to come."""
        return self._finish_reason is not None

    def take(self, data: str, name: str = "") -> ChatDelta | None:
        """One event's data. None when it held nothing of the answer. Raises TierError."""
        data = data.strip()
        if data == "[DONE]":
            self.over = True
            return None
        try:
            chunk, end = _read_json(data)
        except (ValueError, RecursionError):
            raise self._unreadable(data) from None
        if not isinstance(chunk, dict) or end != len(data):
            raise self._unreadable(data)
        if chunk.get("error") or name == "error" or chunk.get("object") == "error":
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
        self._text.append(held.text)
        return (
            held if held.text or held.thinking else None,
            ChatEnd(self._finish_reason, self._usage, self._model, self._calls()),
        )

    def _calls(self) -> tuple[AnyToolCall, ...]:
        return self._tool_deltas.calls() or written_calls("".join(self._text), self._tools)

    def _chunk(self, chunk: dict[str, Any]) -> ChatDelta | None:
        if isinstance(model := chunk.get("model"), str) and model:
            self._model = model
        if usage := chunk.get("usage"):
            self._usage = _usage(usage) or self._usage
        choice = _first(chunk.get("choices"))
        if choice is None:
            return None
        part = choice.get("delta") or choice.get("message")
        delta = self._part(part) if isinstance(part, dict) else None
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            if reason in _BROKEN_REASONS:
                if not self.begun:
                    raise tier_errors.never_came(self._tier, "its server gave it up")
                raise tier_errors.broken(self._tier, "was given up by its server")
            self._finish_reason = reason
        if delta:
            self.begun = True
        return delta

    def _part(self, part: dict[str, Any]) -> ChatDelta | None:
        """None for a part with nothing in it; a delta without words for a piece of a tool call."""
        delta = self._think_tags.feed(self._text_mender.mend(_words(part.get("content"))))
        if thinking := part.get("reasoning_content") or part.get("reasoning"):
            thinking = self._thinking_mender.mend(_words(thinking))
            delta = ChatDelta(delta.text, thinking + delta.thinking)
        if self._tools:
            self._text.append(delta.text)
        pieces = part.get("tool_calls")
        calling = self._feed_tools(pieces) if pieces else False
        return delta if calling or delta.text or delta.thinking else None

    def _feed_tools(self, pieces: object) -> bool:
        try:
            return self._tool_deltas.feed(pieces)
        except ToolCallsTooLong as error:
            raise tier_errors.broken(self._tier, f"broke off: {error}") from None

    def _server_error(self, chunk: dict[str, Any]) -> TierError:
        said, _ = error_words(chunk)
        if self.begun:
            return tier_errors.broken(self._tier, "broke off: its server failed", said)
        status = _status(chunk.get("error") or chunk)
        return tier_errors.refused(self._tier, status, as_json(chunk))

    def _unreadable(self, data: str) -> TierError:
        if self.begun:
            return tier_errors.broken(self._tier, f"broke off: {_NONSENSE}")
        if looks_like_html(data):
            return tier_errors.web_page(self._tier)
        return tier_errors.never_came(self._tier, _NONSENSE)


def _status(error: Any) -> int | None:
    """The HTTP status that an error in the stream names, as a number or as text."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and len(code) == 3 and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _first(choices: Any) -> dict[str, Any] | None:
    if not isinstance(choices, list):
        return None
    if len(choices) == 1 and isinstance(choices[0], dict) and choices[0].get("index") == 0:
        return choices[0]
    return next(
        (one for one in choices if isinstance(one, dict) and one.get("index") in (0, None)), None
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

    A half whose other half never comes becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._half = ""

    def mend(self, text: str) -> str:
        if not self._half and text.isascii():
            return text
        text, self._half = split_half(self._half + text)
        return mended(text)
