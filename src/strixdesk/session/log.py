"""The current conversation in memory and on disk: one writer for its messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from strixdesk.core.conversation import (
    Conversation,
    HandOver,
    Message,
    MessageStatus,
    Offer,
    Role,
    Text,
    Thinking,
)
from strixdesk.core.errors import StoreError
from strixdesk.core.events import (
    ConversationChanged,
    Event,
    Failed,
    MessageAdded,
    MessageChanged,
    TextDelta,
    ThinkingDelta,
)
from strixdesk.core.figures import Figures
from strixdesk.core.summary import Summary
from strixdesk.session.store import HistoryStore

log = logging.getLogger(__name__)

STOPPED = "You stopped this answer."


class ConversationLog:
    """Every change goes to memory first, then out as an event, then to disk; a disk that fails is
    told about once and does not stop the conversation."""

    def __init__(
        self, conversation: Conversation, store: HistoryStore, emit: Callable[[Event], None]
    ) -> None:
        self.id = conversation.id
        self._messages: dict[str, Message] = {m.id: m for m in conversation.messages}
        self.summary = conversation.summary
        """What tiers are sent in place of the older messages."""
        self._store = store
        self._emit = emit
        self._disk_failed = False
        self.growing: StreamingAnswer | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """An answer that grows is in it as far as it got."""
        growing = self.growing
        return tuple(
            growing.snapshot() if growing and growing.id == message.id else message
            for message in self._messages.values()
        )

    def message(self, message_id: str) -> Message | None:
        return self._messages.get(message_id)

    def before(self, message_id: str) -> tuple[Message, ...]:
        """All messages up to, not including, that one."""
        messages = self.messages
        index = next((i for i, m in enumerate(messages) if m.id == message_id), len(messages))
        return messages[:index]

    async def add(self, message: Message) -> bool:
        """True when it is on disk."""
        self._messages[message.id] = message
        self._emit(MessageAdded(self.id, message))
        return await self._save(message)

    async def update(self, message: Message) -> bool:
        """True when it is on disk."""
        self._messages[message.id] = message
        self._emit(MessageChanged(self.id, message))
        return await self._save(message)

    async def note(self, sentence: str) -> None:
        """Something about the conversation itself, told beside the newest answer."""
        answers = (m for m in reversed(self._messages.values()) if m.role is Role.ASSISTANT)
        if (answer := next(answers, None)) and answer.status is not MessageStatus.STREAMING:
            await self.update(replace(answer, reason=f"{answer.reason or ''} {sentence}".strip()))

    async def summarised(self, summary: Summary) -> None:
        """From now on it is sent in place of what it stands for."""
        self.summary = summary
        try:
            await self._store.save_summary(self.id, summary)
        except StoreError as error:
            log.error("history: the summary was not kept: %s", error)

    async def checkpoint(self, message: Message) -> None:
        """Keep a growing message; the window already has its text."""
        self._messages[message.id] = message
        await self._save(message)

    async def _save(self, message: Message) -> bool:
        """The store keeps what could not be written, and writes it along with the next."""
        try:
            summary = await self._store.save(self.id, message)
        except StoreError as error:
            if not self._disk_failed:
                self._disk_failed = True
                log.error("history: %s", error)
                self._emit(Failed(error.message, error.advice))
            return False
        self._disk_failed = False
        if message.status is not MessageStatus.STREAMING:
            self._emit(ConversationChanged(summary))
        return True


class StreamingAnswer:
    """An assistant's message while it grows. Appending is cheap; the whole is put together only
    when it is written to disk."""

    def __init__(
        self, message: Message, conversation: ConversationLog, emit: Callable[[Event], None]
    ) -> None:
        self._message = message
        self._conversation = conversation
        self._emit = emit
        self._text: list[str] = [message.text]
        self._thinking: list[str] = [message.thinking]
        self.has_text = bool(message.text)
        conversation.growing = self

    @property
    def id(self) -> str:
        return self._message.id

    @property
    def message(self) -> Message:
        """As it was last asked for or ended."""
        return self._message

    def append(self, text: str) -> None:
        self._text.append(text)
        self.has_text = self.has_text or bool(text.strip())
        self._emit(TextDelta(self._conversation.id, self.id, text))

    @property
    def has_thinking(self) -> bool:
        return any(self._thinking)

    def append_thinking(self, thinking: str) -> None:
        self._thinking.append(thinking)
        self._emit(ThinkingDelta(self._conversation.id, self.id, thinking))

    def snapshot(self) -> Message:
        text, thinking = "".join(self._text), "".join(self._thinking)
        self._text, self._thinking = [text], [thinking]
        joints = self._message.hand_overs
        parts = (Thinking(thinking), Text(text)) if thinking else (Text(text),)
        return replace(self._message, parts=(*parts, *joints))

    @property
    def text(self) -> str:
        """As far as it has got."""
        self._text = ["".join(self._text)]
        return self._text[0]

    async def checkpoint(self) -> None:
        await self._conversation.checkpoint(self.snapshot())

    async def asked(self, tier: str, reason: str) -> None:
        """Another tier is asked for it."""
        self._message = replace(self.snapshot(), tier=tier, reason=reason)
        await self._conversation.update(self._message)

    async def noted(self, sentence: str) -> None:
        """Told beside it, with why this tier answers."""
        reason = f"{self._message.reason or ''} {sentence}".strip()
        self._message = replace(self.snapshot(), reason=reason)
        await self._conversation.update(self._message)

    async def handed_over(self, part: HandOver) -> None:
        """Another tier goes on with it."""
        message = self.snapshot()
        words = f"Begun by “{part.begun_by}”, continued by “{part.continued_by}”: {part.why}"
        self._message = replace(
            message, parts=(*message.parts, part), tier=part.continued_by, reason=words
        )
        await self._conversation.update(self._message)

    async def end(
        self,
        status: MessageStatus,
        detail: str | None,
        *,
        spoken: bool,
        offer: Offer | None = None,
        figures: Figures | None = None,
    ) -> None:
        message = self.snapshot()
        told = tuple(part for part in (offer, figures) if part)
        parts = (*message.parts, *told)
        self._message = replace(message, parts=parts, status=status, detail=detail, spoken=spoken)
        self._conversation.growing = None
        await self._conversation.update(self._message)
