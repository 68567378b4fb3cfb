"""What is sent when a tier is asked, and how the request gives way to a server's limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from strixdesk.backends.servers import LLAMA, VLLM
from strixdesk.core.chat import ChatMessage

Payload = Mapping[str, Any]


def payload_for(
    model: str | None,
    messages: Sequence[ChatMessage],
    *,
    max_answer_tokens: int,
    temperature: float | None = None,
    server: str = "",
) -> Payload:
    """`server`: its kind, where known. A last message by the assistant is the beginning of the
    answer: llama.cpp continues it by itself, vLLM when told to."""
    payload: dict[str, Any] = {
        "messages": [_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": max_answer_tokens,
    }
    if model is not None:
        payload["model"] = model
    if temperature is not None:
        payload["temperature"] = temperature
    if messages and messages[-1].role == "assistant":
        if server == VLLM:
            payload |= {"continue_final_message": True, "add_generation_prompt": False}
        if messages[-1].goes_on:
            payload |= _begins_with(messages[-1].goes_on, server)
    return payload


def _begins_with(text: str, server: str) -> Payload:
    """A grammar (GBNF, which both know) in which everything begins like that: the server takes
    whichever of the model's tokens fit, be they longer than the text."""
    literal = "".join(f"\\U{ord(char):08X}" for char in text)
    grammar = f'root ::= "{literal}" any*\nany ::= [\\x00-\\U0010FFFF]'
    if server == VLLM:
        return {"structured_outputs": {"grammar": grammar}}
    return {"grammar": grammar} if server == LLAMA else {}


def encode(payload: Payload) -> bytes:
    """JSON in UTF-8; half characters that no encoding has become question marks."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def adjusted(payload: Payload, status: int, said: str) -> Payload | None:
    """The request once more without what the server objected to; None: nothing to give way on.

    vLLM counts the longest possible answer against its context; newer OpenAI models know only
    max_completion_tokens; old servers know no stream_options; some models want no temperature.
    """
    if status not in {400, 422}:
        return None
    if "stream_options" in said and "stream_options" in payload:
        return _without(payload, "stream_options")
    if "max_completion_tokens" in said and "max_tokens" in payload:
        renamed = dict(_without(payload, "max_tokens"))
        return renamed | {"max_completion_tokens": payload["max_tokens"]}
    if "max_tokens" in payload and ("max_tokens" in said or "output tokens" in said):
        # "even without any output tokens" is said when the prompt alone is too long
        return None if "without any output" in said else _without(payload, "max_tokens")
    if "temperature" in said and "temperature" in payload:
        return _without(payload, "temperature")
    for key in ("grammar", "structured_outputs"):
        if key in payload and ("grammar" in said or key in said):
            return _without(payload, key)
    return None


def _without(payload: Payload, key: str) -> Payload:
    return {name: value for name, value in payload.items() if name != key}


def _message(message: ChatMessage) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {
            "type": "image_url",
            "image_url": {
                "url": f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
            },
        }
        for image in message.images
    ]
    if message.text:
        parts.append({"type": "text", "text": message.text})
    return {"role": message.role, "content": parts}
