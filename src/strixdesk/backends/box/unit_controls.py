"""Starts and stops tiers that are no compose services, each where it runs: a `Controls`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.unit_control import UnitControl, control_of
from strixdesk.core.box import Box, Deed
from strixdesk.core.errors import BoxError
from strixdesk.core.tier import Tier

_HERE = Box("this machine")


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

    async def do(self, tier: Tier, deed: Deed) -> None:
        """Returns when the command or the server says that it is done. Raises BoxError."""
        unit = self._unit(tier)
        match deed:
            case Deed.START:
                await unit.start()
            case Deed.STOP:
                await unit.stop()
            case Deed.RESTART:
                await unit.stop()
                await unit.start()
            case Deed.PULL:
                raise BoxError(
                    f"There is nothing to pull for “{tier.title}”.", "It is no compose service."
                )

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
        box = next((one for one in self._boxes() if one.name == name), None) if name else _HERE
        if box is None:
            raise BoxError(f"No box is called “{name}”.", f"Correct the control of “{tier.title}”.")
        if box not in self._shells:
            self._shells[box] = self._shell_of(box)
        return self._shells[box]
