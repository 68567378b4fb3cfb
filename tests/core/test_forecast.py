from __future__ import annotations

import random
from dataclasses import replace

import pytest

from strixdesk.core.box import BoxMemory, ContainerHealth, ContainerState, ServiceStatus
from strixdesk.core.forecast import forecast
from strixdesk.core.memory import Forecast, Use, gigabytes
from strixdesk.core.stack import Engine, Service, Stack

GIB = 2**30
RESERVE = 4 * 10**9

ORCHESTRATOR = Service(
    "vllm_orchestrator",
    Engine.VLLM,
    "orchestrator",
    model="Qwen/Qwen2.5-14B-Instruct",
    context_tokens=65536,
    gpu_fraction=0.35,
    variables={"gpu_fraction": "ORCH_GPU_UTIL", "context_tokens": "ORCH_MAX_LEN"},
)
CODER = Service(
    "vllm_coder",
    Engine.VLLM,
    "coder",
    model="Qwen/Qwen3-Coder-30B-A3B-Instruct",
    context_tokens=49152,
    gpu_fraction=0.60,
    depends_on=("vllm_orchestrator",),
    variables={"gpu_fraction": "CODER_GPU_UTIL", "context_tokens": "CODER_MAX_LEN"},
)
REVIEWER = Service(
    "llama_reviewer",
    Engine.LLAMA_CPP,
    "reviewer",
    model="llama-3.3-70b-instruct.Q4_K_M.gguf",
    model_path="/models/70b.gguf",
    context_tokens=32768,
    mmap=False,
    variables={"context_tokens": "REVIEWER_CTX"},
)
UTILITY = Service(
    "llama_utility",
    Engine.LLAMA_CPP,
    "utility",
    model="qwen2.5-3b-instruct.Q4_K_M.gguf",
    context_tokens=8192,
    mmap=False,
)
STOCK = Stack("/srv/stack", "/srv/stack/.env", (ORCHESTRATOR, CODER, REVIEWER, UTILITY), ())
EMPTY = BoxMemory(128 * GIB, 128 * GIB)


def up(*names: str, health: ContainerHealth = ContainerHealth.NONE) -> list[ServiceStatus]:
    return [ServiceStatus(name, ContainerState.RUNNING, health) for name in names]


def stack(*services: Service) -> Stack:
    return replace(STOCK, services=services)


def left(total: int, available: int) -> BoxMemory:
    return BoxMemory(total * GIB, available * GIB)


def start(
    *names: str,
    of: Stack = STOCK,
    running: list[ServiceStatus] | None = None,
    memory: BoxMemory = EMPTY,
    files: dict[str, int] | None = None,
) -> Forecast:
    return forecast(of, running or [], memory, RESERVE, names, files)


# ---- the published figures ---------------------------------------------------------------------


def test_the_stock_stack_leaves_the_published_headroom() -> None:
    found = start("vllm_orchestrator", "vllm_coder")
    assert found.headroom_bytes is not None
    assert gigabytes(found.headroom_bytes) == pytest.approx(6.4, abs=0.01)
    assert found.fits


def test_the_coders_context_takes_the_published_part_of_its_share() -> None:
    fit = {one.service: one for one in start("vllm_coder").kv}["vllm_coder"]
    assert f"{gigabytes(fit.needed_bytes):.1f} of {gigabytes(fit.budget_bytes):.1f}" == (
        "4.5 of 19.8"
    )


def test_the_orchestrators_share_is_as_published_and_its_table_is_told() -> None:
    (fit,) = start("vllm_orchestrator").kv
    assert gigabytes(fit.budget_bytes) == pytest.approx(16.8, abs=0.01)
    assert "10.0 GB" in fit.note
    assert gigabytes(fit.needed_bytes) == pytest.approx(12.0)
    assert fit.fits


# ---- the verdict -------------------------------------------------------------------------------


def test_what_it_depends_on_is_started_with_it() -> None:
    assert {one.service for one in start("vllm_coder").after} == {
        "",
        "vllm_orchestrator",
        "vllm_coder",
    }


def test_the_total_is_read() -> None:
    assert not start("vllm_coder", memory=left(64, 60)).fits


def test_what_runs_is_in_the_available_memory_already() -> None:
    running = up("vllm_orchestrator")
    assert start("vllm_coder", running=running, memory=left(128, 83)).fits
    refused = start("vllm_coder", running=running, memory=left(128, 79))
    assert not refused.fits
    assert "more than there is" in refused.sentence


