"""Tells each tier what its box knows of the service behind it, and the box when a tier is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from strixdesk.core.box import Box, BoxStatus
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.stack import Service, Stack
from strixdesk.core.tier import ControlKind, Tier, TierState, TierStatus
from strixdesk.core.tier_health import Backing


class _Tiers(Protocol):
    def all(self) -> tuple[Tier, ...]: ...

    def subscribe(self, on_change: Callable[[Tier, TierStatus], None]) -> None: ...

    def know(self, name: str, backing: Backing | None) -> None: ...


class _Boxes(Protocol):
    def all(self) -> tuple[Box, ...]: ...

    def status_of(self, box: Box) -> BoxStatus: ...

    def stack_of(self, box: Box) -> Stack | None: ...

    def subscribe(self, on_event: Callable[[BoxChanged | BoxesChanged], None]) -> None: ...

    def doubt(self, box: Box) -> None: ...


def join(tiers: _Tiers, boxes: _Boxes) -> None:
    """From now on, for as long as both live."""

    def tell(box: Box, some: Iterable[Tier]) -> None:
        status, stack = boxes.status_of(box), boxes.stack_of(box)
        for tier in some:
            if tier.control and is_on(tier, box):
                service = stack.service(tier.control.unit) if stack else None
                tiers.know(tier.name, backing_of(status, tier.control.unit, service))

    def on_box(event: BoxChanged | BoxesChanged) -> None:
        match event:
            case BoxChanged(box):
                tell(box, tiers.all())
            case BoxesChanged(every):
                for box in every:
                    tell(box, tiers.all())

    def on_tier(tier: Tier, status: TierStatus) -> None:
        """It may be new. And why it does not answer, its container tells."""
        for box in boxes.all():
            if is_on(tier, box):
                tell(box, [tier])
                if status.state is TierState.UNREACHABLE:
                    boxes.doubt(box)

    for box in boxes.all():
        tell(box, tiers.all())
    boxes.subscribe(on_box)
    tiers.subscribe(on_tier)


def is_on(tier: Tier, box: Box) -> bool:
    control = tier.control
    if control is None or control.kind is not ControlKind.COMPOSE:
        return False
    return control.box == box.name or (not control.box and box.is_here)


def backing_of(status: BoxStatus, unit: str, service: Service | None) -> Backing:
    operation = status.operation
    concerns = operation and not operation.state.over and unit in operation.services
    models: frozenset[str] = frozenset()
    if service:
        named = (service.served_as,) if service.served_as else (service.model, service.model_path)
        models = frozenset(name for name in named if name)
    return Backing(status.service(unit), status.broken, operation if concerns else None, models)
