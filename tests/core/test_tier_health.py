from __future__ import annotations

import pytest

from strixdesk.core.box import (
    ContainerHealth,
    ContainerState,
    Deed,
    Hop,
    HopKind,
    HopState,
    Operation,
    OperationState,
    ServiceStatus,
)
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.core.tier_health import Backing, merged, wrong_model

READY = TierStatus(TierState.READY, 0.0, model="Qwen/Qwen2.5-14B-Instruct")
SILENT = TierStatus(TierState.UNREACHABLE, 0.0, "Nothing listens there.", model="kept")
LOADING = TierStatus(TierState.LOADING, 0.0, "It is still loading.")
REFUSES = TierStatus(TierState.FAILED, 0.0, "That is a web page.")
RUNNING, EXITED = ContainerState.RUNNING, ContainerState.EXITED


def service(
    container: ContainerState,
    *,
    health: ContainerHealth = ContainerHealth.NONE,
    exit_code: int | None = None,
    restarts: int = 0,
    phase: str = "",
    last_error: str = "",
) -> ServiceStatus:
    return ServiceStatus(
        "vllm_coder",
        container,
        health,
        exit_code,
        restarts,
        phase=phase,
        progress=0.45 if phase else None,
        eta_s=130 if phase else None,
        last_error=last_error,
    )


def doing(deed: Deed) -> Operation:
    return Operation("1", deed, ("vllm_coder",), OperationState.RUNNING, 0.0)


def state(heard: TierStatus, backing: Backing) -> TierState:
    return merged(heard, backing).state


def test_without_a_box_the_server_is_believed() -> None:
    assert merged(READY, None) is READY
    assert merged(SILENT, Backing()) is SILENT


def test_a_server_that_answers_is_ready_whatever_its_way_is_like() -> None:
    broken = Hop(HopKind.SSH, HopState.FAILED, "ssh is refused.")
    assert merged(READY, Backing(service(RUNNING), broken)) == READY


def test_silence_names_the_broken_hop() -> None:
    broken = Hop(HopKind.TAILSCALE, HopState.FAILED, "The box is offline in the tailnet.")
    status = merged(SILENT, Backing(service(RUNNING), broken))
    assert (status.state, status.detail) == (TierState.UNREACHABLE, broken.detail)
    assert status.model == "kept"


@pytest.mark.parametrize(
    "one", [service(ContainerState.ABSENT), service(EXITED, exit_code=0), service(EXITED)]
)
def test_a_container_that_does_not_run_is_a_stopped_tier(one: ServiceStatus) -> None:
    assert state(SILENT, Backing(one)) is TierState.STOPPED
    assert state(SILENT, Backing(one, operation=doing(Deed.START))) is TierState.STARTING


def test_loading_tells_phase_progress_and_time_left() -> None:
    one = service(RUNNING, health=ContainerHealth.STARTING, phase="loading weights, 45 %")
    for heard in (SILENT, LOADING):
        status = merged(heard, Backing(one))
        assert status.state is TierState.LOADING
        assert status.detail == "Loading weights, 45 %; about 2 minutes left."
        assert (status.progress, status.eta_s) == (0.45, 130)


def test_an_exit_with_an_error_is_a_failure_with_its_last_words() -> None:
    status = merged(SILENT, Backing(service(EXITED, exit_code=1, last_error="Out of memory.")))
    assert status.state is TierState.FAILED
    assert status.detail == "It ended with exit status 1. Its log says: “Out of memory”."


def test_a_restart_loop_is_a_failure() -> None:
    loop = service(ContainerState.RESTARTING, restarts=7, last_error="no such file")
    assert "restarted 7 times" in merged(SILENT, Backing(loop)).detail
    again = service(RUNNING, restarts=7, phase="starting", last_error="no such file")
    assert state(SILENT, Backing(again)) is TierState.FAILED


def test_an_unhealthy_container_that_answers_is_degraded_and_a_silent_one_has_failed() -> None:
    one = Backing(service(RUNNING, health=ContainerHealth.UNHEALTHY))
    assert merged(READY, one).degraded
    assert state(READY, one) is TierState.READY
    assert state(SILENT, one) is TierState.FAILED


def test_another_model_on_the_port_is_a_failure() -> None:
    expected = Backing(service(RUNNING), models=frozenset({"Qwen/Qwen3-Coder-30B"}))
    status = merged(READY, expected)
    assert status.state is TierState.FAILED
    assert "another model" in status.detail


@pytest.mark.parametrize(
    ("served", "expected", "is_wrong"),
    [
        ("qwen2.5-3b.Q4_K_M.gguf", {"/models/Qwen2.5-3B.Q4_K_M.gguf"}, False),
        ("/models/qwen2.5-3b.q4_k_m.gguf", {"qwen2.5-3b.q4_k_m.gguf"}, False),
        ("coder", {"coder"}, False),
        ("coder", {"Qwen/Qwen3-Coder-30B"}, True),
        ("coder", set(), False),
        (None, {"coder"}, False),
    ],
)
def test_models_are_compared_by_their_bare_names(
    served: str | None, expected: set[str], is_wrong: bool
) -> None:
    assert wrong_model(served, frozenset(expected)) is is_wrong


def test_another_program_on_the_port_is_told() -> None:
    down = Backing(service(EXITED, exit_code=0))
    assert "another program" in merged(REFUSES, down).detail
    assert "another program" in merged(READY, down).degraded
    assert merged(READY, down).state is TierState.READY


def test_what_is_being_stopped_says_so_while_it_still_answers() -> None:
    backing = Backing(service(RUNNING), operation=doing(Deed.STOP))
    assert state(READY, backing) is TierState.STOPPING
    assert state(SILENT, backing) is TierState.STOPPING


def test_a_server_that_runs_and_cannot_be_reached_from_here_stays_unreachable() -> None:
    assert merged(SILENT, Backing(service(RUNNING))) == SILENT


def test_a_refusal_stays_a_refusal() -> None:
    assert merged(REFUSES, Backing(service(RUNNING))) == REFUSES
