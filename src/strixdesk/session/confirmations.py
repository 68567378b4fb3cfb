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
        self._open: dict[str, asyncio.Future[bool | None]] = {}
        self._last_said = ""

    async def ask(self, sentence: str, within_s: float, question: str = "") -> bool | None:
        """False: a no, or no answer within that time. None: a newer question took the place of this
        one. `question`: an id for it by which the caller can answer it itself."""
        for other in self._open.values():
            if not other.done():
                other.set_result(None)
        question = question or new_id()
        answered: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._open[question] = answered
        self._last_said = question
        self._emit(ConfirmationAsked(question, sentence))
        confirmed: bool | None = False
        try:
            async with asyncio.timeout(within_s):
                confirmed = await answered
        except TimeoutError:
            pass
        finally:
            del self._open[question]
            self._emit(ConfirmationEnded(question, bool(confirmed)))
        return confirmed

    async def none_open(self) -> None:
        """Until no question waits."""
        while self._open:
            await asyncio.wait(set(self._open.values()))

    def answer(self, question: str, *, yes: bool) -> None:
        """A late answer to a question that is over changes nothing."""
        answered = self._open.get(question)
        if answered and not answered.done():
            answered.set_result(yes)

    def moved_on(self) -> None:
        """Something else was said: from now on a “yes” means that. The question stays open to the
        window's own yes."""
        self._last_said = ""

    @property
    def open(self) -> str | None:
        """The question that waits now."""
        return next(reversed(self._open), None)

    @property
    def open_to_words(self) -> str | None:
        """The same, if it is the last thing that was said."""
        return self.open if self.open == self._last_said else None
