"""An assistant that does nothing by itself: it notes what it is asked and says what a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strixdesk.core.box import Deed
from strixdesk.core.conversation import Conversation, ConversationSummary, Image
from strixdesk.core.errors import StoreError
from strixdesk.core.events import Event
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.usage import UsageReport
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.ports import Boxes
from strixdesk.settings import BoxSettings


class ScriptedAssistant:
    """Implements `Assistant`; pictures are really kept, in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.stored: dict[str, Conversation] = {}
        self.known_tiers: tuple[tuple[Tier, TierStatus], ...] = ()
        self.known_boxes: Boxes | None = None
        self.tools: BoxTools | None = None
        self.current = ""
        self.report = UsageReport("2026-11", (), 0, 0, None)
        self._attachments = AttachmentStore(folder)
        self._subscribers: list[Callable[[Event], None]] = []

    def say(self, *events: Event) -> None:
        for event in events:
            for subscriber in tuple(self._subscribers):
                subscriber(event)

    def calls_of(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    def subscribe(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        self._subscribers.append(on_event)
        return lambda: self._subscribers.remove(on_event)

    async def conversations(self) -> tuple[ConversationSummary, ...]:
        return tuple(ConversationSummary(c.id, c.title, 0.0) for c in self.stored.values())

    async def find(self, words: str) -> frozenset[str]:
        said = {c.id: " ".join(m.text for m in c.messages) for c in self.stored.values()}
        return frozenset(key for key, text in said.items() if words in text)

    async def open_conversation(self, conversation_id: str) -> Conversation:
        self.calls.append(("open", conversation_id))
        if conversation_id not in self.stored:
            raise StoreError("This conversation is not in the history any more.")
        self.current = conversation_id
        return self.stored[conversation_id]

    def new_conversation(self, conversation_id: str = "") -> str:
        self.current = conversation_id or f"new-{len(self.calls)}"
        self.calls.append(("new", self.current))
        return self.current

    async def rename_conversation(self, conversation_id: str, title: str) -> None:
        self.calls.append(("rename", conversation_id, title))

    async def remove_conversation(self, conversation_id: str) -> None:
        self.calls.append(("remove", conversation_id))

    async def restore_conversation(self, conversation_id: str) -> None:
        self.calls.append(("restore", conversation_id))

    def ask(self, text: str, images: Sequence[Image] = (), tier: str | None = None) -> None:
        self.calls.append(("ask", text, tuple(images)))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def answer_again(
        self, message_id: str, *, tier: str | None = None, without_pictures: bool = False
    ) -> None:
        otherwise = (tier,) if tier else ("without pictures",) if without_pictures else ()
        self.calls.append(("answer_again", message_id, *otherwise))

    def continue_answer(self, message_id: str) -> None:
        self.calls.append(("continue", message_id))

    def transcribe_again(self, message_id: str) -> None:
        self.calls.append(("transcribe_again", message_id))

    def press_talk(self, tier: str | None = None) -> None:
        self.calls.append(("press",))

    def release_talk(self) -> None:
        self.calls.append(("release",))

    def set_hands_free(self, on: bool) -> None:
        self.calls.append(("hands_free", on))

    def set_speech(self, on: bool) -> None:
        self.calls.append(("speech", on))

    async def attach(self, source: Path | bytes, name: str = "") -> Image:
        return await self._attachments.add(source, name)

    def attachment_path(self, image: Image) -> Path:
        return self._attachments.path(image)

    def tiers(self) -> tuple[tuple[Tier, TierStatus], ...]:
        return self.known_tiers

    def refresh_tiers(self) -> None:
        self.calls.append(("refresh",))

    def adopt_tier(self, tier: Tier) -> None:
        self.calls.append(("adopt", tier.name))

    def decorate_tiers(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        self.calls.append(("decorate", dict(labels), favourites))

    def switch_to_cloud(self, role: str, on: bool) -> None:
        self.calls.append(("cloud", role, on))

    async def usage(self, month: str | None = None) -> UsageReport:
        self.calls.append(("usage", month))
        return self.report

    def set_tier(self, name: str | None) -> None:
        self.calls.append(("tier", name))

    def boxes(self) -> Boxes | None:
        return self.known_boxes

    def box_tools(self) -> BoxTools | None:
        return self.tools

    def save_box(self, box: BoxSettings, tiers: Sequence[Tier]) -> None:
        self.calls.append(("save_box", box, tuple(tiers)))

    def remove_box(self, name: str) -> None:
        self.calls.append(("remove_box", name))

    def control_tier(self, name: str, deed: Deed) -> None:
        self.calls.append(("control", name, deed))

    def set_watched(self, watched: bool) -> None:
        self.calls.append(("set_watched", watched))

    def set_asleep(self, asleep: bool) -> None:
        self.calls.append(("set_asleep", asleep))

    def confirm(self, question: str, yes: bool) -> None:
        self.calls.append(("confirm", question, yes))

    def drop_waiting(self, message_id: str) -> None:
        self.calls.append(("drop_waiting", message_id))
