"""What docker says of a stack's containers, in one command and one line each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from strixdesk.core.box import ContainerHealth, ContainerState, ServiceStatus

INSPECT_FORMAT = (
    '{"service":{{json (index .Config.Labels "com.docker.compose.service")}},'
    '"id":{{json .Id}},"state":{{json .State}},"restarts":{{.RestartCount}}}'
)
"""For `docker inspect --format`. The state is taken whole: to name its `Health` fails, with some
versions of docker, for a container without a health check."""

_ENDED_FROM_OUTSIDE = {0, 130, 137, 143}
"""Exit codes of a program that ended itself, or was told to by `docker stop` or a signal."""


@dataclass(frozen=True, slots=True)
class Container:
    service: str
    id: str
    state: ContainerState
    health: ContainerHealth = ContainerHealth.NONE
    exit_code: int = 0
    out_of_memory: bool = False
    """The kernel ended it for want of memory."""
    error: str = ""
    """Why docker could not start it."""
    restarts: int = 0
    started: str = ""
    """Docker's own time stamp of its latest start."""

    @property
    def status(self) -> ServiceStatus:
        over = self.state in {ContainerState.EXITED, ContainerState.DEAD}
        restarting = self.state is ContainerState.RESTARTING
        return ServiceStatus(
            self.service,
            self.state,
            # docker calls whatever it stops unhealthy
            ContainerHealth.NONE if over else self.health,
            self.exit_code if over or restarting else None,
            self.restarts,
            seconds(self.started),
            last_error=self._trouble(),
        )

    def _trouble(self) -> str:
        if self.error:
            return self.error
        if self.out_of_memory:
            return "The kernel ended it: the box was out of memory."
        return ""


def failed(status: ServiceStatus) -> bool:
    """It ended by itself with an error: not stopped by anyone."""
    if status.container is ContainerState.DEAD:
        return True
    if status.container not in {ContainerState.EXITED, ContainerState.CREATED}:
        return False
    return status.exit_code not in _ENDED_FROM_OUTSIDE | {None} or bool(status.last_error)


def parse_containers(text: str) -> tuple[Container, ...]:
    """The lines of INSPECT_FORMAT; what is none of them is left out. Of several containers of one
    service, the one that runs counts, else the latest."""
    best: dict[str, Container] = {}
    for line in text.splitlines():
        one = _container(line)
        if one and (one.service not in best or _rank(one) > _rank(best[one.service])):
            best[one.service] = one
    return tuple(best.values())


def with_absent(
    seen: Iterable[ServiceStatus], services: Iterable[str]
) -> tuple[ServiceStatus, ...]:
    """In the stack's order; a service without a container is ABSENT; strangers come last."""
    found = {one.name: one for one in seen}
    listed = [
        found.pop(name) if name in found else ServiceStatus(name, ContainerState.ABSENT)
        for name in services
    ]
    return (*listed, *found.values())


def _container(line: str) -> Container | None:
    if not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    service, name, state = told.get("service"), told.get("id"), told.get("state")
    if not isinstance(service, str) or not isinstance(name, str) or not service:
        return None
    state = state if isinstance(state, dict) else {}
    health = state.get("Health")
    return Container(
        service,
        name,
        # `removing`, or a word of podman's: its exit code tells the rest
        _member(ContainerState, state.get("Status"), ContainerState.EXITED),
        _member(
            ContainerHealth,
            health.get("Status") if isinstance(health, dict) else None,
            ContainerHealth.NONE,
        ),
        _whole(state.get("ExitCode")),
        state.get("OOMKilled") is True,
        str(state.get("Error") or ""),
        _whole(told.get("restarts")),
        str(state.get("StartedAt") or ""),
    )


def seconds(stamp: str) -> float | None:
    """Docker's time stamps, nanoseconds and all; None for its zero time and for nonsense."""
    if stamp.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _rank(one: Container) -> tuple[bool, str]:
    return one.state is ContainerState.RUNNING, one.started


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _member(kind: Any, value: Any, otherwise: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        return otherwise
