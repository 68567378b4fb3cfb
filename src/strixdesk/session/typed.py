"""A question that was typed, or is asked once more."""

from __future__ import annotations

from strixdesk.core.conversation import Message
from strixdesk.session.asked import Question
from strixdesk.session.turn_runner import TurnRunner


class Typed:
    def __init__(self, runner: TurnRunner, question: Question, message: Message | None) -> None:
        """`message`: what to store first; None when it stands in the conversation already."""
        self._runner = runner
        self._question = question
        self._message = message

    async def ask(self) -> Question | None:
        await self.abandon()
        return self._question

    async def abandon(self) -> None:
        """Asked or not, the question is kept."""
        if self._message:
            await self._runner.conversation.add(self._message)
