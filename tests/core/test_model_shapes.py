from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.model_shapes import GIB, gguf_bytes, shape_of, vllm_bytes


@pytest.mark.parametrize(
    ("model", "bytes_per_token"),
    [
        ("Qwen/Qwen2.5-14B-Instruct", 196_608),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", 98_304),
        ("Qwen/QwQ-32B", 262_144),
        ("meta-llama/Llama-3.3-70B-Instruct", 327_680),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 131_072),
        ("qwen2.5-7b-instruct.Q4_K_M.gguf", 57_344),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", 163_840),
    ],
)
def test_a_token_takes_what_the_published_configuration_says(
    model: str, bytes_per_token: int
) -> None:
    shape = shape_of(model)
    assert shape is not None
    assert shape.kv_bytes(1) == bytes_per_token
    assert not shape.estimated


@pytest.mark.parametrize(
    ("file", "gib"),
    [
        ("llama-3.3-70b-instruct.Q4_K_M.gguf", 39.6),
        ("Qwen2.5-14B-Instruct-Q4_K_M.gguf", 8.4),
        ("qwen2.5-3b-instruct.Q4_K_M.gguf", 1.79),
        ("gpt-oss-120b-mxfp4.gguf", 59.0),
    ],
)
def test_a_file_that_nobody_looked_at_is_guessed_rather_too_large(file: str, gib: float) -> None:
    shape = shape_of(file)
    assert shape is not None
    assert gib <= gguf_bytes(file, shape) / GIB <= gib * 1.1


def test_layers_that_see_a_window_take_no_more_than_it() -> None:
    shape = shape_of("google/gemma-3-27b-it")
    assert shape is not None
    per_layer = 2 * 16 * 128 * 2
    assert shape.kv_bytes(65536) == per_layer * (10 * 65536 + 52 * 1024)


def test_an_eight_bit_cache_takes_half() -> None:
    shape = shape_of("Qwen/Qwen3-8B")
    assert shape is not None
    assert shape.kv_bytes(4096, "fp8") * 2 == shape.kv_bytes(4096)


@pytest.mark.parametrize(
    ("model", "billions"), [("acme/wonder-20b", 20), ("x-8x22b", 176), ("tiny-500m.gguf", 0.5)]
)
def test_an_unlisted_model_is_estimated_from_its_name(model: str, billions: float) -> None:
    shape = shape_of(model)
    assert shape is not None
    assert shape.estimated
    assert shape.parameters == pytest.approx(billions * 1e9)


def test_the_size_of_its_file_tells_when_its_name_does_not() -> None:
    assert shape_of("mystery") is None
    shape = shape_of("mystery-Q4_K_M.gguf", 5 * GIB)
    assert shape is not None
    assert 7e9 < shape.parameters < 10e9


def test_weights_count_in_whole_gib_as_in_the_stacks_notes() -> None:
    for model, gib in (("Qwen/Qwen2.5-14B", 28), ("Qwen/Qwen3-Coder-30B-A3B", 57)):
        shape = shape_of(model)
        assert shape is not None
        assert vllm_bytes(shape, model, "auto", None) == gib * GIB


@given(st.text(max_size=60), st.none() | st.integers(0, 2**50), st.integers(0, 2**40))
def test_the_context_that_fits_does_fit(model: str, size: int | None, budget: int) -> None:
    shape = shape_of(model, size)
    if shape is not None:
        tokens = shape.tokens_in(budget)
        assert shape.kv_bytes(tokens) <= budget
        assert tokens == shape.max_context * 8 or shape.kv_bytes(tokens + 1) > budget
