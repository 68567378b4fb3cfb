"""Starting and stopping from the command line: what it would do, how it goes, how it went."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from strixdesk.core.box import Box, Deed, Operation, OperationState
from strixdesk.core.errors import BoxError, NotEnoughMemory, StrixError
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.memory import Forecast
from strixdesk.core.spans import span
from strixdesk.session.ports import Boxes

Say = Callable[[str], None]
"""Hears of the progress, a sentence at a time."""


@dataclass(frozen=True, slots=True)
class Order:
    """One deed on one box. Without services and mode the whole stack is meant."""

    box: Box
    deed: Deed
    services: tuple[str, ...] = ()
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, in one place."""

    place: str
    """Name of the box, or of the tier that is not on one."""
    names: tuple[str, ...]
    """What was dealt with, as its place calls it."""
    state: OperationState
    sentence: str
    remedies: tuple[str, ...] = ()


def to_stderr(sentence: str) -> None:
    """What is being done goes on when nobody reads of it any more (`2>&1 | head`)."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


async def carry_out(boxes: Boxes, order: Order, *, anyway: bool, say: Say) -> Outcome:
    """Never raises for what a box or its services do wrong: it is in the outcome. Cancelling it
    cancels the deed, and says what is left running."""
    box = order.box
    told = ""

    def follow(event: BoxChanged | BoxesChanged) -> None:
        nonlocal told
        if not isinstance(event, BoxChanged) or event.box.name != box.name:
            return
        now = event.status.operation
        if now and not now.state.over and now.step and now.step != told:
            told = now.step
            say(f"{box.name}: {progress_words(now)}")

    boxes.subscribe(follow)
    forecast: Forecast | None = None
    try:
        if boxes.stack_of(box) is None:
            await boxes.refresh(box)
        if order.deed is Deed.START and (forecast := _forecast(boxes, order)) and forecast.fits:
            say(f"{box.name}: {forecast.sentence}")
        elif forecast and anyway:
            say(f"{box.name}: {forecast.sentence} It is started anyway.")
        operation = await boxes.do(
            box, order.deed, order.services, mode=order.mode, override=anyway
        )
    except NotEnoughMemory as error:
        remedies = tuple(one.sentence for one in forecast.remedies) if forecast else ()
        remedies = remedies or ((error.advice,) if error.advice else ())
        return _failed(order, error.message, (*remedies, "To start it all the same: --anyway."))
    except StrixError as error:
        return _failed(order, error.message, (error.advice,) if error.advice else ())
    except asyncio.CancelledError:
        if boxes.status_of(box).operation:  # else nothing was begun
            say(f"{box.name}: {await _left_running(boxes, box)}")
        raise
    return Outcome(box.name, operation.services, operation.state, operation.step)


def _failed(order: Order, sentence: str, remedies: tuple[str, ...]) -> Outcome:
    names = order.services or ((order.mode,) if order.mode else ())
    return Outcome(order.box.name, names, OperationState.FAILED, sentence, remedies)


def _forecast(boxes: Boxes, order: Order) -> Forecast | None:
    """Of what does not run yet."""
    stack, status = boxes.stack_of(order.box), boxes.status_of(order.box)
    mode = stack.mode(order.mode) if stack and order.mode else None
    up = {one.name for one in status.services if one.container.alive}
    names = order.services or (mode.services if mode else ())
    new = [name for name in names if name not in up and stack and stack.service(name)]
    return boxes.forecast(order.box, new) if new and not status.broken else None


async def _left_running(boxes: Boxes, box: Box) -> str:
    status = await boxes.refresh(box)
    if status.broken:
        return f"Cancelled. What runs there cannot be told now. {status.broken.detail}".strip()
    up = [one.name for one in status.services if one.container.alive]
    return f"Cancelled. Left running: {', '.join(up)}." if up else "Cancelled. Nothing runs there."


# ---- words -------------------------------------------------------------------------------------


def how_far(progress: float | None, eta_s: float | None) -> str:
    """`62 %, about 2 min left`; empty when nothing of it is known."""
    parts = [] if progress is None else [f"{progress:.0%}"]
    parts += [] if eta_s is None else [f"{span(eta_s)} left"]
    return ", ".join(parts)


def progress_words(operation: Operation) -> str:
    far = how_far(operation.progress, operation.eta_s)
    return f"{operation.step} ({far})" if far else operation.step


# ---- the end -----------------------------------------------------------------------------------


async def together(deeds: Iterable[Coroutine[Any, Any, Outcome]]) -> list[Outcome]:
    """Boxes do not wait for each other."""
    return list(await asyncio.gather(*deeds))


def report(outcomes: Sequence[Outcome], *, as_json: bool) -> int:
    """Prints how it went; the exit status: 0 when all of it is done."""
    done = all(one.state is OperationState.DONE for one in outcomes)
    if as_json:
        rows = [
            {
                "place": one.place,
                "names": list(one.names),
                "state": one.state.value,
                "sentence": one.sentence,
                "remedies": list(one.remedies),
            }
            for one in outcomes
        ]
        print(json.dumps({"done": done, "outcomes": rows}, ensure_ascii=False))
        return 0 if done else 1
    for one in outcomes:
        if one.state is OperationState.DONE:
            print(f"{one.place}: {one.sentence}")
            continue
        to_stderr(f"strixdesk: {one.place}: {one.sentence}")
        for remedy in one.remedies:
            to_stderr(f"  → {remedy}")
    return 0 if done else 1


def chosen_box(boxes: Boxes, name: str | None) -> Box:
    """By its name; without one, the only one there is. Raises BoxError."""
    every = boxes.all()
    names = ", ".join(box.name for box in every)
    if not every:
        raise BoxError(
            "No box is configured.",
            'Add [[boxes]] with name = "…" and host = "…" to the settings file.',
        )
    if name is None:
        if len(every) > 1:
            raise BoxError(f"There are several boxes: {names}.", "Say which with --box NAME.")
        return every[0]
    wanted = name.strip().casefold()
    for box in every:
        if box.name.casefold() == wanted:
            return box
    raise BoxError(f"There is no box “{name}”.", f"There are: {names}.")
