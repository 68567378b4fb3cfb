"""Every wait on a tier: with a deadline, and with a name for what can go wrong in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import httpx

from strixdesk.backends import tier_errors
from strixdesk.backends.answer import Answer
from strixdesk.backends.deadline import Deadline
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier
from strixdesk.settings import ChatSettings

_AFTER_FINISH_S = 2.0
"""How long the token count is waited for once the answer itself is whole."""

T = TypeVar("T")


class Patience:
    """How much longer a server is waited for: so long until its first content, so long between
    contents, so long in all. Keep-alives and empty deltas buy no time, and only waiting costs any:
    a consumer that is busy with what came does not bring the deadline nearer. `close` it at the
    end."""

    def __init__(self, tier: Tier, answer: Answer, settings: ChatSettings) -> None:
        self._tier = tier
        self._answer = answer
        self._settings = settings
        self._deadline = Deadline()
        self._waited_s = 0.0
        self._waited_before_s = 0.0
        """For all contents that have come."""

    def close(self) -> None:
        self._deadline.close()

    def content(self) -> None:
        """Something to read has come: the wait for the next begins anew."""
        self._waited_before_s += self._waited_s
        self._waited_s = 0.0

    async def wait(self, step: Awaitable[T]) -> T:
        """Raises TierError: a passed deadline, no connection, a cut connection."""
        limit = self._limit_s
        left = limit - self._waited_s
        in_all = self._settings.total_timeout_s
        left_in_all = in_all - self._waited_before_s - self._waited_s
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            with self._deadline.until(began + max(0.0, min(left, left_in_all))):
                return await step
        except TimeoutError:
            if left_in_all < left:
                raise tier_errors.too_long(self._tier, in_all) from None
            raise tier_errors.silent(self._tier, limit, begun=self._answer.begun) from None
        except httpx.HTTPError as error:
            raise self._trouble(error) from None
        finally:
            self._waited_s += clock() - began

    @property
    def _limit_s(self) -> float:
        if self._answer.finished:
            return _AFTER_FINISH_S
        if self._answer.begun:
            return self._settings.between_tokens_timeout_s
        return self._settings.first_token_timeout_s

    def _trouble(self, error: httpx.HTTPError) -> TierError:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return tier_errors.unreachable(self._tier, error)
            case httpx.DecodingError():  # compressed, or so its headers say
                nonsense = "its server sent something that cannot be read"
                if self._answer.begun:
                    return tier_errors.broken(self._tier, f"broke off: {nonsense}")
                return tier_errors.never_came(self._tier, nonsense)
            case httpx.LocalProtocolError():  # a key that no header can carry
                return tier_errors.unusable(self._tier)
            case _ if self._answer.begun:
                return tier_errors.broken(self._tier, "broke off: the connection was cut")
            case _:
                return tier_errors.never_came(self._tier, "closed the connection without an answer")
