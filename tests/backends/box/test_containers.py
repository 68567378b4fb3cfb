from __future__ import annotations

import json
from typing import Any

import pytest

from strixdesk.backends.box.containers import failed, parse_containers, seconds, with_absent
from strixdesk.core.box import ContainerHealth, ContainerState, ServiceStatus


def told(
    service: str,
    *,
    container: str = "8c4c",
    restarts: int = 0,
    health: str | None = None,
    **state: Any,
) -> str:
    """One line as docker prints it."""
    state = {
        "Status": "running",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "StartedAt": "2026-11-21T02:31:26.5Z",
        **state,
    }
    if health is not None:
        state["Health"] = {"Status": health, "FailingStreak": 0, "Log": None}
    return json.dumps({"service": service, "id": container, "state": state, "restarts": restarts})


def test_a_running_container_tells_its_health_and_since_when() -> None:
    (one,) = parse_containers(told("vllm_coder", health="starting", restarts=2))
    assert one.status == ServiceStatus(
        "vllm_coder",
        ContainerState.RUNNING,
        ContainerHealth.STARTING,
        restarts=2,
        since=1795228286.5,
    )


def test_a_container_without_a_health_check_has_none() -> None:
    (one,) = parse_containers(told("llama_utility"))
    assert one.health is ContainerHealth.NONE


def test_what_was_ended_by_the_kernel_says_so() -> None:
    (one,) = parse_containers(told("a", Status="exited", ExitCode=137, OOMKilled=True))
    assert "out of memory" in one.status.last_error
    assert failed(one.status)


def test_what_docker_could_not_start_says_why() -> None:
    line = told("a", Status="created", ExitCode=127, Error="exec: no such file")
    (one,) = parse_containers(line)
    assert one.status.last_error == "exec: no such file"
    assert failed(one.status)


@pytest.mark.parametrize(
    ("code", "is_failure"), [(0, False), (143, False), (137, False), (1, True)]
)
def test_only_an_error_of_its_own_is_a_failure(code: int, is_failure: bool) -> None:
    (one,) = parse_containers(told("a", Status="exited", ExitCode=code))
    assert one.status.exit_code == code
    assert failed(one.status) is is_failure


def test_of_two_containers_of_a_service_the_running_one_counts() -> None:
    old = told("a", container="old", Status="exited", StartedAt="2026-11-21T09:00:00Z")
    assert [one.id for one in parse_containers(f"{old}\n{told('a', container='new')}")] == ["new"]


def test_services_come_in_the_order_of_the_stack_with_those_that_were_never_made() -> None:
    seen = [one.status for one in parse_containers(f"{told('b')}\n{told('stranger')}")]
    listed = with_absent(seen, ["a", "b"])
    assert [(one.name, one.container) for one in listed] == [
        ("a", ContainerState.ABSENT),
        ("b", ContainerState.RUNNING),
        ("stranger", ContainerState.RUNNING),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Cannot connect to the Docker daemon",
        "{",
        "[" * 100_000,
        '{"service": 1, "id": "x"}',
        '{"service": "", "id": "x"}',
        "{" * 5_000,
        "[]",
    ],
)
def test_what_is_no_container_is_left_out(text: str) -> None:
    assert parse_containers(text) == ()


def test_unknown_words_of_a_newer_docker_do_no_harm() -> None:
    line = told("a", Status="hibernating", health="poorly", ExitCode=None, StartedAt=None)
    (one,) = parse_containers(line)
    assert (one.state, one.health) == (ContainerState.EXITED, ContainerHealth.NONE)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-21T02:32:15.375760793Z", 1795228335.375760793),
        ("2026-11-21T03:32:15.375760793+01:00", 1795228335.375760793),  # podman
        ("2026-11-21T02:32:15", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("9999999-99-99T99:99:99Z", None),
    ],
)
def test_time_stamps_are_read_leniently(stamp: str, expected: float | None) -> None:
    assert seconds(stamp) == (pytest.approx(expected) if expected else None)
