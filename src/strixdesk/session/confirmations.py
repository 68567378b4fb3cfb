"""What waits for the user's yes: one question at a time, spoken or shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from strixdesk.core.events import ConfirmationAsked, ConfirmationEnded
from strixdesk.core.ids import new_id


class Confirmations:
    """`emit` hears of each question and of its end."""

    def __init__(self, emit: Callable[[ConfirmationAsked | ConfirmationEnded], None]) -> None:
        self._emit = emit
        self._open: dict[str, asyncio.Future[bool]] = {}

    async def ask(self, sentence: str, within_s: float, question: str = "") -> bool:
        """False after `within_s` without an answer. A newer question takes the place of this one:
        then this is a no. `question`: an id for it by which the caller can answer it itself."""
        for other in tuple(self._open):
            self.answer(other, yes=False)
        question = question or new_id()
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._open[question] = answered
        self._emit(ConfirmationAsked(question, sentence))
        confirmed = False
        try:
            async with asyncio.timeout(within_s):
                confirmed = await answered
        except TimeoutError:
            pass
        finally:
            del self._open[question]
            self._emit(ConfirmationEnded(question, confirmed))
        return confirmed

    async def none_open(self) -> None:
        """Until no question waits: one that nobody asked for takes no other's place."""
        while self._open:
            await asyncio.wait(set(self._open.values()))

    def answer(self, question: str, *, yes: bool) -> None:
        """A late answer to a question that is over changes nothing."""
        answered = self._open.get(question)
        if answered and not answered.done():
            answered.set_result(yes)

    @property
    def open(self) -> str | None:
        """The question that waits now."""
        return next(iter(self._open), None)
