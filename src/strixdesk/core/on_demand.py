"""What would have to come up before a question can be answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from strixdesk.core.box import Box
from strixdesk.core.route import Route
from strixdesk.core.tier import ControlKind, Tier, TierState, TierStatus

HERE = Box("this machine")
"""Where tiers run that are no compose services and name no box."""
_SILENT_WHEN_STOPPED = frozenset({ControlKind.SYSTEMD, ControlKind.COMMAND})
"""Nothing tells that these are stopped: they only do not answer."""
_BY_ITS_SERVER = frozenset({ControlKind.LLAMA_SWAP, ControlKind.LLAMA_ROUTER})
"""The server itself is told over the network, wherever it is."""
_LOOPBACK = frozenset({"", "localhost", "127.0.0.1", "::1"})
_AWAY = frozenset({TierState.STOPPED, TierState.UNREACHABLE, TierState.FAILED, TierState.STOPPING})


@dataclass(frozen=True, slots=True)
class Demand:
    box: Box
    tier: Tier
    asleep: bool
    """The box itself; else only the tier is stopped."""


def wanted(
    route: Route,
    statuses: Mapping[str, TierStatus],
    tiers: tuple[Tier, ...],
    boxes: tuple[Box, ...],
    awake: frozenset[str],
) -> Demand | None:
    """None: somebody on the route can be asked now, or nothing can be brought up. `awake`: names of
    the boxes on which commands can be run."""
    order = (route.tier, *route.fallbacks)
    if any(state_of(tier, statuses) not in _AWAY or tier.starter for tier in order):
        return None
    for tier in order:
        box = box_of(tier, boxes)
        if box and is_startable(tier, state_of(tier, statuses), awake=box.name in awake):
            return Demand(box, tier, asleep=False)
    for tier in order:
        box = box_of(tier, boxes)
        if box is None or state_of(tier, statuses) is not TierState.UNREACHABLE:
            continue
        there = [state_of(one, statuses) for one in tiers if is_on(one, box.name, boxes)]
        if box.mac and all(one is TierState.UNREACHABLE for one in there):
            return Demand(box, tier, asleep=True)
    return None


def is_startable(tier: Tier, state: TierState, *, awake: bool) -> bool:
    """It is stopped, and can be started. `awake`: commands can be run on its box."""
    control = tier.control
    if control is None or (control.kind is ControlKind.COMMAND and not control.start):
        return False
    if state is TierState.UNREACHABLE:
        return control.kind in _SILENT_WHEN_STOPPED and awake
    return state is TierState.STOPPED


def box_of(tier: Tier, boxes: tuple[Box, ...]) -> Box | None:
    control = tier.control
    if control is None:
        return None
    if control.box:
        return next((box for box in boxes if box.name == control.box), None)
    if control.kind in _BY_ITS_SERVER:
        host = urlsplit(tier.base_url).hostname or ""
        if host not in _LOOPBACK:
            return next((box for box in boxes if box.host == host), None) or Box(host)
    here = next((box for box in boxes if box.is_here), None)
    return here if here or control.kind is ControlKind.COMPOSE else HERE


def is_on(tier: Tier, box: str, boxes: tuple[Box, ...]) -> bool:
    found = box_of(tier, boxes)
    return found is not None and found.name == box


def state_of(tier: Tier, statuses: Mapping[str, TierStatus]) -> TierState:
    status = statuses.get(tier.name)
    return status.state if status else TierState.UNKNOWN
