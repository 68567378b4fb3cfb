"""Which commands a wish comes down to, and in which order. Pure: nothing is done here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from strixdesk.core.box import Deed
from strixdesk.core.errors import BoxError
from strixdesk.core.stack import Mode, Stack, with_needs


class Act(Enum):
    UP = "up"
    STOP = "stop"
    DOWN = "down"
    """Stop, and remove the containers, as the stack's own script does."""
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class Step:
    act: Act
    services: tuple[str, ...]
    mode: Mode
    """Whose arguments the stack's own script would give."""
    alone: bool = False
    """UP of a service on the GPU: the next one waits until it is ready, since two that measure
    the shared memory at once get it wrong."""

    @property
    def argv(self) -> tuple[str, ...]:
        """Service names are read from compose files, so none is an option."""
        environment = ("env", *self.mode.exports) if self.mode.exports else ()
        compose = (*environment, "docker", "compose", *self.mode.compose)
        match self.act:
            case Act.UP:
                return (*compose, "up", "-d", "--no-deps", *self.services)
            case Act.DOWN:
                asked_for = ("--profile", "*") if self.mode.on_request else ()
                return (*compose, *asked_for, "down")
            case _:
                return (*compose, self.act.value, *self.services)


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    services: tuple[str, ...]
    """All that are dealt with, in this order."""

    @property
    def starts(self) -> tuple[str, ...]:
        return tuple(name for step in self.steps if step.act is Act.UP for name in step.services)


def make_plan(
    stack: Stack,
    deed: Deed,
    services: Sequence[str] = (),
    mode: str | None = None,
    running: Collection[str] = (),
) -> Plan:
    """Without services and mode the whole stack is meant: for START its largest mode, for STOP all
    there is, for RESTART what runs. Raises BoxError for a name that the stack does not have."""
    chosen = _mode(stack, mode) if mode is not None else None
    for name in services:
        if stack.service(name) is None or name.startswith("-"):
            raise BoxError(
                f"The stack has no service “{name}”.",
                f"It has: {', '.join(one.name for one in stack.services) or 'none'}.",
            )
    if chosen is None and not services:
        chosen = max(stack.modes, key=lambda one: len(one.services), default=None)
        if deed is Deed.STOP:
            return Plan(*_down(stack))
        if deed is Deed.RESTART:
            services = [one.name for one in stack.services if one.name in running]
            chosen = None
    names = tuple(services) or (chosen.services if chosen else ())
    order = tuple(one.name for one in stack.services if one.name in names)
    if deed is Deed.START:
        order = with_needs(stack.services, names)
    match deed:
        case Deed.START:
            return Plan(_ups(stack, order, chosen), order)
        case Deed.STOP:
            return Plan(_stops(stack, order, chosen), order[::-1])
        case Deed.RESTART:
            return Plan(_stops(stack, order, chosen) + _ups(stack, order, chosen), order)
        case Deed.PULL:
            steps = [
                Step(Act.PULL, (name,), given)
                for name in order
                if (given := _mode_of(stack, name, chosen))
            ]
            return Plan(tuple(steps), order)


def _mode(stack: Stack, name: str) -> Mode:
    found = stack.mode(name)
    if found is None:
        offered = ", ".join(one.name for one in stack.modes) or "none"
        raise BoxError(f"The stack has no mode “{name}”.", f"It has: {offered}.")
    return found


def _mode_of(stack: Stack, name: str, chosen: Mode | None) -> Mode | None:
    return chosen if chosen and name in chosen.services else stack.mode_for(name)


def _ups(stack: Stack, order: Sequence[str], chosen: Mode | None) -> tuple[Step, ...]:
    return tuple(
        Step(Act.UP, (name,), mode, alone=service.on_gpu)
        for name in order
        if (service := stack.service(name)) and (mode := _mode_of(stack, name, chosen))
    )


def _stops(stack: Stack, order: Sequence[str], chosen: Mode | None) -> tuple[Step, ...]:
    """One command for those that share their arguments, in the opposite order of a start."""
    groups: dict[str, tuple[Mode, list[str]]] = {}
    for name in reversed(order):
        if mode := _mode_of(stack, name, chosen):
            groups.setdefault(mode.name, (mode, []))[1].append(name)
    return tuple(Step(Act.STOP, tuple(names), mode) for mode, names in groups.values())


def _down(stack: Stack) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The fewest modes that hold every service of every project, largest first."""
    left = {(mode.project, name) for mode in stack.modes for name in _held(mode)}
    steps = []
    for mode in sorted(stack.modes, key=lambda one: -len(_held(one))):
        if here := tuple(name for name in _held(mode) if (mode.project, name) in left):
            steps.append(Step(Act.DOWN, here, mode))
            left -= {(mode.project, name) for name in here}
    return tuple(steps), tuple(dict.fromkeys(name for step in steps for name in step.services))


def _held(mode: Mode) -> tuple[str, ...]:
    return (*mode.services, *mode.on_request)
