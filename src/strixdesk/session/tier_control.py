"""Starts and stops a tier by its name, whatever it is controlled with."""

from __future__ import annotations

from collections.abc import Callable

from strixdesk.core.box import Deed, OperationState
from strixdesk.core.errors import BoxError, StrixError
from strixdesk.core.events import Event, Failed, Noticed
from strixdesk.core.tier import ControlKind, Tier
from strixdesk.session.ports import Boxes, Controls, Tiers

_DOING = {
    Deed.START: "being started",
    Deed.STOP: "being stopped",
    Deed.RESTART: "being restarted",
    Deed.PULL: "being pulled",
}


class TierControl:
    def __init__(
        self,
        tiers: Tiers,
        boxes: Boxes | None,
        controls: Controls | None,
        emit: Callable[[Event], None],
    ) -> None:
        self._tiers = tiers
        self._boxes = boxes
        self._controls = controls
        self._emit = emit
        self._busy: dict[str, Deed] = {}

    async def do(self, name: str, deed: Deed) -> None:
        """Never raises: what it did and what went wrong is told."""
        tier = next((one for one in self._tiers.all() if one.name == name), None)
        if tier is None:
            self._emit(Failed(f"There is no tier called “{name}”."))
            return
        if doing := self._busy.get(name):
            self._emit(Noticed(f"“{tier.title}” is {_DOING[doing]} already."))
            return
        self._busy[name] = deed
        try:
            await self._do(tier, deed)
        except StrixError as error:
            self._emit(Failed(error.message, error.advice))
        finally:
            del self._busy[name]
            self._tiers.doubt(tier)  # its state is another one now

    async def _do(self, tier: Tier, deed: Deed) -> None:
        control = tier.control
        if control is None:
            raise BoxError(
                f"“{tier.title}” cannot be started or stopped from here.",
                "Give its `control` in the settings.",
            )
        if control.kind is ControlKind.COMPOSE:
            await self._on_box(tier, deed, control.box, control.unit)
        elif self._controls:
            self._emit(Noticed(f"“{tier.title}” is {_DOING[deed]}."))
            await self._controls.do(tier, deed)

    async def _on_box(self, tier: Tier, deed: Deed, name: str, unit: str) -> None:
        """A box tells of its operations by itself, except of their end in failure."""
        boxes = self._boxes.all() if self._boxes else ()
        box = next((one for one in boxes if one.name == name or (not name and one.is_here)), None)
        if self._boxes is None or box is None:
            raise BoxError(
                f"The box of “{tier.title}” is not known.",
                "Add it to the [[boxes]] in the settings.",
            )
        ended = await self._boxes.do(box, deed, (unit,))
        if ended.state is OperationState.FAILED:
            self._emit(Failed(ended.step))
