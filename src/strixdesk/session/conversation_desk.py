"""The conversations of a session: which is the current one, and whether a turn is live."""

from __future__ import annotations

from dataclasses import replace

from strixdesk.core.conversation import Conversation, ConversationSummary
from strixdesk.core.events import ConversationChanged
from strixdesk.core.ids import new_id
from strixdesk.session.live_turn import LiveTurn
from strixdesk.session.log import ConversationLog
from strixdesk.session.services import Services
from strixdesk.session.tier_desk import TierDesk


class ConversationDesk(TierDesk):
    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._log = self._fresh_log()
        self._live: LiveTurn | None = None

    def _fresh_log(self, conversation_id: str = "") -> ConversationLog:
        conversation = Conversation(conversation_id or new_id(), "")
        return ConversationLog(conversation, self._services.store, self._emit)

    @property
    def conversation_id(self) -> str:
        return self._log.id

    async def conversations(self) -> tuple[ConversationSummary, ...]:
        return await self._services.store.conversations()

    async def find(self, words: str) -> frozenset[str]:
        found = await self._services.store.search(words, limit=500)
        return frozenset(one.conversation_id for one in found)

    async def open_conversation(self, conversation_id: str) -> Conversation:
        conversation = await self._services.store.conversation(conversation_id)
        live = self._live.runner.conversation if self._live else self._log
        known = next((log for log in (self._log, live) if log.id == conversation_id), None)
        # What is live is ahead of what is on disk, and has one writer.
        self._log = known or ConversationLog(conversation, self._services.store, self._emit)
        return replace(conversation, messages=self._log.messages)

    def new_conversation(self, conversation_id: str = "") -> str:
        self._log = self._fresh_log(conversation_id)
        return self._log.id

    async def rename_conversation(self, conversation_id: str, title: str) -> None:
        self._emit(ConversationChanged(await self._services.store.rename(conversation_id, title)))

    async def restore_conversation(self, conversation_id: str) -> None:
        self._emit(ConversationChanged(await self._services.store.restore(conversation_id)))

    async def _log_of(self, conversation_id: str) -> ConversationLog:
        """What is in memory is ahead of what is on disk, and has one writer."""
        live = self._live.runner.conversation if self._live else self._log
        known = next((log for log in (self._log, live) if log.id == conversation_id), None)
        if known:
            return known
        conversation = await self._services.store.conversation(conversation_id)
        return ConversationLog(conversation, self._services.store, self._emit)

    async def _quiet(self) -> None:
        """Until no turn is live."""
        while self._live and not self._live.over.is_set():
            await self._live.over.wait()

    async def _interrupted(self) -> None:
        if self._live:
            self._live.stop()
            await self._live.over.wait()
