"""Starts and stops tiers that are no compose services, each where it runs: a `Controls`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.unit_control import UnitControl, control_of
from strixdesk.core.box import Box, Deed
from strixdesk.core.errors import BoxError
from strixdesk.core.on_demand import HERE
from strixdesk.core.tier import Tier


class UnitControls:
    def __init__(
        self,
        boxes: Callable[[], Sequence[Box]],
        shell_of: Callable[[Box], Shell],
        http: httpx.AsyncClient,
    ) -> None:
        """Takes over `http`."""
        self._boxes = boxes
        self._shell_of = shell_of
        self._http = http
        self._shells: dict[Box, Shell] = {}

    def check(self, tier: Tier, deed: Deed) -> None:
        """Raises BoxError for what cannot be done at all."""
        if deed is Deed.PULL:
            raise BoxError(f"“{tier.title}” is no compose service: it has no image to fetch.")
        self._unit(tier)

    async def do(
        self, tier: Tier, deed: Deed, tell: Callable[[str], None] = lambda step: None
    ) -> None:
        """Returns when the command or the server says that it is done. Raises BoxError."""
        self.check(tier, deed)
        unit = self._unit(tier)
        if deed in {Deed.STOP, Deed.RESTART}:
            tell("Stopping.")
            await unit.stop()
        if deed in {Deed.START, Deed.RESTART}:
            tell("Starting.")
            await unit.start()

    async def is_running(self, tier: Tier) -> bool | None:
        """None: that cannot be told. Raises BoxError."""
        return await self._unit(tier).is_running()

    async def close(self) -> None:
        for shell in self._shells.values():
            await shell.close()
        await self._http.aclose()

    def _unit(self, tier: Tier) -> UnitControl:
        unit = control_of(tier, self._shell(tier), self._http)
        if unit is None:
            raise BoxError(
                f"“{tier.title}” cannot be started or stopped from here.",
                "Give its `control` in the settings.",
            )
        return unit

    def _shell(self, tier: Tier) -> Shell:
        name = tier.control.box if tier.control else ""
        box = next((one for one in self._boxes() if one.name == name), None) if name else HERE
        if box is None:
            raise unknown_box(name)
        if box not in self._shells:
            self._shells[box] = self._shell_of(box)
        return self._shells[box]


def unknown_box(name: str) -> BoxError:
    return BoxError(
        f"The box “{name}” is not in the settings.",
        f'Add [[boxes]] with name = "{name}" and its host.',
    )