def test_one_that_still_loads_may_want_all_of_its_share_yet() -> None:
    running = up("vllm_orchestrator", health=ContainerHealth.STARTING)
    assert not start("vllm_coder", running=running, memory=left(128, 110)).fits


def test_a_mapped_file_counts_although_it_looks_available() -> None:
    mapped = replace(REVIEWER, mmap=True)
    running = up("llama_reviewer")
    of = stack(ORCHESTRATOR, mapped)
    assert not start("vllm_orchestrator", of=of, running=running, memory=left(128, 80)).fits
    assert start(
        "vllm_orchestrator", of=stack(ORCHESTRATOR, REVIEWER), running=running, memory=left(128, 80)
    ).fits


def test_starting_what_runs_takes_nothing() -> None:
    found = start("llama_utility", running=up("llama_utility"), memory=left(128, 5))
    assert found.fits
    assert found.sentence == "Everything that is asked for runs already."


def test_shares_that_add_up_to_more_than_one_are_refused() -> None:
    of = stack(replace(ORCHESTRATOR, gpu_fraction=0.45), CODER)
    found = start("vllm_orchestrator", "vllm_coder", of=of, memory=left(256, 256))
    assert not found.fits
    assert "1.05" in found.sentence


def test_the_graphics_units_own_limit_counts() -> None:
    memory = BoxMemory(128 * GIB, 120 * GIB, gpu_total_bytes=128 * GIB, gpu_used_bytes=60 * GIB)
    found = start("vllm_coder", running=up("vllm_orchestrator"), memory=memory)
    assert not found.fits
    assert "graphics unit" in found.sentence


def test_memory_that_is_carved_out_for_the_graphics_unit_is_counted_apart() -> None:
    memory = BoxMemory(32 * GIB, 28 * GIB, 0, 0, 96 * GIB, GIB, gpu_apart=True)
    of = stack(replace(CODER, gpu_fraction=0.7, depends_on=()), REVIEWER, UTILITY)
    found = start("vllm_coder", "llama_utility", of=of, memory=memory)
    assert found.fits
    assert found.total_bytes == 128 * GIB
    assert not start("llama_reviewer", of=of, memory=memory).fits
    full = replace(memory, gpu_used_bytes=60 * GIB)
    assert not start("vllm_coder", of=of, memory=full).fits


def test_a_file_of_unknown_size_is_no_yes() -> None:
    unknown = replace(UTILITY, model="mystery.gguf", model_path="/models/mystery.gguf")
    assert not start("llama_utility", of=stack(unknown)).fits
    assert start("llama_utility", of=stack(unknown), files={"/models/mystery.gguf": GIB}).fits


def test_a_file_that_was_looked_at_counts_as_it_is() -> None:
    found = start("llama_reviewer", files={"/models/70b.gguf": 50 * GIB})
    weights = [one.bytes for one in found.after if one.use is Use.WEIGHTS]
    assert weights == [50 * GIB]


def test_an_unlisted_model_is_said_to_be_estimated() -> None:
    of = stack(replace(CODER, model="acme/wonder-20b", depends_on=()))
    (fit,) = start("vllm_coder", of=of).kv
    assert fit.estimated


# ---- remedies ----------------------------------------------------------------------------------


def test_a_context_that_is_too_long_is_shortened_to_what_fits() -> None:
    of = stack(replace(CODER, context_tokens=262144, depends_on=()))
    found = start("vllm_coder", of=of)
    assert "needs 24.0 GB of KV cache; its share leaves 19.8 GB" in found.sentence
    numbers = {one.variable: one.value for one in found.remedies}
    assert numbers == {"CODER_MAX_LEN": "216064", "CODER_GPU_UTIL": "0.64"}
    assert [one.frees_bytes for one in found.remedies] == sorted(
        one.frees_bytes for one in found.remedies
    )


def test_the_smallest_change_stands_first() -> None:
    running = up("llama_reviewer", "llama_utility")
    found = start(
        "vllm_coder",
        of=replace(STOCK, services=(replace(CODER, depends_on=()), REVIEWER, UTILITY)),
        running=running,
        memory=left(128, 79),
    )
    assert found.remedies[0].variable == "CODER_GPU_UTIL"
    assert found.remedies[0].value == "0.58"
    assert found.remedies[-1].stop == ("llama_reviewer",)


