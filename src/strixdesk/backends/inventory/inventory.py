"""All tiers of all sources in one list: hand-written ones, those of sources, the starter."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from strixdesk.backends.http import place_of
from strixdesk.backends.inventory.known import load_known, save_known
from strixdesk.backends.inventory.source import Listed, Listing, Source, split_name
from strixdesk.backends.tier_watch import FRESH_S, TierWatch
from strixdesk.core.errors import StrixError, TierError, TierLoading, TierRefused, TierUnreachable
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.tier_health import Backing


@dataclass(frozen=True, slots=True)
class SourcePace:
    """How often a source is asked what it has; seconds."""

    watched_s: float = 15.0
    idle_s: float = 120.0
    longest_s: float = 300.0

    def delay_s(self, failures: int, *, watched: bool) -> float:
        base = self.watched_s if watched else self.idle_s
        return min(base * 2.0 ** min(failures, 8), max(base, self.longest_s))


@dataclass(slots=True)
class _Kept:
    """A source, and what was last heard of it."""

    source: Source
    listing: Listing
    read_at: float = float("-inf")
    """Monotonic."""
    problem: StrixError | None = None
    failures: int = 0
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: dict[str, TierStatus] = field(default_factory=dict)
    """Of its models without servers of their own."""
    speeds: dict[str, float] = field(default_factory=dict)
    """Tokens per second of their answers, measured here."""
    task: asyncio.Task[None] | None = None
    """Asks it again and again."""

    def is_stack_of(self, box: str) -> bool:
        tiers = [one.tier for one in self.listing.models]
        return bool(tiers) and all(tier.control and tier.control.box == box for tier in tiers)


class Inventory:
    """A `Tiers`. The watch keeps what has a server of its own; the rest is told by its source."""

    def __init__(
        self,
        watch: TierWatch,
        sources: Sequence[Source] = (),
        *,
        known_file: Path | None = None,
        labels: Mapping[str, str] | None = None,
        favourites: frozenset[str] = frozenset(),
        pace: SourcePace | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`labels` and `favourites` are the user's own, by tier name."""
        self._watch = watch
        self._known_file = known_file
        self._labels = dict(labels or {})
        self._favourites = favourites
        self._pace = pace or SourcePace()
        self._now = now
        self._on_change: list[Callable[[Tier, TierStatus], None]] = []
        self._untold: deque[tuple[Tier, TierStatus]] = deque()
        self._on_list: list[Callable[[], None]] = []
        self._saving = asyncio.Lock()
        self._put_aside: dict[str, _Kept] = {}
        """Stacks of boxes that were removed."""
        self._ended: list[asyncio.Task[None]] = []
        """What asked them."""
        self._watched = True
        self._asleep = False
        known = load_known(known_file) if known_file and sources else {}
        self._kept = {
            source.name: _Kept(source, known.get(source.name, Listing(()))) for source in sources
        }
        for kept in self._kept.values():
            self._place(kept, Listing(()), stale="It is being asked for its models.")
        watch.subscribe(self._pass_on)

    # -- the list --------------------------------------------------------------------------------

    def all(self) -> tuple[Tier, ...]:
        """Hand-written ones, then sources in their order, the starter last."""
        listed = [one.tier for kept in self._kept.values() for one in kept.listing.models]
        watched = {tier.name: tier for tier in self._watch.all()}
        from_sources = [watched.pop(tier.name, tier) for tier in listed]
        own = [tier for tier in watched.values() if not tier.starter]
        starter = [tier for tier in watched.values() if tier.starter]
        return tuple(map(self._decorated, (*own, *from_sources, *starter)))

    def problems(self) -> dict[str, str]:
        """What is wrong with sources, as sentences, by source; those that are well are missing."""
        return {name: kept.problem.sentence() for name, kept in self._kept.items() if kept.problem}

    def left_out(self) -> dict[str, tuple[str, ...]]:
        """What sources have that could not be taken up, and why."""
        return {name: kept.listing.left_out for name, kept in self._kept.items()}

    def _decorated(self, tier: Tier) -> Tier:
        label = self._labels.get(tier.name, tier.label)
        return replace(tier, label=label, favourite=tier.name in self._favourites)

    def decorate(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        """The user's own, by tier name, from now on."""
        self._labels, self._favourites = dict(labels), favourites
        for tell in self._on_list:
            tell()

    def statuses(self) -> dict[str, TierStatus]:
        told = {name: self._greyed(name, one) for name, one in self._watch.statuses().items()}
        for kept in self._kept.values():
            told |= kept.statuses
        return told

    def status_of(self, tier: Tier) -> TierStatus | None:
        kept = self._kept_of(tier)
        if kept and tier.name in kept.statuses:
            return kept.statuses[tier.name]
        status = self._watch.status_of(tier)
        return self._greyed(tier.name, status) if status else None

    def subscribe(self, on_change: Callable[[Tier, TierStatus], None]) -> None:
        self._on_change.append(on_change)

    def subscribe_list(self, on_change: Callable[[], None]) -> None:
        """Tiers came or went."""
        self._on_list.append(on_change)

    # -- looking ---------------------------------------------------------------------------------

    async def start(self, *, starter: bool = False) -> None:
        await self._watch.start(starter=starter)
        for kept in self._kept.values():
            kept.task = asyncio.create_task(self._keep(kept))

    def set_watched(self, watched: bool) -> None:
        self._watched = watched
        self._watch.set_watched(watched)
        for kept in self._kept.values():
            kept.work.set()

    async def refresh(self) -> None:
        known = set(self._watch.all())
        await asyncio.gather(self._watch.refresh(), *map(self._read, self._kept.values()))
        new = [tier for tier in self._watch.all() if tier not in known]
        await asyncio.gather(*map(self._look, new))

    async def _look(self, tier: Tier) -> None:
        with contextlib.suppress(TierError):  # it is in the status
            await self._watch.ensure_ready(tier)

    async def ensure_ready(self, tier: Tier) -> TierStatus:
        """Raises TierError."""
        kept = self._kept_of(tier)
        if kept is None or kept.listing.own_servers:
            return await self._watch.ensure_ready(tier)
        if kept.problem or time.monotonic() - kept.read_at > FRESH_S:
            await self._read(kept)
        match kept.problem:
            case None:
                pass
            case TierLoading() as loading:
                raise loading
            case problem:
                raise TierUnreachable(problem.message, problem.advice)
        status = kept.statuses.get(tier.name)
        if status is None:
            raise TierRefused(
                f"“{kept.source.name}” no longer has {split_name(tier.name)[1]}.",
                "Choose another tier.",
            )
        return status

    def doubt(self, tier: Tier) -> None:
        kept = self._kept_of(tier)
        if kept is None or kept.listing.own_servers:
            self._watch.doubt(tier)
        else:
            kept.read_at = float("-inf")
            kept.work.set()

    def add(self, tier: Tier) -> None:
        self._watch.add(tier)

    def remove_box(self, box: str) -> None:
        for name in [name for name, kept in self._kept.items() if kept.is_stack_of(box)]:
            kept = self._put_aside[name] = self._kept.pop(name)
            if kept.task:
                kept.task.cancel()
                self._ended.append(kept.task)
        for tier in self._watch.all():
            if tier.control and tier.control.box == box:
                self._watch.remove(tier.name)
        for tell in self._on_list:
            tell()

    def return_box(self, box: str) -> None:
        for name in [name for name, kept in self._put_aside.items() if kept.is_stack_of(box)]:
            kept = self._kept[name] = self._put_aside.pop(name)
            self._place(kept, Listing(()), stale="It is being asked for its models.")
            if kept.task:
                kept.task = asyncio.create_task(self._keep(kept))

    def know(self, name: str, backing: Backing | None) -> None:
        """What a box tells of the service behind a tier."""
        self._watch.know(name, backing)

    def measured(self, name: str, tokens_per_s: float) -> None:
        """How fast its answers were lately."""
        self._watch.measured(name, tokens_per_s)
        for kept in self._kept.values():
            if status := kept.statuses.get(name):
                kept.statuses[name] = replace(status, tokens_per_s=tokens_per_s)
                if status.unloaded:  # not any more; and another may have made room for it
                    kept.read_at = float("-inf")
                    kept.work.set()
            if split_name(name)[0] == kept.source.name:
                kept.speeds[name] = tokens_per_s

    def set_asleep(self, asleep: bool) -> None:
        """The computer's lid is closed: nothing is asked until it opens."""
        self._asleep = asleep
        self._watch.set_asleep(asleep)
        for kept in self._kept.values():
            kept.work.set()

    async def discover(self) -> list[Tier]:
        known = {place_of(tier.base_url) for tier in self.all()}
        return [
            tier for tier in await self._watch.discover() if place_of(tier.base_url) not in known
        ]

    async def close(self) -> None:
        tasks = self._ended + [kept.task for kept in self._kept.values() if kept.task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._watch.close()

    # -- one source ------------------------------------------------------------------------------

    async def _keep(self, kept: _Kept) -> None:
        while True:
            kept.work.clear()
            delay = None
            if not self._asleep:
                await self._read(kept)
                delay = self._pace.delay_s(kept.failures, watched=self._watched)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await kept.work.wait()

    async def _read(self, kept: _Kept) -> None:
        """Asks it once; whoever comes while it is asked waits for the same answer."""
        before = kept.read_at
        async with kept.reading:
            if kept.read_at > before:
                return
            try:
                listing = await kept.source.read()
            except StrixError as error:
                kept.problem, kept.failures = error, kept.failures + 1
                kept.read_at = time.monotonic()
                self._place(kept, kept.listing, stale=error.sentence())
                return
            former, kept.listing = kept.listing, listing
            kept.problem, kept.failures = None, 0
            kept.read_at = time.monotonic()
        self._place(kept, former)
        if self._known_file and former != listing:
            async with self._saving:  # so that the newest is written last
                known = {name: one.listing for name, one in self._kept.items()}
                await asyncio.to_thread(save_known, self._known_file, known)

    def _place(self, kept: _Kept, former: Listing, *, stale: str = "") -> None:
        """Brings the list and the statuses to what the source has now, or last had."""
        was = {one.tier.name: one.tier for one in former.models}
        now = {one.tier.name: one.tier for one in kept.listing.models}
        for name in was:
            if former.own_servers and was[name] != now.get(name):
                self._watch.remove(name)
        present = {tier.name for tier in self._watch.all()}
        for name, tier in now.items():
            if kept.listing.own_servers and name not in present:
                self._watch.add(tier)
        statuses, kept.statuses = kept.statuses, {}
        if not kept.listing.own_servers:
            for one in kept.listing.models:
                name = one.tier.name
                status = self._status(one, statuses.get(name), kept.problem, stale)
                kept.statuses[name] = replace(status, tokens_per_s=kept.speeds.get(name))
        if was != now:
            for tell in self._on_list:
                tell()
        for one in kept.listing.models:
            name = one.tier.name
            if kept.listing.own_servers:
                if stale and (watched := self._watch.status_of(one.tier)):
                    self._tell(one.tier, self._greyed(name, watched))
            elif kept.statuses[name] != statuses.get(name):
                self._tell(one.tier, kept.statuses[name])

    def _status(
        self, one: Listed, former: TierStatus | None, problem: StrixError | None, stale: str
    ) -> TierStatus:
        state = one.state
        if stale:
            state = TierState.UNKNOWN
        if problem:
            loading = isinstance(problem, TierLoading)
            state = TierState.LOADING if loading else TierState.UNREACHABLE
        told = one.tier.capabilities
        return TierStatus(
            state,
            former.since if former and former.state is state else self._now(),
            stale or one.detail,
            model=one.tier.model,
            capabilities=one.capabilities if told is None else told,
            context_tokens=one.tier.context_tokens or one.context_tokens,
            server=one.server,
            unloaded=one.unloaded and state is TierState.READY,
            stale=bool(stale),
        )

    def _greyed(self, name: str, status: TierStatus) -> TierStatus:
        """A tier with a server of its own can be well while its source is not."""
        kept = self._kept.get(split_name(name)[0])
        if kept and kept.problem and status.state is not TierState.READY:
            return replace(status, stale=True)
        return status

    def _kept_of(self, tier: Tier) -> _Kept | None:
        return self._kept.get(split_name(tier.name)[0])

    def _pass_on(self, tier: Tier, status: TierStatus) -> None:
        self._tell(tier, self._greyed(tier.name, status))

    def _tell(self, tier: Tier, status: TierStatus) -> None:
        """Everyone hears everything in its order, what a subscriber brings about by it included."""
        self._untold.append((tier, status))
        if len(self._untold) > 1:
            return
        while self._untold:
            tier, status = self._untold[0]
            try:
                for tell in self._on_change:
                    tell(self._decorated(tier), status)
            finally:
                self._untold.popleft()
