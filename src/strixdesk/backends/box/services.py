"""What is known of each service of a box, from one look to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from strixdesk.backends.box.containers import Container, failed, with_absent
from strixdesk.backends.box.look import Look, read_logs
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.backends.box.start_phases import Start, read_start
from strixdesk.core.box import Box, ContainerHealth, ContainerState, ServiceStatus
from strixdesk.core.stack import Engine, Service, Stack

_NEARLY = 0.99
"""A start that takes longer than ever before is never told to be complete."""


class ServiceBook:
    """Remembers which containers were ready, so that only the log of a starting one is read."""

    def __init__(self, box: Box, history: StartHistory) -> None:
        self._box = box
        self._history = history
        self._containers: dict[str, Container] = {}
        self._ready: dict[str, str] = {}
        """Time stamp of the start that led to it, by container."""
        self._waited: set[tuple[str, str]] = set()
        """Starts that were seen before they were ready: their length is known."""
        self._errors: dict[str, str] = {}
        """Last error by container."""
        self.starting = False

    def container(self, service: str) -> Container | None:
        return self._containers.get(service)

    def is_up(self, service: str) -> bool:
        one = self._containers.get(service)
        return one is not None and self._is_ready(one)

    async def read(
        self,
        shell: Shell,
        seen: Look,
        stack: Stack | None,
        answers: Callable[[Service], Awaitable[bool]],
    ) -> tuple[ServiceStatus, ...] | None:
        """None: docker did not tell. Raises as the shell does."""
        if seen.containers is None:
            return None
        self._containers = {one.service: one for one in seen.containers}
        self._forget()
        puzzling = [one for one in seen.containers if self._wants_log(one)]
        logs = await read_logs(shell, puzzling)
        listening = await self._listening(puzzling, stack, answers)
        found = []
        self.starting = False
        for one in seen.containers:
            service = stack.service(one.service) if stack else None
            start = read_start(logs.get(one.service, ()))
            found.append(self._status(one, service, start, listening, seen.box_now))
        names = [service.name for service in stack.services] if stack else []
        return with_absent(found, names)

    def _status(
        self,
        one: Container,
        service: Service | None,
        start: Start,
        listening: set[str],
        box_now: float | None,
    ) -> ServiceStatus:
        status = one.status
        if start.error:
            self._errors[one.id] = start.error
        error = status.last_error or self._errors.get(one.id, "")
        if one.state is not ContainerState.RUNNING:
            return replace(status, last_error=error if self._counts(status) else "")
        if not self._was_ready(one) and (
            one.health is ContainerHealth.HEALTHY
            or one.service in listening
            or self._is_mute(one, service, start)
        ):
            self._now_ready(one, service, box_now)
        if self._was_ready(one):  # it may be unhealthy by now; that is in its status
            return status
        self.starting = True
        self._waited.add((one.id, one.started))
        elapsed_s = None
        if box_now is not None and status.since is not None:
            elapsed_s = max(0.0, box_now - status.since)
        expected_s = self._history.expected_s(start_key(self._box, one.service, service))
        progress, eta_s = forecast_start(start, elapsed_s, expected_s)
        return replace(
            status,
            phase=start.words or _waiting(one, service),
            progress=progress,
            eta_s=eta_s,
            last_error=error if start.failed or status.restarts else "",
        )

    def _is_mute(self, one: Container, service: Service | None, start: Start) -> bool:
        """Nothing tells when it is ready but its log, if that."""
        if one.health is not ContainerHealth.NONE:
            return False
        if service is None or service.port is None:
            return start.ready or start == Start()
        return service.engine is Engine.OTHER

    def _counts(self, status: ServiceStatus) -> bool:
        return failed(status) or status.container is ContainerState.RESTARTING

    def _wants_log(self, one: Container) -> bool:
        if one.state is ContainerState.RUNNING:
            return not self._was_ready(one)
        return self._counts(one.status) and one.id not in self._errors

    def _is_ready(self, one: Container) -> bool:
        if one.state is not ContainerState.RUNNING or one.health is ContainerHealth.UNHEALTHY:
            return False
        return self._was_ready(one)

    def _was_ready(self, one: Container) -> bool:
        """At some time since its latest start."""
        return self._ready.get(one.id) == one.started

    def _now_ready(self, one: Container, service: Service | None, box_now: float | None) -> None:
        self._ready[one.id] = one.started
        self._errors.pop(one.id, None)
        since = one.status.since
        if (one.id, one.started) in self._waited and box_now is not None and since is not None:
            self._history.add(start_key(self._box, one.service, service), box_now - since)

    async def _listening(
        self,
        puzzling: list[Container],
        stack: Stack | None,
        answers: Callable[[Service], Awaitable[bool]],
    ) -> set[str]:
        """Those without a health check whose port says that they are ready."""
        asked = [
            service
            for one in puzzling
            if one.state is ContainerState.RUNNING and one.health is ContainerHealth.NONE
            if stack and (service := stack.service(one.service)) and service.port is not None
        ]
        replies = await asyncio.gather(*(answers(service) for service in asked))
        return {service.name for service, reply in zip(asked, replies, strict=True) if reply}

    def _forget(self) -> None:
        """Containers that are gone."""
        here = {one.id for one in self._containers.values()}
        self._ready = {name: at for name, at in self._ready.items() if name in here}
        self._errors = {name: text for name, text in self._errors.items() if name in here}
        self._waited = {pair for pair in self._waited if pair[0] in here}


def _waiting(one: Container, service: Service | None) -> str:
    """What is still missing when its log says that it is ready."""
    if one.health is ContainerHealth.NONE and service and service.port is not None:
        return f"ready by its log, but port {service.port} does not answer from here"
    return "waiting for its health check"


def start_key(box: Box, name: str, service: Service | None) -> str:
    """What a start is remembered under: another model takes another time."""
    model = service.model if service and service.model else ""
    return f"{box.name}/{name}/{model}"


def forecast_start(
    start: Start, elapsed_s: float | None, expected_s: float | None
) -> tuple[float, float | None]:
    """Progress from 0 to 1, and the seconds that are left. Past starts tell best; without them the
    part that is done tells how long the rest takes, once there is enough of it."""
    by_log = min(start.progress, _NEARLY)
    if elapsed_s is None:
        return by_log, None
    if expected_s is not None:
        by_time = min(elapsed_s / expected_s, _NEARLY)
        left_s = max(expected_s - elapsed_s, 1.0)
        return max(by_time, 0.0), left_s
    if by_log < 0.15 or elapsed_s < 2.0:
        return by_log, None
    return by_log, elapsed_s * (1.0 - by_log) / by_log
