"""Which conversation is on the desk: list, transcript, draft and title change together."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QObject

from strixdesk.core.conversation import Conversation
from strixdesk.core.events import ConversationChanged, ConversationRemoved
from strixdesk.session.assistant import Assistant
from strixdesk.ui.bridge import Requests
from strixdesk.ui.composer import Composer, Draft
from strixdesk.ui.conversation_list import ConversationList
from strixdesk.ui.drafts import Drafts
from strixdesk.ui.notices import Notices
from strixdesk.ui.top_bar import TopBar
from strixdesk.ui.transcript_view import TranscriptView


class ConversationDesk(QObject):
    def __init__(
        self,
        assistant: Assistant,
        requests: Requests,
        drafts: Drafts,
        *,
        conversations: ConversationList,
        transcript: TranscriptView,
        composer: Composer,
        bar: TopBar,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._assistant = assistant
        self._requests = requests
        self._drafts = drafts
        self._list = conversations
        self._transcript = transcript
        self._composer = composer
        self._bar = bar
        self._notices = notices
        self._current = assistant.new_conversation()
        conversations.opened.connect(self._open)
        conversations.new_requested.connect(self.begin_new)
        conversations.searched.connect(self._search)
        conversations.renamed.connect(self._rename)
        conversations.removed.connect(self._remove)

    def begin(self) -> None:
        """An empty conversation, and what stood in the field when the program ended."""
        self._transcript.show_conversation(Conversation(self._current, ""))
        self._composer.show_draft(self._drafts.last())
        self._composer.changed.connect(self._keep_draft)

    def begin_new(self) -> None:
        self._keep_draft()
        self._show(Conversation(self._assistant.new_conversation(), ""), Draft())

    def list_all(self) -> None:
        self._requests.start(self._list_all())

    def save_drafts(self) -> None:
        self._keep_draft()
        self._drafts.save()

    def take(self, event: ConversationChanged | ConversationRemoved) -> None:
        match event:
            case ConversationChanged(summary=summary):
                self._list.show_changed(summary)
                if summary.id == self._current:
                    self._bar.show_title(summary.title)
                    self._list.show_current(summary.id)
            case ConversationRemoved(conversation_id=conversation_id):
                self._list.drop(conversation_id)
            case _:
                assert_never(event)

    async def _list_all(self) -> None:
        self._list.show_all(await self._assistant.conversations())

    def _open(self, conversation_id: str) -> None:
        self._requests.start(self._open_now(conversation_id))

    async def _open_now(self, conversation_id: str) -> None:
        conversation = await self._assistant.open_conversation(conversation_id)
        self._keep_draft()
        self._show(conversation, self._drafts.of(conversation_id))

    def _show(self, conversation: Conversation, draft: Draft) -> None:
        self._current = conversation.id
        self._bar.show_title(conversation.title)
        self._list.show_current(conversation.id)
        self._transcript.show_conversation(conversation)
        self._composer.show_draft(draft)
        self._composer.field.setFocus()

    def _search(self, words: str) -> None:
        self._requests.start(self._search_now(words))

    async def _search_now(self, words: str) -> None:
        self._list.show_found(words, await self._assistant.find(words))

    def _rename(self, conversation_id: str, title: str) -> None:
        self._requests.start(self._assistant.rename_conversation(conversation_id, title))

    def _remove(self, conversation_id: str, title: str) -> None:
        self._requests.start(self._remove_now(conversation_id, title))

    async def _remove_now(self, conversation_id: str, title: str) -> None:
        await self._assistant.remove_conversation(conversation_id)
        if conversation_id == self._current:
            self.begin_new()

        def undo() -> None:
            self._requests.start(self._assistant.restore_conversation(conversation_id))

        self._notices.tell(f"“{title}” was deleted.", "Undo", undo)

    def _keep_draft(self) -> None:
        self._drafts.keep(self._current, self._composer.draft)