def test_what_the_new_one_depends_on_is_never_to_be_stopped() -> None:
    found = start(
        "vllm_coder", running=up("vllm_orchestrator", "llama_reviewer"), memory=left(128, 40)
    )
    assert not found.fits
    assert all("vllm_orchestrator" not in one.stop for one in found.remedies)


def test_a_mode_that_is_too_much_names_what_to_leave_out() -> None:
    found = start("vllm_orchestrator", "vllm_coder", "llama_reviewer")
    assert not found.fits
    assert any("without llama_reviewer" in one.sentence for one in found.remedies)


# ---- the bar -----------------------------------------------------------------------------------


def test_the_bars_add_up() -> None:
    memory = left(128, 70)
    found = start("llama_reviewer", running=up("vllm_orchestrator"), memory=memory)
    used = sum(one.bytes for one in found.today if one.use is not Use.RESERVE)
    assert used == 58 * GIB
    assert sum(one.bytes for one in found.after) + found.free_bytes == 128 * GIB


def test_the_bar_after_a_start_tells_the_same_as_the_verdict_while_a_tier_is_loading() -> None:
    running = [
        *up("vllm_orchestrator"),
        *up("vllm_coder", health=ContainerHealth.STARTING),
        *up("llama_utility"),
    ]
    of = stack(ORCHESTRATOR, CODER, REVIEWER, replace(UTILITY, mmap=True))
    found = start("llama_reviewer", of=of, running=running, memory=left(128, 22))
    assert sum(one.bytes for one in found.after) + found.free_bytes == 128 * GIB
    assert "vllm_coder is still loading and counted in full." in found.sentence


# ---- never over budget -------------------------------------------------------------------------

MODELS = [
    ("Qwen/Qwen2.5-14B-Instruct", 14.77e9, 2 * 48 * 8 * 128 * 2),
    ("Qwen/Qwen3-Coder-30B-A3B-Instruct", 30.53e9, 2 * 48 * 4 * 128 * 2),
    ("Qwen/Qwen2.5-7B-Instruct", 7.6e9, 2 * 28 * 4 * 128 * 2),
    ("meta-llama/Llama-3.1-8B-Instruct", 8.03e9, 2 * 32 * 8 * 128 * 2),
]


def random_service(chance: random.Random, number: int) -> tuple[Service, float, float, int]:
    """A service, and by a calculation of its own: bytes, least bytes of its share, file size."""
    model, parameters, per_token = chance.choice(MODELS)
    tokens = chance.choice([2048, 8192, 32768, 65536, 131072])
    if chance.random() < 0.6:
        fraction = round(chance.uniform(0.03, 0.97), 2)
        service = Service(
            f"s{number}", Engine.VLLM, model=model, context_tokens=tokens, gpu_fraction=fraction
        )
        return service, fraction, parameters * 2 + per_token * tokens, 0
    size = chance.randrange(GIB, 60 * GIB)
    service = Service(
        f"s{number}",
        Engine.LLAMA_CPP,
        model=f"{model}.gguf",
        model_path=f"/m/{number}.gguf",
        context_tokens=tokens,
        mmap=chance.random() < 0.5,
        gpu_layers=chance.choice([0, 999]),
    )
    return service, 0.0, size + per_token * tokens, size


@pytest.mark.timeout(600)
def test_ten_thousand_random_tier_sets_are_never_approved_over_budget() -> None:
    chance = random.Random(4)
    yes = 0
    for _ in range(10_000):
        drawn = [random_service(chance, number) for number in range(chance.randint(1, 6))]
        total = chance.choice([32, 64, 96, 125, 128]) * GIB
        of = stack(*(one[0] for one in drawn))
        running = {one[0].name for one in drawn if chance.random() < 0.3}
        available = chance.randrange(total)
        reserve = chance.randrange(16 * GIB)
        files = {one[0].model_path: one[3] for one in drawn if one[0].model_path}
        names = [one[0].name for one in drawn]
        found = forecast(
            of,
            up(*running),
            BoxMemory(total, available),
            reserve,
            names,
            {path: size for path, size in files.items() if path},
        )
        new = [one for one in drawn if one[0].name not in running]
        taken = sum(one[1] * total if one[0].engine is Engine.VLLM else one[2] for one in new)
        over = (
            available - taken < reserve
            or any(one[1] * total < one[2] for one in new if one[0].engine is Engine.VLLM)
            or (any(one[1] for one in new) and sum(one[1] for one in drawn) > 1 + 1e-6)
        )
        yes += found.fits
        assert not (found.fits and over and new)
    assert yes > 200
