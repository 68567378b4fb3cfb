"""Readable names for models."""

from __future__ import annotations

import re

_EXTENSION = re.compile(r"\.(?:gguf|safetensors|bin)$", re.IGNORECASE)
_NOISE = re.compile(r"(?i)^(?:gguf|bf16|fp16|f16|hf|latest|it|chat)$")
_QUANTISED = re.compile(r"(?i)^(?:i?q\d\w*|[ku]|[msl]|xs|xxs|awq|gptq|fp8|int\d|\d+bit)$")


def readable(model: str) -> str:
    """`bartowski/Llama-3.3-70B-Instruct-GGUF` → “Llama 3.3 70B Instruct”. Never empty for a name
    that is not."""
    name = _EXTENSION.sub("", model.rstrip("/").rpartition("/")[2])
    words = [word for word in re.split(r"[-_:\s]+|\.(?=[A-Za-z])", name) if word]
    kept = [word for word in words if not (_NOISE.match(word) or _QUANTISED.match(word))]
    return " ".join(kept or words) or model
