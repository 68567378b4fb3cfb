"""Says a sentence between the turns: how something went that the user asked for aloud."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from strixdesk.core.errors import StrixError
from strixdesk.core.events import Event
from strixdesk.core.ids import new_id
from strixdesk.session.services import Services
from strixdesk.session.speech import SpeechOut, unheard


class Announcer:
    """`quiet` returns when no turn is live: nothing is said into an answer."""

    def __init__(
        self,
        services: Services,
        emit: Callable[[Event], None],
        quiet: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._emit = emit
        self._quiet = quiet
        self._saying: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def say(self, sentence: str) -> None:
        """Until it was heard, or hushed. What several have to say is said in turn."""
        async with self._one_at_a_time:
            await self._quiet()
            saying = self._saying = asyncio.create_task(self._say(sentence))
            await asyncio.wait({saying})

    def hush(self) -> None:
        if self._saying and not self._saying.done():
            self._saying.cancel()
            self._services.sink.flush()

    async def _say(self, sentence: str) -> None:
        speech = SpeechOut(
            self._services.voice,
            self._services.sink,
            new_id(),
            language=self._services.settings.recogniser.language,
        )
        speech.feed(sentence)
        speech.finish()
        listener = self._services.listener
        listener.pause(True)
        try:
            await speech.run()
        except StrixError as error:
            self._emit(unheard(error))
        finally:
            listener.pause(False)
