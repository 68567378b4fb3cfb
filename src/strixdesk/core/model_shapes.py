"""What a model needs: its weights, and the KV cache of a context. Bytes.

Sources: the published `config.json` of each model (num_hidden_layers, num_key_value_heads,
head_dim, sliding_window, number of parameters); bits per weight of llama.cpp's quantisations from
its own table. A model that is not listed is estimated from the size in its name or of its file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The numbers that decide the size of a KV cache."""

    name: str
    parameters: float
    layers: int
    kv_heads: int
    head_dim: int
    max_context: int = 32_768
    local_layers: int = 0
    """Of the layers, those that see only the last `window` tokens."""
    window: int = 0
    weight_bytes: float | None = None
    """As published, where it is not two bytes per parameter."""
    estimated: bool = False
    table_layers: int | None = None
    """What the stack's own notes count with, where they are wrong."""

    def kv_bytes(self, tokens: int, cache_dtype: str = "auto", *, by_table: bool = False) -> int:
        """2 (key and value) × layers × KV heads × head dimension × bytes per value × tokens."""
        layers = self.table_layers if by_table and self.table_layers else self.layers
        seen = (layers - self.local_layers) * tokens + self.local_layers * min(self.window, tokens)
        return math.ceil(2 * self.kv_heads * self.head_dim * cache_bytes(cache_dtype) * seen)

    def tokens_in(self, budget_bytes: int, cache_dtype: str = "auto") -> int:
        """The longest context whose KV cache fits."""
        if self.kv_bytes(1, cache_dtype) <= 0:
            return self.max_context
        low, high = 0, self.max_context * 8
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.kv_bytes(middle, cache_dtype) <= budget_bytes
            low, high = (middle, high) if fits else (low, middle - 1)
        return low


def _s(name: str, billions: float, layers: int, kv: int, dim: int, context_k: int) -> ModelShape:
    return ModelShape(name, billions * 1e9, layers, kv, dim, context_k * 1024)


def _local(shape: ModelShape, layers: int, window: int, weights: float | None = None) -> ModelShape:
    return ModelShape(
        shape.name,
        shape.parameters,
        shape.layers,
        shape.kv_heads,
        shape.head_dim,
        shape.max_context,
        layers,
        window,
        weights,
    )


_QWEN25_14B = ModelShape("Qwen2.5 14B", 14.77e9, 48, 8, 128, 32_768, table_layers=40)
"""The stack's notes count 40 layers: that is the number of its query heads."""

