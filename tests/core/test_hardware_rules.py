from __future__ import annotations

from dataclasses import replace

import pytest

from strixdesk.core.finding import Finding, Severity
from strixdesk.core.hardware_rules import lint
from strixdesk.core.stack import Engine, Mode, Service, Stack

FIRST = Service(
    "vllm_orchestrator",
    Engine.VLLM,
    model="Qwen/Qwen2.5-14B-Instruct",
    gpu_fraction=0.35,
    health_check=True,
    variables={"model": "ORCH_MODEL", "kv_cache_dtype": "ORCH_KV_CACHE_DTYPE"},
)
SECOND = Service(
    "vllm_coder",
    Engine.VLLM,
    model="Qwen/Qwen3-Coder-30B-A3B-Instruct",
    gpu_fraction=0.60,
    depends_on=("vllm_orchestrator",),
    waits_for=("vllm_orchestrator",),
    health_check=True,
    variables={"gpu_fraction": "CODER_GPU_UTIL"},
)


def check(*services: Service, allowed: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    mode = Mode("gpu", (), tuple(one.name for one in services))
    return lint(Stack("/s", None, services, (mode,)), allowed)


def test_the_stock_stack_is_fine() -> None:
    assert check(FIRST, SECOND) == ()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"quantization": "fp8"}, "fp8-weights"),
        ({"model": "Qwen/Qwen2.5-14B-Instruct-FP8"}, "fp8-weights"),
        ({"model": "Qwen/Qwen2.5-14B-Instruct-AWQ"}, "awq"),
        ({"quantization": "gptq_marlin"}, "gptq"),
        ({"model": "Qwen/Qwen2.5-14B-Instruct-GPTQ-Int4"}, "gptq"),
        ({"quantization": "bitsandbytes"}, "bitsandbytes"),
        ({"kv_cache_dtype": "fp8_e4m3"}, "fp8-kv-cache"),
        ({"dtype": "float16"}, "bf16-only"),
    ],
)
def test_what_does_not_run_there_is_found(change: dict[str, str], rule: str) -> None:
    (one,) = check(replace(FIRST, **change))  # type: ignore[arg-type]
    assert one.rule == rule
    assert check(replace(FIRST, **change), allowed=(rule,)) == ()  # type: ignore[arg-type]


def test_a_quantised_model_has_its_plain_one_suggested() -> None:
    (one,) = check(replace(FIRST, model="Qwen/Qwen2.5-14B-Instruct-GPTQ-Int4"))
    assert (one.variable, one.value) == ("ORCH_MODEL", "Qwen/Qwen2.5-14B-Instruct")


def test_an_fp8_cache_is_set_back_to_auto() -> None:
    (one,) = check(replace(FIRST, kv_cache_dtype="fp8"))
    assert (one.severity, one.variable, one.value) == (
        Severity.PROBLEM,
        "ORCH_KV_CACHE_DTYPE",
        "auto",
    )


def test_shares_that_leave_nothing_to_the_system_are_found() -> None:
    (one,) = check(FIRST, replace(SECOND, gpu_fraction=0.64))
    assert (one.rule, one.severity, one.variable, one.value) == (
        "fraction-sum",
        Severity.WARNING,
        "CODER_GPU_UTIL",
        "0.60",
    )
    assert check(FIRST, replace(SECOND, gpu_fraction=0.7))[0].severity is Severity.PROBLEM


def test_two_that_load_at_once_are_found() -> None:
    (one,) = check(FIRST, replace(SECOND, waits_for=()))
    assert one.rule == "staggered-start"


def test_llama_server_should_not_map_its_file() -> None:
    mapped = Service("llama_utility", Engine.LLAMA_CPP, model="a.gguf")
    assert [one.rule for one in check(mapped)] == ["no-mmap"]
    assert check(replace(mapped, mmap=False)) == ()


def test_a_server_without_a_key_is_noted_last() -> None:
    found = check(replace(FIRST, open_to_all=True, kv_cache_dtype="fp8"))
    assert [one.severity for one in found] == [Severity.PROBLEM, Severity.NOTE]


def test_another_gpu_has_other_number_formats() -> None:
    stack = Stack("/s", None, (replace(FIRST, quantization="fp8"),), ())
    assert [one.rule for one in lint(stack, gpu="gfx1151")] == ["fp8-weights"]
    assert lint(stack, gpu="gfx942") == ()
