"""The way to a box, hop by hop: Tailscale, ssh, docker. Looked at up to the first broken one."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from strixdesk.backends.box.docker_trouble import docker_trouble, no_compose
from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.backends.box.ssh_config import SshAddress, parse_effective
from strixdesk.backends.box.ssh_process import ssh_says
from strixdesk.backends.box.tailscale import (
    TailscaleStatus,
    hop_for,
    may_be_peer,
    read_tailscale,
)
from strixdesk.core.box import Box, Hop, HopKind, HopState
from strixdesk.core.errors import BoxError, BoxUnreachable

OLDEST_COMPOSE = (2, 20)

_SSH_S = 15.0
_DOCKER_S = 10.0
_RESOLVE_S = 3.0

ReadTailscale = Callable[[], Awaitable[TailscaleStatus | None]]


async def look(box: Box, shell: Shell, *, read: ReadTailscale = read_tailscale) -> tuple[Hop, ...]:
    """Never raises for a broken hop; those after it are UNKNOWN. This machine has only docker, and
    a box outside of Tailscale no Tailscale."""
    hops: list[Hop] = []
    if box.host is not None:
        tailscale = await _tailscale(box.host, box.user, read)
        if tailscale:
            hops.append(tailscale)
        hops.append(Hop(HopKind.SSH, HopState.UNKNOWN) if _broken(hops) else await _ssh(shell))
    if _broken(hops):
        return (*hops, Hop(HopKind.DOCKER, HopState.UNKNOWN))
    try:
        return (*hops, await _docker(shell))
    except BoxUnreachable as error:  # lost between two commands
        if box.host is not None:
            hops[-1] = Hop(HopKind.SSH, HopState.FAILED, error.sentence())
            return (*hops, Hop(HopKind.DOCKER, HopState.UNKNOWN))
        return (Hop(HopKind.DOCKER, HopState.FAILED, error.sentence()),)


def _broken(hops: list[Hop]) -> bool:
    return any(hop.state is HopState.FAILED for hop in hops)


# ---- Tailscale ---------------------------------------------------------------------------------


async def _tailscale(host: str, user: str | None, read: ReadTailscale) -> Hop | None:
    try:
        goes_to = await address_of(host, user)
    except BoxUnreachable:
        return None  # no host or no ssh: the hop over ssh says so
    if not may_be_peer(goes_to):
        return None
    return hop_for(goes_to, await read(), time.time())


async def address_of(host: str, user: str | None) -> str:
    """Where ssh really goes, and so where the ports answer: `host` may be a Host of the user's
    configuration. Raises BoxUnreachable for what is no host, or without ssh."""
    told = await ssh_says(SshAddress(host, user).ssh(flags=("-G",)), _RESOLVE_S)
    return parse_effective(told.out).get("hostname") or host


# ---- ssh ---------------------------------------------------------------------------------------


async def _ssh(shell: Shell) -> Hop:
    began = time.monotonic()
    try:
        done = await shell.run(["true"], timeout_s=_SSH_S)
    except BoxError as error:
        return Hop(HopKind.SSH, HopState.FAILED, error.sentence())
    if not done.ok:
        quote = " ".join(done.err.split())[:200] or f"status {done.status}"
        return Hop(HopKind.SSH, HopState.FAILED, f"Commands cannot be run there: “{quote}”.")
    return Hop(HopKind.SSH, HopState.OK, "Commands can be run there.", _ms_since(began))


# ---- docker ------------------------------------------------------------------------------------


async def _docker(shell: Shell) -> Hop:
    """Raises BoxUnreachable."""
    began = time.monotonic()
    try:
        engine = await shell.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=_DOCKER_S
        )
        latency_ms = _ms_since(began)
        if not engine.ok:
            trouble = docker_trouble(engine.status, engine.err or engine.out)
            return Hop(HopKind.DOCKER, HopState.FAILED, trouble.sentence())
        compose = await shell.run(["docker", "compose", "version", "--short"], timeout_s=_DOCKER_S)
    except BoxUnreachable:
        raise
    except BoxError as error:
        return Hop(HopKind.DOCKER, HopState.FAILED, error.sentence())
    state, words = judge_compose(compose)
    detail = f"Docker {engine.out.strip()}. {words}" if state is not HopState.FAILED else words
    return Hop(HopKind.DOCKER, state, detail, latency_ms)


def judge_compose(told: Completed) -> tuple[HopState, str]:
    """Of `docker compose version --short`, whose version may begin with a `v`."""
    version = told.out.strip()
    number = re.match(r"v?(\d{1,6})\.(\d{1,6})", version)
    if not told.ok or number is None:
        return HopState.FAILED, no_compose().sentence()
    if (int(number[1]), int(number[2])) < OLDEST_COMPOSE:
        oldest = ".".join(map(str, OLDEST_COMPOSE))
        return (
            HopState.IMPAIRED,
            f"Compose {version} is older than {oldest}; some of what is started from here may "
            "fail. Update it on the box.",
        )
    return HopState.OK, f"Compose {version.removeprefix('v')}."


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000
