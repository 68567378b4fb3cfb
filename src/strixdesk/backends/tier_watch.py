"""Every tier there is, and what is known of each."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx

from strixdesk.backends.discovery import discover_local
from strixdesk.backends.http import make_http_client
from strixdesk.backends.keychain import Keychain
from strixdesk.backends.probe import Probe
from strixdesk.backends.starter import StarterServer
from strixdesk.backends.tier_keeper import Pace, TierKeeper
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.tier_health import Backing

FRESH_S = 10.0
"""A tier that was seen ready so lately is not asked again before a question."""


class TierWatch:
    """A `Tiers`. Looks at tiers when asked to, and from `start` on by itself."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        *,
        starter: StarterServer | None = None,
        http: httpx.AsyncClient | None = None,
        keychain: Keychain | None = None,
        pace: Pace | None = None,
        fresh_s: float = FRESH_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """The starter's tier is the last of the list."""
        self._http = http or make_http_client()
        self._owns_http = http is None
        self._probe = Probe(self._http, keychain)
        self._starter = starter
        self._pace = pace or Pace()
        self._fresh_s = fresh_s
        self._now = now
        self._subscribers: list[Callable[[Tier, TierStatus], None]] = []
        self._polling: bool | None = None
        """None: not polling; else whether the list is watched."""
        self._warming: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._keepers = {tier.name: self._keeper(tier) for tier in tiers}
        if starter:
            self._keepers[starter.tier.name] = self._keeper(starter.tier, starter)

    def all(self) -> tuple[Tier, ...]:
        return tuple(keeper.tier for keeper in self._keepers.values())

    def statuses(self) -> dict[str, TierStatus]:
        return {name: keeper.status for name, keeper in self._keepers.items()}

    def status_of(self, tier: Tier) -> TierStatus | None:
        keeper = self._keepers.get(tier.name)
        return keeper.status if keeper else None

    def subscribe(self, on_change: Callable[[Tier, TierStatus], None]) -> None:
        self._subscribers.append(on_change)

    async def start(self, *, starter: bool = False) -> None:
        """Poll from now on. `starter`: have "This computer" ready before the first question."""
        self.set_watched(True)
        if starter and self._starter:
            keeper = self._keepers[self._starter.tier.name]
            self._warming = asyncio.create_task(_quietly(keeper.look(start=True)))

    def set_watched(self, watched: bool) -> None:
        """Somebody looks at the list (frequent polls), or nobody does (rare ones)."""
        self._polling = watched
        for keeper in self._keepers.values():
            keeper.poll(watched=watched)

    def set_asleep(self, asleep: bool) -> None:
        """The computer's lid is closed: no looks but those that are asked for."""
        for keeper in self._keepers.values():
            keeper.set_asleep(asleep)

    def know(self, name: str, backing: Backing | None) -> None:
        """What a box knows of the service behind a tier. Nothing for a name that is not there."""
        if keeper := self._keepers.get(name):
            keeper.know(backing)

    def measured(self, name: str, tokens_per_s: float) -> None:
        """How fast its answers were lately. Nothing for a name that is not there."""
        if keeper := self._keepers.get(name):
            keeper.measured(tokens_per_s)

    def add(self, tier: Tier) -> None:
        """A server that was found. Its name must be new; the starter stays last."""
        if tier.name in self._keepers:
            raise ValueError(f"there is a tier called {tier.name!r} already")
        last = self._keepers.pop(self._starter.tier.name) if self._starter else None
        keeper = self._keepers[tier.name] = self._keeper(tier)
        if last:
            self._keepers[last.tier.name] = last
        if self._polling is not None:
            keeper.poll(watched=self._polling)

    def remove(self, name: str) -> None:
        """Its source no longer has it. Nothing for a name that is not there."""
        if keeper := self._keepers.pop(name, None):
            closing = asyncio.create_task(keeper.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def discover(self) -> list[Tier]:
        """Servers on this machine that are not in the list yet; `add` takes them up."""
        return await discover_local(self.all(), http=self._http)

    async def ensure_ready(self, tier: Tier) -> TierStatus:
        keeper = self._keepers.get(tier.name)
        if keeper is None:
            raise ValueError(f"no tier is called {tier.name!r}")
        if keeper.status.state is TierState.READY and keeper.age_s() < self._fresh_s:
            return keeper.status
        return await keeper.look(start=True)

    def doubt(self, tier: Tier) -> None:
        """An answer of it failed: look again before it is trusted again."""
        if keeper := self._keepers.get(tier.name):
            keeper.nudge()

    async def refresh(self) -> None:
        await asyncio.gather(*(_quietly(keeper.look()) for keeper in self._keepers.values()))

    async def close(self) -> None:
        if self._warming:
            self._warming.cancel()
        for keeper in self._keepers.values():
            await keeper.close()
        await asyncio.gather(*self._closing)
        if self._starter:
            await self._starter.close()
        if self._owns_http:
            await self._http.aclose()

    def _keeper(self, tier: Tier, starter: StarterServer | None = None) -> TierKeeper:
        return TierKeeper(
            tier, self._probe, self._tell, starter=starter, pace=self._pace, now=self._now
        )

    def _tell(self, tier: Tier, status: TierStatus) -> None:
        for subscriber in self._subscribers:
            subscriber(tier, status)


async def _quietly(look: Awaitable[TierStatus]) -> None:
    with contextlib.suppress(TierError):  # it is in the status
        await look
