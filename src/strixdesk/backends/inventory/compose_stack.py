"""The model servers of a compose stack as tiers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from strixdesk.backends.box.stack_reader import tiers_of
from strixdesk.backends.inventory.source import Listed, Listing
from strixdesk.backends.model_names import guessed_capabilities
from strixdesk.core.stack import Stack
from strixdesk.core.tier import TierState


class ComposeStack:
    """A `Source`. Its tiers have servers of their own, which tell how they are."""

    def __init__(
        self,
        name: str,
        read: Callable[[], Awaitable[Stack]],
        *,
        host: str | None = None,
        address: Callable[[], Awaitable[str]] | None = None,
        controlled: bool = False,
    ) -> None:
        """`read` gives the stack as it is now and raises StrixError. `host`: where its ports
        answer; None: this machine. `address` finds that out first, in place of `host`.
        `controlled`: `name` is a box that starts and stops them."""
        self.name = name
        self._read = read
        self._host = host
        self._address = address
        self._controlled = controlled

    async def read(self) -> Listing:
        stack = await self._read()
        host = await self._address() if self._address else self._host
        tiers = tiers_of(stack, self.name, host)
        if not self._controlled:
            tiers = tuple(replace(tier, control=None) for tier in tiers)
        return Listing(
            tuple(
                Listed(
                    tier,
                    TierState.UNKNOWN,
                    capabilities=guessed_capabilities(tier.model or ""),
                    context_tokens=tier.context_tokens,
                )
                for tier in tiers
            ),
            True,
            stack.left_out,
        )
