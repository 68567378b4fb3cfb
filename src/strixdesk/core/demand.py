"""How much memory one service takes. Bytes; never less than it really takes.

vLLM takes its fraction of the graphics unit's memory, whatever the model: weights first, the rest
is KV cache. llama.cpp takes its file, the KV cache of its whole context and buffers for computing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from strixdesk.core.memory import KvFit, gb
from strixdesk.core.model_shapes import GIB, ModelShape, gguf_bytes, shape_of, vllm_bytes
from strixdesk.core.stack import Engine, Service

LLAMA_BUFFERS_BYTES = GIB // 2
LLAMA_BUFFERS_SHARE = 0.02
"""Of the weights, on top."""
_CONTEXT_LIMIT = 131_072
"""A llama.cpp that is not told its context takes the model's; it is taken to be at most this."""


@dataclass(frozen=True, slots=True)
class Demand:
    weights: int
    kv_cache: int
    """With everything else that is not weights."""
    on_gpu: bool
    known: bool = True
    """False: nothing tells how large it is."""
    kv: KvFit | None = None
    shape: ModelShape | None = None

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache


def demand_of(service: Service, gpu_total_bytes: int, files: Mapping[str, int]) -> Demand:
    """`files`: sizes of GGUF files by their path on the box."""
    if service.engine is Engine.VLLM:
        return _vllm(service, gpu_total_bytes)
    if service.engine is Engine.LLAMA_CPP:
        return _llama(service, files)
    return Demand(0, 0, on_gpu=False)


def share_of(service: Service, gpu_total_bytes: int) -> int:
    """vLLM's fraction in bytes, rounded up as vLLM does."""
    return math.ceil((service.gpu_fraction or 0.0) * gpu_total_bytes)


def _vllm(service: Service, gpu_total_bytes: int) -> Demand:
    share = share_of(service, gpu_total_bytes)
    model = service.model or ""
    shape = shape_of(model)
    if shape is None:
        return Demand(0, share, on_gpu=True)
    weights = vllm_bytes(shape, model, service.dtype, service.quantization)
    context = service.context_tokens or shape.max_context
    needed = shape.kv_bytes(context, service.kv_cache_dtype)
    fit = KvFit(service.name, needed, share - weights, shape.estimated, _note(service, shape))
    return Demand(weights, max(0, share - weights), on_gpu=True, kv=fit, shape=shape)


def _llama(service: Service, files: Mapping[str, int]) -> Demand:
    size = files.get(service.model_path or "")
    model = service.model or ""
    shape = shape_of(model, size)
    if shape is None:
        return Demand(size or 0, 0, on_gpu=service.on_gpu, known=False)
    weights = size if size is not None else gguf_bytes(model, shape)
    context = service.context_tokens or min(shape.max_context, _CONTEXT_LIMIT)
    kv = shape.kv_bytes(context, service.kv_cache_dtype)
    buffers = LLAMA_BUFFERS_BYTES + math.ceil(LLAMA_BUFFERS_SHARE * weights)
    return Demand(weights, kv + buffers, on_gpu=service.on_gpu, shape=shape)


def _note(service: Service, shape: ModelShape) -> str:
    if shape.table_layers is None:
        return ""
    context = service.context_tokens or shape.max_context
    published = shape.kv_bytes(context, service.kv_cache_dtype, by_table=True)
    return (
        f"The stack's own notes say {gb(published)}: they count {shape.table_layers} layers, "
        f"{shape.name} has {shape.layers}."
    )
