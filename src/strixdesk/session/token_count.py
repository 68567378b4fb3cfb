"""How many tokens each text takes: the server's own count where it was asked, else an estimate."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Iterable

from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.tokens import estimated_tokens
from strixdesk.session.ports import Tokenizer
from strixdesk.session.prompt import Count

_REMEMBERED = 16_384
"""Counts, of about a hundred bytes each."""
_AT_ONCE = 4
_WORTH_ASKING_CHARS = 24
"""A shorter text is estimated: it cannot be far off."""


class TokenCounter:
    """Remembers the count of each text for each model."""

    def __init__(self, tokenizer: Tokenizer | None = None) -> None:
        """Without a tokenizer everything is estimated."""
        self._tokenizer = tokenizer
        self._counts: OrderedDict[tuple[str, bytes], int] = OrderedDict()
        self._by_any: dict[bytes, int] = {}

    def count_by_any(self, text: str) -> int:
        """As the model counted it that was asked last; else estimated. For a first judgement,
        before it is known who answers."""
        known = self._by_any.get(_print_of(text)) if self._by_any else None
        return estimated_tokens(text) if known is None else known

    def counts_of(self, tier: Tier, status: TierStatus) -> Count:
        """What is known for that tier's model, else estimated."""
        model = _model(tier, status)

        def count(text: str) -> int:
            known = self._counts.get((model, _print_of(text))) if self._counts else None
            return estimated_tokens(text) if known is None else known

        return count

    async def learn(
        self, tier: Tier, status: TierStatus, texts: Iterable[str], *, within_s: float
    ) -> None:
        """Ask for those that are not known; what takes too long stays an estimate."""
        tokenizer, model = self._tokenizer, _model(tier, status)
        if tokenizer is None or not tokenizer.knows(status):
            return
        unknown = {
            mark: text
            for text in texts
            if len(text) >= _WORTH_ASKING_CHARS
            and (model, mark := _print_of(text)) not in self._counts
        }
        waiting = iter(unknown.items())

        async def ask() -> None:
            for mark, text in waiting:
                count = await tokenizer.count(tier, status, text)
                if count is None:
                    return  # it does not tell, or not now
                self._remember(model, mark, count)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, len(unknown))):
                    group.create_task(ask())

    async def close(self) -> None:
        if self._tokenizer is not None:
            await self._tokenizer.close()

    def _remember(self, model: str, mark: bytes, count: int) -> None:
        self._counts[model, mark] = self._by_any[mark] = count
        if len(self._counts) > _REMEMBERED:
            (_, oldest), _ = self._counts.popitem(last=False)
            self._by_any.pop(oldest, None)


def _model(tier: Tier, status: TierStatus) -> str:
    return tier.model or status.model or tier.base_url


def _print_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
