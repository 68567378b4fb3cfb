"""The tiers and boxes of a session: what a window asks of them, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from strixdesk.core.box import Deed
from strixdesk.core.errors import StrixError
from strixdesk.core.events import (
    Failed,
    Noticed,
    ServersFound,
    TierChanged,
    TiersChanged,
    UsageChanged,
)
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.usage import UsageReport
from strixdesk.session.background import Background
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.ports import Boxes
from strixdesk.session.services import Services
from strixdesk.session.tier_control import TierControl
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import BoxSettings


class TierDesk(Background):
    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._tier: str | None = None
        services.tiers.subscribe(self._tier_moved)
        services.tiers.subscribe_list(self._tell_tiers)
        if services.boxes:
            services.boxes.subscribe(self._emit)
        self._control = TierControl(services.tiers, services.boxes, services.controls, self._emit)
        self._usage = services.usage or UsageBook(services.store, services.settings.usage)
        self._usage.subscribe(lambda: self._emit(UsageChanged()))

    def _tier_moved(self, tier: Tier, status: TierStatus) -> None:
        self._emit(TierChanged(tier, status))

    # -- tiers ---------------------------------------------------------------------------------

    def tiers(self) -> tuple[tuple[Tier, TierStatus], ...]:
        statuses = self._services.tiers.statuses()
        unknown = TierStatus(TierState.UNKNOWN, since=0.0)
        return tuple((t, statuses.get(t.name, unknown)) for t in self._services.tiers.all())

    def refresh_tiers(self) -> None:
        self._spawn(self._services.tiers.refresh())
        self._spawn(self._discover())

    async def _discover(self) -> None:
        if found := await self._services.tiers.discover():
            self._emit(ServersFound(tuple(found)))

    def adopt_tier(self, tier: Tier) -> None:
        self._services.tiers.add(tier)
        self._tell_tiers()
        self.refresh_tiers()

    def _tell_tiers(self) -> None:
        self._emit(TiersChanged(self._services.tiers.all()))
        for tier, status in self.tiers():
            self._emit(TierChanged(tier, status))

    def decorate_tiers(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        self._services.tiers.decorate(labels, favourites)

    def switch_to_cloud(self, role: str, on: bool) -> None:
        self._spawn(self._switch(role, on))

    async def _switch(self, role: str, on: bool) -> None:
        try:
            tiers = self._services.tiers.all()
            self._emit(Noticed(await self._services.cloud.turn(role, on, tiers)))
        except StrixError as error:
            self._emit(Failed(error.message, error.advice))

    async def usage(self, month: str | None = None) -> UsageReport:
        return await self._usage.report(month)

    def set_tier(self, name: str | None) -> None:
        self._tier = name

    # -- boxes ---------------------------------------------------------------------------------

    def boxes(self) -> Boxes | None:
        return self._services.boxes

    def box_tools(self) -> BoxTools | None:
        return self._services.box_tools

    def save_box(self, box: BoxSettings, tiers: Sequence[Tier]) -> None:
        if boxes := self._services.boxes:
            boxes.add(box.box())
        self._services.tiers.return_box(box.name)
        for tier in tiers:
            self.adopt_tier(tier)

    def remove_box(self, name: str) -> None:
        self._services.tiers.remove_box(name)
        if boxes := self._services.boxes:
            boxes.remove(name)

    def control_tier(self, name: str, deed: Deed) -> None:
        self._spawn(self._control.do(name, deed))

    def set_watched(self, watched: bool) -> None:
        self._services.tiers.set_watched(watched)
        if boxes := self._services.boxes:
            boxes.set_watched(watched)

    def set_asleep(self, asleep: bool) -> None:
        self._services.tiers.set_asleep(asleep)
        if boxes := self._services.boxes:
            boxes.set_asleep(asleep)
