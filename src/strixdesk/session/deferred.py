"""An assistant that can be asked before it is there: requests wait, in order, until it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strixdesk.core.box import Deed
from strixdesk.core.conversation import Conversation, ConversationSummary, Image
from strixdesk.core.events import Event
from strixdesk.core.ids import new_id
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.usage import UsageReport
from strixdesk.session.assistant import Assistant
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.ports import Boxes
from strixdesk.settings import BoxSettings


class DeferredAssistant:
    """Implements `Assistant`. The window is painted and takes the first question while the engines'
    libraries are still being loaded."""

    def __init__(self, attachment_path: Callable[[Image], Path]) -> None:
        self._attachment_path = attachment_path
        self._assistant: asyncio.Future[Assistant] = asyncio.get_running_loop().create_future()
        self._waiting: list[Callable[[Assistant], None]] = []
        self._subscribers: list[Callable[[Event], None]] = []

    def arrived(self, assistant: Assistant) -> None:
        """From here on everything goes straight to it."""
        assistant.subscribe(self._emit)
        for request in self._waiting:
            request(assistant)
        self._assistant.set_result(assistant)

    def subscribe(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        self._subscribers.append(on_event)
        return lambda: self._subscribers.remove(on_event)

    def _emit(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(event)

    def _request(self, request: Callable[[Assistant], None]) -> None:
        if self._assistant.done():
            request(self._assistant.result())
        else:
            self._waiting.append(request)

    async def conversations(self) -> tuple[ConversationSummary, ...]:
        return await (await asyncio.shield(self._assistant)).conversations()

    async def find(self, words: str) -> frozenset[str]:
        return await (await asyncio.shield(self._assistant)).find(words)

    async def open_conversation(self, conversation_id: str) -> Conversation:
        return await (await asyncio.shield(self._assistant)).open_conversation(conversation_id)

    def new_conversation(self, conversation_id: str = "") -> str:
        conversation_id = conversation_id or new_id()

        def begin(assistant: Assistant) -> None:
            assistant.new_conversation(conversation_id)

        self._request(begin)
        return conversation_id

    async def rename_conversation(self, conversation_id: str, title: str) -> None:
        await (await asyncio.shield(self._assistant)).rename_conversation(conversation_id, title)

    async def remove_conversation(self, conversation_id: str) -> None:
        await (await asyncio.shield(self._assistant)).remove_conversation(conversation_id)

    async def restore_conversation(self, conversation_id: str) -> None:
        await (await asyncio.shield(self._assistant)).restore_conversation(conversation_id)

    def ask(self, text: str, images: Sequence[Image] = (), tier: str | None = None) -> None:
        self._request(lambda assistant: assistant.ask(text, images, tier))

    def stop(self) -> None:
        self._request(lambda assistant: assistant.stop())

    def answer_again(
        self, message_id: str, *, tier: str | None = None, without_pictures: bool = False
    ) -> None:
        self._request(
            lambda assistant: assistant.answer_again(
                message_id, tier=tier, without_pictures=without_pictures
            )
        )

    def continue_answer(self, message_id: str) -> None:
        self._request(lambda assistant: assistant.continue_answer(message_id))

    def transcribe_again(self, message_id: str) -> None:
        self._request(lambda assistant: assistant.transcribe_again(message_id))

    def press_talk(self, tier: str | None = None) -> None:
        self._request(lambda assistant: assistant.press_talk(tier))

    def release_talk(self) -> None:
        self._request(lambda assistant: assistant.release_talk())

    def set_hands_free(self, on: bool) -> None:
        self._request(lambda assistant: assistant.set_hands_free(on))

    def set_speech(self, on: bool) -> None:
        self._request(lambda assistant: assistant.set_speech(on))

    async def attach(self, source: Path | bytes, name: str = "") -> Image:
        return await (await asyncio.shield(self._assistant)).attach(source, name)

    def attachment_path(self, image: Image) -> Path:
        return self._attachment_path(image)

    def tiers(self) -> tuple[tuple[Tier, TierStatus], ...]:
        return self._assistant.result().tiers() if self._assistant.done() else ()

    def refresh_tiers(self) -> None:
        self._request(lambda assistant: assistant.refresh_tiers())

    def adopt_tier(self, tier: Tier) -> None:
        self._request(lambda assistant: assistant.adopt_tier(tier))

    def decorate_tiers(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        self._request(lambda assistant: assistant.decorate_tiers(labels, favourites))

    def switch_to_cloud(self, role: str, on: bool) -> None:
        self._request(lambda assistant: assistant.switch_to_cloud(role, on))

    async def usage(self, month: str | None = None) -> UsageReport:
        return await (await asyncio.shield(self._assistant)).usage(month)

    def set_tier(self, name: str | None) -> None:
        self._request(lambda assistant: assistant.set_tier(name))

    def boxes(self) -> Boxes | None:
        return self._assistant.result().boxes() if self._assistant.done() else None

    def box_tools(self) -> BoxTools | None:
        return self._assistant.result().box_tools() if self._assistant.done() else None

    def save_box(self, box: BoxSettings, tiers: Sequence[Tier]) -> None:
        self._request(lambda assistant: assistant.save_box(box, tiers))

    def remove_box(self, name: str) -> None:
        self._request(lambda assistant: assistant.remove_box(name))

    def control_tier(self, name: str, deed: Deed) -> None:
        self._request(lambda assistant: assistant.control_tier(name, deed))

    def set_watched(self, watched: bool) -> None:
        self._request(lambda assistant: assistant.set_watched(watched))

    def set_asleep(self, asleep: bool) -> None:
        self._request(lambda assistant: assistant.set_asleep(asleep))

    def confirm(self, question: str, yes: bool) -> None:
        self._request(lambda assistant: assistant.confirm(question, yes))

    def drop_waiting(self, message_id: str) -> None:
        self._request(lambda assistant: assistant.drop_waiting(message_id))
