"""One truth about a tier out of two: what its server answers, and what its box knows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from strixdesk.core.box import (
    ContainerHealth,
    ContainerState,
    Deed,
    Hop,
    Operation,
    ServiceStatus,
)
from strixdesk.core.tier import TierState, TierStatus

RESTART_LOOP = 3
"""So many restarts without being ready in between."""


@dataclass(frozen=True, slots=True)
class Backing:
    """What a box knows of the service behind a tier."""

    service: ServiceStatus | None = None
    """None: the box has not told of it."""
    broken: Hop | None = None
    """Where the way to the box is broken: then the service is as it was last seen."""
    operation: Operation | None = None
    """The one that is running, if it deals with this service."""
    models: frozenset[str] = frozenset()
    """Names under which the service's model may be served; empty: any."""


def merged(heard: TierStatus, backing: Backing | None) -> TierStatus:
    """`heard` is what the server's own answers tell. An answer stands above what the box says;
    silence is explained by it."""
    if backing is None:
        return heard
    if heard.state is TierState.READY:
        return _answering(heard, backing)
    if heard.state in {TierState.UNKNOWN, TierState.UNREACHABLE, TierState.STOPPED}:
        return _silent(heard, backing)
    if _is_down(backing) and heard.state is TierState.FAILED:
        return replace(
            heard,
            detail=f"Its container is not running: another program answers at its port. "
            f"{heard.detail}".strip(),
        )
    if heard.state is TierState.LOADING:
        return _loading(heard, backing)
    return heard


def wrong_model(served: str | None, models: frozenset[str]) -> bool:
    """It serves none of these; names are compared without folders, endings and capitals."""
    return bool(served and models) and _bare(served or "") not in {_bare(one) for one in models}


def start_words(service: ServiceStatus) -> str:
    """“Loading weights, 45 %; about 2 minutes left.”"""
    phase = service.phase or "starting"
    left = f"; about {_span(service.eta_s)} left" if service.eta_s else ""
    return f"{phase[0].upper()}{phase[1:]}{left}."


def _answering(heard: TierStatus, backing: Backing) -> TierStatus:
    if wrong_model(heard.model, backing.models):
        expected = " or ".join(sorted(backing.models))
        return replace(
            heard,
            state=TierState.FAILED,
            detail=f"It serves another model: “{heard.model}” in place of “{expected}”. "
            "Restart it, or see which program listens on its port.",
        )
    if _doing(backing, Deed.STOP):
        return replace(heard, state=TierState.STOPPING, detail="It is being stopped.")
    if _is_down(backing):
        return replace(
            heard, degraded="It answers, but its container is not running: another program does."
        )
    service = backing.service
    if service and service.health is ContainerHealth.UNHEALTHY and backing.broken is None:
        return replace(heard, degraded="It answers, but docker's health check fails.")
    return heard


def _silent(heard: TierStatus, backing: Backing) -> TierStatus:
    if backing.broken:
        kind, detail = backing.broken.kind.value, backing.broken.detail
        return replace(heard, state=TierState.UNREACHABLE, detail=detail or f"{kind} is broken.")
    service = backing.service
    if service is None:
        return heard
    match service.container:
        case ContainerState.RUNNING:
            return _running(heard, service, backing)
        case ContainerState.RESTARTING:
            return _failing(heard, service)
        case ContainerState.PAUSED:
            return _rest(heard, TierState.STOPPED, "Its container is paused.")
        case _ if service.last_error or (service.exit_code or 0) not in {0, 130, 137, 143}:
            if not _doing(backing, Deed.START):
                return _failing(heard, service)
    if _doing(backing, Deed.START, Deed.RESTART):
        return _rest(heard, TierState.STARTING, "It is being started.")
    return _rest(heard, TierState.STOPPED, "")


def _running(heard: TierStatus, service: ServiceStatus, backing: Backing) -> TierStatus:
    if _doing(backing, Deed.STOP):
        return _rest(heard, TierState.STOPPING, "It is being stopped.")
    if service.restarts >= RESTART_LOOP and service.phase:
        return _failing(heard, service)
    if service.health is ContainerHealth.UNHEALTHY:
        quote = _quoted(service.last_error)
        return _rest(heard, TierState.FAILED, f"It runs, but docker's health check fails.{quote}")
    if service.phase:
        return _loading(heard, backing)
    return heard


def _loading(heard: TierStatus, backing: Backing) -> TierStatus:
    service = backing.service
    if service is None or backing.broken or not service.phase:
        return heard
    return replace(
        heard,
        state=TierState.LOADING,
        detail=start_words(service),
        progress=service.progress,
        eta_s=service.eta_s,
    )


def _failing(heard: TierStatus, service: ServiceStatus) -> TierStatus:
    quote = _quoted(service.last_error)
    if service.restarts:
        times = "once" if service.restarts == 1 else f"{service.restarts} times"
        how = f"It ended and was restarted {times}."
    elif service.exit_code is not None:
        how = f"It ended with exit status {service.exit_code}."
    else:
        how = "It could not be started."
    return _rest(heard, TierState.FAILED, f"{how}{quote}")


def _rest(heard: TierStatus, state: TierState, detail: str) -> TierStatus:
    return replace(heard, state=state, detail=detail, progress=None, eta_s=None)


def _is_down(backing: Backing) -> bool:
    """Its container is known not to run."""
    service = backing.service
    return (
        service is not None
        and backing.broken is None
        and backing.operation is None
        and service.container
        in {ContainerState.ABSENT, ContainerState.CREATED, ContainerState.EXITED}
    )


def _doing(backing: Backing, *deeds: Deed) -> bool:
    return backing.operation is not None and backing.operation.deed in deeds


def _quoted(said: str) -> str:
    return f" Its log says: “{said.rstrip('.')}”." if said else ""


def _bare(name: str) -> str:
    return name.rsplit("/", 1)[-1].casefold().removesuffix(".gguf")


def _span(seconds: float) -> str:
    if seconds < 90:
        count, unit = max(1, round(seconds)), "second"
    else:
        count, unit = round(seconds / 60), "minute"
    return f"{count} {unit}{'' if count == 1 else 's'}"