_KNOWN: tuple[tuple[str, ModelShape], ...] = (
    (r"qwen3-coder-480b", _s("Qwen3 Coder 480B", 480.2, 62, 8, 128, 256)),
    (r"qwen3-coder-30b", _s("Qwen3 Coder 30B A3B", 30.53, 48, 4, 128, 256)),
    (r"qwen3-next-80b", _s("Qwen3 Next 80B A3B", 81.3, 12, 2, 256, 256)),
    (r"qwen3-235b", _s("Qwen3 235B A22B", 235.1, 94, 4, 128, 40)),
    (r"qwen3-30b", _s("Qwen3 30B A3B", 30.53, 48, 4, 128, 40)),
    (r"qwen3-32b", _s("Qwen3 32B", 32.76, 64, 8, 128, 40)),
    (r"qwen3-14b", _s("Qwen3 14B", 14.77, 40, 8, 128, 40)),
    (r"qwen3-8b", _s("Qwen3 8B", 8.19, 36, 8, 128, 40)),
    (r"qwen3-4b", _s("Qwen3 4B", 4.02, 36, 8, 128, 40)),
    (r"qwen3-1\.7b", _s("Qwen3 1.7B", 2.03, 28, 8, 128, 40)),
    (r"qwen3-0\.6b", _s("Qwen3 0.6B", 0.75, 28, 8, 128, 40)),
    (r"qwq-32b", _s("QwQ 32B", 32.76, 64, 8, 128, 128)),
    (r"qwen(?:2\.5)?(?:-coder|-math)?-72b", _s("Qwen2.5 72B", 72.7, 80, 8, 128, 32)),
    (r"qwen(?:2\.5)?(?:-coder)?-32b", _s("Qwen2.5 32B", 32.76, 64, 8, 128, 32)),
    (r"qwen(?:2\.5)?(?:-coder)?-14b", _QWEN25_14B),
    (r"qwen(?:2\.5)?(?:-coder|-math)?-7b", _s("Qwen2.5 7B", 7.62, 28, 4, 128, 32)),
    (r"qwen2\.5(?:-coder)?-3b", _s("Qwen2.5 3B", 3.09, 36, 2, 128, 32)),
    (r"qwen2\.5(?:-coder|-math)?-1\.5b", _s("Qwen2.5 1.5B", 1.54, 28, 2, 128, 32)),
    (r"qwen2\.5(?:-coder)?-0\.5b", _s("Qwen2.5 0.5B", 0.494, 24, 2, 64, 32)),
    (r"llama-?3(?:\.1)?-405b", _s("Llama 3.1 405B", 405.9, 126, 8, 128, 128)),
    (r"llama-?(?:3(?:\.[13])?-)?70b", _s("Llama 3 70B", 70.55, 80, 8, 128, 128)),
    (r"llama-?(?:3(?:\.1)?-)?8b", _s("Llama 3 8B", 8.03, 32, 8, 128, 128)),
    (r"llama-?3\.2-3b", _s("Llama 3.2 3B", 3.21, 28, 8, 128, 128)),
    (r"llama-?3\.2-1b", _s("Llama 3.2 1B", 1.24, 16, 8, 64, 128)),
    (r"llama-?4-scout", _s("Llama 4 Scout", 108.6, 48, 8, 128, 1024)),
    (r"gpt-oss-120b", _local(_s("gpt-oss 120B", 116.8, 36, 8, 64, 128), 18, 128, 65.25e9)),
    (r"gpt-oss-20b", _local(_s("gpt-oss 20B", 20.9, 24, 8, 64, 128), 12, 128, 13.76e9)),
    (r"gemma-3-27b", _local(_s("Gemma 3 27B", 27.43, 62, 16, 128, 128), 52, 1024)),
    (r"gemma-3-12b", _local(_s("Gemma 3 12B", 12.19, 48, 8, 256, 128), 40, 1024)),
    (r"gemma-3-4b", _local(_s("Gemma 3 4B", 4.3, 34, 4, 256, 128), 29, 1024)),
    (r"gemma-3-1b", _local(_s("Gemma 3 1B", 1.0, 26, 1, 256, 32), 22, 512)),
    (r"gemma-2-27b", _s("Gemma 2 27B", 27.23, 46, 16, 128, 8)),
    (r"gemma-2-9b", _s("Gemma 2 9B", 9.24, 42, 8, 256, 8)),
    (r"gemma-2-2b", _s("Gemma 2 2B", 2.61, 26, 4, 256, 8)),
    (r"(?:mistral|devstral|magistral)-small", _s("Mistral Small", 24.0, 40, 8, 128, 128)),
    (r"mistral-large", _s("Mistral Large", 122.6, 88, 8, 128, 128)),
    (r"mistral-nemo", _s("Mistral Nemo", 12.25, 40, 8, 128, 128)),
    (r"mixtral-8x7b", _s("Mixtral 8x7B", 46.7, 32, 8, 128, 32)),
    (r"mistral-7b", _s("Mistral 7B", 7.25, 32, 8, 128, 32)),
    (r"phi-4-mini", _s("Phi-4 mini", 3.84, 32, 8, 128, 128)),
    (r"phi-4", _s("Phi-4", 14.66, 40, 10, 128, 16)),
    (r"glm-4\.5-air", _s("GLM-4.5 Air", 110.5, 46, 8, 128, 128)),
    (r"smollm2-1\.7b", _s("SmolLM2 1.7B", 1.71, 24, 32, 64, 8)),
    (r"smollm2-360m", _s("SmolLM2 360M", 0.362, 32, 5, 64, 8)),
    (r"smollm2-135m", _s("SmolLM2 135M", 0.135, 30, 3, 64, 8)),
)
_PATTERNS = tuple((re.compile(rf"(?<![a-z0-9]){name}"), shape) for name, shape in _KNOWN)

