"""The machines that run the stacks: a `Boxes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from strixdesk.backends.box.control import Patience
from strixdesk.backends.box.keeper import BoxKeeper, BoxPace, World
from strixdesk.backends.box.services import start_key
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.core.box import Box, BoxStatus, Deed, Operation
from strixdesk.core.errors import BoxError
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Stack


class BoxWatch:
    """A `Boxes`. Looks at boxes when asked to, and from `start` on by itself."""

    def __init__(
        self,
        boxes: Sequence[Box],
        shell_of: Callable[[Box], Shell],
        world: World,
        *,
        wake: Callable[[Box], None],
        history: StartHistory | None = None,
        pace: BoxPace | None = None,
        patience: Patience | None = None,
        who: str | None = None,
    ) -> None:
        """`wake` sends the packets for a box that has an Ethernet address."""
        self._world = world
        self._wake = wake
        self._subscribers: list[Callable[[BoxChanged | BoxesChanged], None]] = []
        history = self._history = history or StartHistory()

        def keeper_of(box: Box) -> BoxKeeper:
            return BoxKeeper(
                box,
                shell_of(box),
                world,
                self._tell,
                history=history,
                pace=pace,
                patience=patience,
                who=who,
            )

        self._keeper_of = keeper_of
        self._keepers = {box.name: keeper_of(box) for box in boxes}
        self._closing: set[asyncio.Task[None]] = set()
        self._watched: bool | None = None
        """None: they do not look by themselves."""

    def all(self) -> tuple[Box, ...]:
        return tuple(keeper.box for keeper in self._keepers.values())

    def add(self, box: Box) -> None:
        """One that was found, or found anew under a name that is known: watched from now on."""
        if former := self._keepers.get(box.name):
            self._close(former)
        keeper = self._keepers[box.name] = self._keeper_of(box)
        if self._watched is not None:
            keeper.poll(watched=self._watched)
        self._told(BoxesChanged(self.all()))

    def remove(self, name: str) -> None:
        if keeper := self._keepers.pop(name, None):
            self._close(keeper)
            self._told(BoxesChanged(self.all()))

    def status_of(self, box: Box) -> BoxStatus:
        return self._keeper(box).status

    def stack_of(self, box: Box) -> Stack | None:
        return self._keeper(box).stack

    def expected_start_s(self, box: Box, service: str) -> float | None:
        stack = self.stack_of(box)
        return self._history.expected_s(
            start_key(box, service, stack.service(service) if stack else None)
        )

    def subscribe(self, on_event: Callable[[BoxChanged | BoxesChanged], None]) -> None:
        self._subscribers.append(on_event)

    async def start(self) -> None:
        self.set_watched(True)

    def set_watched(self, watched: bool) -> None:
        self._watched = watched
        for keeper in self._keepers.values():
            keeper.poll(watched=watched)

    def set_asleep(self, asleep: bool) -> None:
        for keeper in self._keepers.values():
            keeper.set_asleep(asleep)

    async def refresh(self, box: Box) -> BoxStatus:
        return await self._keeper(box).refresh()

    def doubt(self, box: Box) -> None:
        """One of its tiers does not answer any more: look at it soon."""
        self._keeper(box).nudge()

    def forecast(self, box: Box, services: Sequence[str]) -> Forecast | None:
        keeper = self._keeper(box)
        if keeper.stack is None:
            return None
        return self._world.forecast(box, keeper.stack, keeper.status, services)

    async def do(
        self,
        box: Box,
        deed: Deed,
        services: Sequence[str] = (),
        *,
        mode: str | None = None,
        override: bool = False,
    ) -> Operation:
        return await self._keeper(box).do(deed, services, mode, override=override)

    def cancel(self, box: Box) -> None:
        self._keeper(box).cancel()

    def log_lines(self, box: Box, service: str, tail: int = 200) -> AsyncGenerator[str, None]:
        return self._keeper(box).log_lines(service, tail)

    async def wake(self, box: Box) -> None:
        if not box.mac:
            raise BoxError(
                f"“{box.name}” cannot be woken: its Ethernet address is not known.",
                "Give `mac` of this box in the settings.",
            )
        await asyncio.to_thread(self._wake, box)

    async def close(self) -> None:
        await asyncio.gather(*(keeper.close() for keeper in self._keepers.values()))
        await asyncio.gather(*self._closing)

    def _close(self, keeper: BoxKeeper) -> None:
        closing = asyncio.create_task(keeper.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _keeper(self, box: Box) -> BoxKeeper:
        return self._keepers[box.name]

    def _tell(self, keeper: BoxKeeper, stack_changed: bool) -> None:
        event: BoxChanged | BoxesChanged = BoxChanged(keeper.box, keeper.status)
        if stack_changed:
            event = BoxesChanged(self.all())
        self._told(event)

    def _told(self, event: BoxChanged | BoxesChanged) -> None:
        for subscriber in self._subscribers:
            subscriber(event)
