"""Feels the pulse of a tier that is ready: alive every second, what it does every few."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strixdesk.backends import servers
from strixdesk.backends.box.metrics import Sample, activity_of, parse_metrics, parse_slots
from strixdesk.backends.pulse import Beat, Pulse, PulseLost
from strixdesk.core.tier import Activity, Tier

ALIVE_S = 1.5
_DETAIL_S = 5.0
_REST_S = 30.0
"""After a server was too busy to tell what it does."""
_LATELY = 5
_HABIT = 12
"""So many measurements make a habit; they are remembered while the program runs."""
_SLOW = 0.4
_SHORT_S = 3.0
_STRIKES = 3
"""So many connections in a row that the server ended at once: it keeps none open."""


@dataclass(frozen=True, slots=True)
class Felt:
    activity: Activity | None
    tokens_per_s: float | None
    slow: str
    """A sentence, when it is much slower than it used to be."""


class Rhythm:
    """One task uses it."""

    def __init__(self, tier: Tier, on_lost: Callable[[], None]) -> None:
        root = tier.base_url.removesuffix("/v1").removesuffix("/")
        self._models_path = "/" + tier.base_url.partition("://")[2].partition("/")[2] + "/models"
        self._root = "/" + root.partition("://")[2].partition("/")[2]
        self._plain = tier.base_url.startswith("http://")
        self._tier = tier
        self._on_lost = on_lost
        self._pulse: Pulse | None = None
        self._lasting = True
        self._strikes = 0
        self._models: object = None
        self._telling: tuple[str, ...] = ()
        """Where it tells what it does, best first; what is not there is left out."""
        self._may_sleep = False
        self._detail_at = float("-inf")
        self._sample: Sample | None = None
        self._activity: Activity | None = None
        self._speeds: deque[float] = deque(maxlen=200)

    def fits(self, server: str) -> bool:
        """Its health is cheap to ask for, and it keeps connections open."""
        return self._plain and self._lasting and server in {servers.LLAMA, servers.VLLM}

    async def beat(self, detail_s: float) -> Felt | None:
        """None: something has changed, and a proper look is due. Raises PulseLost for one that is
        gone, TimeoutError for one that does not answer."""
        if self._pulse is None:
            self._pulse = Pulse(self._tier.base_url, self._tier.api_key, self._lost)
            self._models, self._sample, self._may_sleep = None, None, True
            self._telling = ("metrics", "slots")
            self._detail_at = float("-inf")
        health = await _get(self._pulse, self._path("health"), ALIVE_S)
        if health.status != 200:
            return None
        if not health.lasting:
            self._lasting = False
            return None
        if time.monotonic() - self._detail_at >= detail_s and not await self._details(self._pulse):
            return None
        return Felt(self._activity, self.speed(), self._slow())

    def _lost(self) -> None:
        """To ask again at once is right for a server that died, and a storm for one that ends
        each connection without a word."""
        brief = self._pulse is not None and time.monotonic() - self._pulse.opened_at < _SHORT_S
        self._strikes = self._strikes + 1 if brief else 0
        if self._strikes >= _STRIKES:
            self._lasting = False
        self._on_lost()

    async def close(self) -> None:
        pulse, self._pulse = self._pulse, None
        self._activity = None
        if pulse:
            await pulse.close()

    async def _details(self, pulse: Pulse) -> bool:
        """Whether it still serves the same. One that is too busy to tell is left alone a while."""
        self._detail_at = time.monotonic()
        try:
            listed = _json(await _get(pulse, self._models_path, _DETAIL_S))
            models = [
                (one["id"], one.get("max_model_len"), servers.router_state(one))
                for one in servers.models_in(listed) or ()
            ]
            if self._models not in (None, models):
                return False
            self._models = models
            if self._may_sleep:
                sleeping = await _get(pulse, self._path("is_sleeping"), _DETAIL_S)
                self._may_sleep = sleeping.status == 200
                if isinstance(told := _json(sleeping), dict) and told.get("is_sleeping") is True:
                    return False
            await self._metrics(pulse)
        except TimeoutError:
            self._detail_at += _REST_S
        return True

    async def _metrics(self, pulse: Pulse) -> None:
        while self._telling:
            told = await _get(pulse, self._path(self._telling[0]), _DETAIL_S)
            now = time.monotonic()
            if self._telling[0] == "metrics":
                sample = parse_metrics(told.body.decode("utf-8", "replace"), now)
            else:
                sample = parse_slots(_json(told), now)
            if told.status == 200 and sample:
                self._take(sample)
                return
            self._telling = self._telling[1:]
        self._activity = None

    def _take(self, sample: Sample) -> None:
        self._activity = activity_of(self._sample, sample)
        self._sample = sample
        if rate := self._activity.tokens_per_s:
            self._speeds.append(rate / max(1, self._activity.running))

    def measured(self, tokens_per_s: float) -> None:
        """Beside what its own metrics tell."""
        if tokens_per_s > 0:
            self._speeds.append(tokens_per_s)

    def speed(self) -> float | None:
        lately = list(self._speeds)[-_LATELY:]
        return round(statistics.median(lately), 1) if lately else None

    def _slow(self) -> str:
        usual, speed = self._speeds, self.speed()
        if speed is None or len(usual) < _HABIT:
            return ""
        habit = statistics.median(usual)
        if speed >= _SLOW * habit:
            return ""
        return f"It writes {speed:.1f} tokens a second; it used to write {habit:.1f}."

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


async def _get(pulse: Pulse, path: str, within_s: float) -> Beat:
    """A connection that the server has just closed is made anew, once."""
    was_open = pulse.open
    try:
        return await pulse.get(path, within_s=within_s)
    except PulseLost as lost:
        if lost.silent or not was_open:
            raise
        return await pulse.get(path, within_s=within_s)


def _json(beat: Beat) -> Any:
    try:
        return json.loads(beat.body) if beat.status == 200 else None
    except (ValueError, RecursionError):
        return None
