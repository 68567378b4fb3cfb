"""Keeps the status of one tier: the only writer of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from strixdesk.backends import tier_errors
from strixdesk.backends.probe import Probe
from strixdesk.backends.pulse import PulseLost
from strixdesk.backends.rhythm import Rhythm
from strixdesk.backends.servers import Served
from strixdesk.backends.starter import StarterServer, exit_words
from strixdesk.core.errors import TierError, TierLoading, TierTimeout, TierUnreachable
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.tier_health import Backing, merged


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a tier is looked at; seconds."""

    watched_s: float = 5.0
    """While somebody looks at the list of tiers."""
    beat_s: float = 0.9
    """Between two signs of life of one that is ready and watched, over a connection of its own."""
    idle_s: float = 30.0
    loading_s: float = 1.0
    away_s: float = 2.0
    """A tier that is away and watched: soon seen when it is back …"""
    longest_s: float = 60.0
    """… and if it stays away, asked at ever longer intervals, up to this one or, watched, to
    three times `watched_s`."""

    def delay_s(self, state: TierState, failures: int, *, watched: bool) -> float:
        if state in {TierState.STARTING, TierState.LOADING}:
            return self.loading_s
        if watched and failures and state is TierState.UNREACHABLE:
            # nobody is bothered by that: nothing listens there
            base = min(self.away_s, self.watched_s)
            return min(base * 2.0 ** min(failures // 10, 8), self.watched_s * 3)
        base = self.watched_s if watched else self.idle_s
        longest = self.watched_s * 3 if watched else self.longest_s
        return min(base * 2.0 ** min(failures, 8), max(base, longest))


@dataclass(slots=True)
class _Request:
    start: bool
    answer: asyncio.Future[TierStatus]


class TierKeeper:
    """One task looks, starts where that is its business, and writes; others ask and read."""

    def __init__(
        self,
        tier: Tier,
        probe: Probe,
        on_change: Callable[[Tier, TierStatus], None],
        *,
        starter: StarterServer | None = None,
        pace: Pace | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.tier = tier
        self._probe = probe
        self._on_change = on_change
        self._starter = starter
        self._pace = pace or Pace()
        self._now = now
        self.status = TierStatus(
            TierState.STOPPED if starter else TierState.UNKNOWN,
            now(),
            "It starts with the first question." if starter else "",
        )
        self._heard = self.status
        """What the server itself told; `status` is what comes of it with what its box knows."""
        self._backing: Backing | None = None
        self._rhythm = Rhythm(tier, self._felt_the_end)
        self._requests: list[_Request] = []
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._polled = False
        self._watched = True
        self._asleep = False
        self._doubted = False
        self._failures = 0
        self._looked_at = float("-inf")
        if starter:
            starter.on_exit(self.nudge)

    def age_s(self) -> float:
        """Seconds since the last look."""
        return time.monotonic() - self._looked_at

    def poll(self, *, watched: bool) -> None:
        """Look from now on, at the pace of the list being watched or not."""
        self._polled, self._watched = True, watched
        self._ensure_task()
        self.nudge()

    def nudge(self) -> None:
        """Look soon: there is reason to doubt what is known."""
        self._looked_at = float("-inf")
        self._doubted = True
        self._work.set()

    def set_asleep(self, asleep: bool) -> None:
        """The computer's lid is closed: no looks but those that are asked for."""
        self._asleep = asleep
        self.nudge()

    def know(self, backing: Backing | None) -> None:
        """What its box knows of the service behind it."""
        if backing == self._backing:
            return
        was, self._backing = self._backing, backing
        self._publish()
        if self._polled and _turned(was, backing):
            self.nudge()

    def measured(self, tokens_per_s: float) -> None:
        """How fast its answers were lately."""
        self._rhythm.measured(tokens_per_s)
        self._write(replace(self._heard, tokens_per_s=round(tokens_per_s, 1)))

    def _felt_the_end(self) -> None:
        self._work.set()

    async def look(self, *, start: bool = False) -> TierStatus:
        """The status after a look from now on. Raises the TierError that stands against READY."""
        answer: asyncio.Future[TierStatus] = asyncio.get_running_loop().create_future()
        self._requests.append(_Request(start, answer))
        self._ensure_task()
        self._work.set()
        return await answer

    async def close(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
        await self._rhythm.close()

    def _ensure_task(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep(), name=f"tier {self.tier.name}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody may wait for a task that is gone: closed, or dead of a programming error."""
        requests, self._requests = self._requests, []
        fault = None if task.cancelled() else task.exception()
        for request in requests:
            if not request.answer.done():
                request.answer.set_exception(
                    fault or TierUnreachable(f"“{self.tier.name}” is being shut down.")
                )

    async def _keep(self) -> None:
        while True:
            await self._until_due()
            self._work.clear()
            requests, self._requests = self._requests, []
            doubted, self._doubted = self._doubted, False
            if self._asleep and not requests:
                continue
            if self._steady and not requests and not doubted and await self._feel():
                continue
            try:
                await self._look(start=any(request.start for request in requests))
            except TierError as error:
                self._write_failure(error)
                for request in requests:
                    if not request.answer.done():
                        request.answer.set_exception(error)
            except BaseException:
                self._requests += requests  # `_ended` answers them
                raise
            for request in requests:
                if not request.answer.done():
                    request.answer.set_result(self.status)

    @property
    def _steady(self) -> bool:
        """Ready, watched, and of a kind whose health costs nothing to ask for."""
        return (
            self._polled
            and self._watched
            and self._starter is None
            and self._heard.state is TierState.READY
            and self._rhythm.fits(self._heard.server)
        )

    async def _until_due(self) -> None:
        delay = None
        if self._asleep or not self._polled:
            await self._rhythm.close()
        elif self._steady:
            delay = min(self._pace.beat_s, self._pace.watched_s)
        else:
            await self._rhythm.close()
            delay = self._pace.delay_s(self._heard.state, self._failures, watched=self._watched)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._work.wait()

    async def _feel(self) -> bool:
        """Whether all is as it was: then nothing else needs to be asked."""
        try:
            pulse = await self._rhythm.beat(self._pace.watched_s)
        except PulseLost:
            self._write_failure(tier_errors.unreachable(self.tier))
            return False  # the look that follows tells more
        except TimeoutError:
            self._write(replace(self._heard, degraded="It does not answer its health check."))
            return False
        if pulse is None:
            return False
        self._looked_at = time.monotonic()
        self._write(
            replace(
                self._heard,
                activity=pulse.activity,
                tokens_per_s=pulse.tokens_per_s or self._heard.tokens_per_s,
                degraded=pulse.slow,
            )
        )
        return True

    async def _look(self, *, start: bool) -> None:
        if self._starter and not self._starter.running:
            if not start:
                self._write_at_rest(self._starter)
                return
            await self._start(self._starter)
        known_as = self._heard.server if self._heard.state is TierState.READY else None
        served = await self._probe.ask(self.tier, known_as)
        self._failures = 0
        self._looked_at = time.monotonic()
        self._write_served(served)

    async def _start(self, starter: StarterServer) -> None:
        self._write(replace(self._heard, state=TierState.STARTING, detail="It is starting."))
        await starter.launch()
        self._write(replace(self._heard, state=TierState.LOADING, detail="Its model is loading."))
        await starter.loaded()

    def _write_served(self, served: Served) -> None:
        configured = self.tier.capabilities
        # A server holds no more than it says; the user may want it to be sent less.
        held = [n for n in (served.context_tokens, self.tier.context_tokens) if n is not None]
        self._write(
            TierStatus(
                TierState.READY,
                self._heard.since,
                served.detail,
                model=served.model,
                capabilities=served.capabilities if configured is None else configured,
                context_tokens=min(held, default=None),
                server=served.server,
                latency_ms=served.latency_ms,
                tokens_per_s=self._heard.tokens_per_s,
                activity=self._heard.activity,
                unloaded=served.unloaded,
            )
        )

    def _write_at_rest(self, starter: StarterServer) -> None:
        if starter.exit_status is None:
            if self._heard.state is not TierState.FAILED:  # a failed start stays told
                self._write(replace(self._heard, state=TierState.STOPPED, latency_ms=None))
            return
        how = exit_words(starter.exit_status)
        self._write(
            replace(
                self._heard,
                state=TierState.FAILED,
                detail=f"It stopped unexpectedly{how}. It starts again with the next question.",
                latency_ms=None,
            )
        )

    def _write_failure(self, error: TierError) -> None:
        """What was known of its model stays known."""
        match error:
            case TierLoading():
                state = TierState.LOADING
            case TierUnreachable() | TierTimeout():
                state = TierState.FAILED if self._starter else TierState.UNREACHABLE
            case _:
                state = TierState.FAILED
        self._failures = 0 if state is TierState.LOADING else self._failures + 1
        self._looked_at = time.monotonic()
        self._write(replace(self._heard, state=state, detail=error.sentence(), latency_ms=None))

    def _write(self, heard: TierStatus) -> None:
        if heard.state is not TierState.READY:
            heard = replace(heard, activity=None, degraded="", unloaded=False)
        self._heard = heard
        self._publish()

    def _publish(self) -> None:
        old, status = self.status, merged(self._heard, self._backing)
        since = old.since if status.state is old.state else self._now()
        self.status = replace(status, since=since)
        # the time of the last request moves with every look and is no news
        if replace(self.status, latency_ms=None) != replace(old, latency_ms=None):
            self._on_change(self.tier, self.status)


def _turned(was: Backing | None, now: Backing | None) -> bool:
    """The box's news may have changed what the server answers: it came up, it went away."""

    def stand(backing: Backing | None) -> object:
        service = backing.service if backing else None
        return (
            backing.broken is None if backing else None,
            service and (service.container, service.health, bool(service.phase), service.restarts),
        )

    return stand(was) != stand(now)