_BY_SIZE = ((2.5, 28, 8, 128), (9.5, 36, 8, 128), (20, 48, 8, 128), (45, 64, 8, 128))
"""Billions of parameters up to, layers, KV heads, head dimension: the largest of what is usual."""
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])")

_GGUF_BITS = {
    "iq1": 2.0, "iq2": 2.8, "iq3": 3.8, "iq4": 4.6, "q2": 3.4, "q3": 4.3, "q4": 5.0, "q5": 6.0,
    "q6": 6.6, "q8": 8.6, "mxfp4": 4.6, "f16": 16.0, "fp16": 16.0, "bf16": 16.0, "f32": 32.0,
}  # fmt: skip
_GGUF_KIND = re.compile(r"(?<![a-z0-9])(iq[1-4]|q[234568]|mxfp4|b?f(?:p)?16|f32)(?![0-9])")
_CACHE_BYTES = (("f32", 4.0), ("float32", 4.0), ("q8", 1.0625), ("q5", 0.75), ("q4", 0.625),
                ("iq4", 0.625), ("fp8", 1.0), ("int8", 1.0))  # fmt: skip


def shape_of(model: str | None, file_bytes: int | None = None) -> ModelShape | None:
    """None: nothing tells how large it is."""
    name = _plain(model or "")
    for pattern, shape in _PATTERNS:
        if pattern.search(name):
            return shape
    parameters = _parameters(name)
    if parameters is None and file_bytes:
        parameters = file_bytes * 8 / _gguf_bits(name)
    if parameters is None:
        return None
    usual = (row[1:] for row in _BY_SIZE if parameters <= row[0] * 1e9)
    layers, heads, dim = next(usual, (96, 8, 128))
    return ModelShape(model or "", parameters, layers, heads, dim, 131_072, estimated=True)


def gguf_bytes(model: str, shape: ModelShape) -> int:
    """Estimated size of a GGUF file that nobody has looked at."""
    if shape.weight_bytes is not None:
        return math.ceil(shape.weight_bytes * 1.05)
    return math.ceil(shape.parameters * _gguf_bits(_plain(model)) / 8)


def vllm_bytes(shape: ModelShape, model: str, dtype: str, quantization: str | None) -> int:
    """Weights in whole GiB, rounded up: what is left over is for the server's own buffers. The
    stack's own notes count like this (28 for 14.77 billion parameters, 57 for 30.53)."""
    if shape.weight_bytes is not None:
        exact = shape.weight_bytes
    else:
        kind = f"{quantization or ''} {_plain(model)}".lower()
        four = re.search(r"awq|gptq|int4|4bit|mxfp4|nvfp4|bitsandbytes|bnb", kind)
        eight = re.search(r"fp8|int8|w8a8|8bit", kind)
        full = 4.0 if dtype in {"float32", "float"} else 2.0
        exact = shape.parameters * (0.7 if four else 1.1 if eight else full)
    return math.ceil(exact / GIB) * GIB


def cache_bytes(dtype: str) -> float:
    """Bytes per value of the KV cache."""
    return next((size for prefix, size in _CACHE_BYTES if dtype.lower().startswith(prefix)), 2.0)


def _plain(model: str) -> str:
    return re.sub(r"[\s_:]+", "-", model.lower().rpartition("/")[2] or model.lower())


def _parameters(name: str) -> float | None:
    found = [
        float(size) * (1e9 if unit == "b" else 1e6) * int(experts or 1)
        for experts, size, unit in _SIZE.findall(name)
    ]
    return max(found) if found and max(found) > 0 else None


def _gguf_bits(name: str) -> float:
    found = _GGUF_KIND.search(name)
    return _GGUF_BITS.get(found.group(1), 8.6) if found else 8.6
