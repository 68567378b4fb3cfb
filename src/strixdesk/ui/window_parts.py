"""The parts of the window, built and put in their places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.conversation import Image
from strixdesk.ui.composer import Composer
from strixdesk.ui.confirm_strip import ConfirmStrip
from strixdesk.ui.conversation_list import ConversationList
from strixdesk.ui.empty_state import EmptyState
from strixdesk.ui.notices import Notices
from strixdesk.ui.theme import Theme
from strixdesk.ui.tiers_pane import TiersPane
from strixdesk.ui.top_bar import TopBar
from strixdesk.ui.transcript_view import TranscriptView
from strixdesk.ui.voice_bar import VoiceBar
from strixdesk.ui.window_shell import LEFT_WIDTH, RIGHT_WIDTH


class WindowParts:
    def __init__(
        self, theme: Theme, talk_key: str, attachment_path: Callable[[Image], Path]
    ) -> None:
        self.conversations = ConversationList(theme)
        self.conversations.setObjectName("leftPane")
        self.conversations.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.conversations.setFixedWidth(LEFT_WIDTH)
        self.tiers = TiersPane(theme)
        self.tiers.setObjectName("rightPane")
        self.tiers.setFixedWidth(RIGHT_WIDTH)
        self.bar = TopBar(theme)
        self.notices = Notices()
        self.empty = EmptyState(talk_key)
        self.transcript = TranscriptView(theme, attachment_path)
        self.transcript.set_empty_widget(self.empty)
        self.confirm = ConfirmStrip()
        self.voice_bar = VoiceBar(theme)
        self.composer = Composer(theme, attachment_path)
        self.composer.show_recording(False, talk_key)
        self.body = self._laid_out()

    def _laid_out(self) -> QWidget:
        foot = QVBoxLayout()
        foot.setContentsMargins(16, 4, 16, 14)
        foot.setSpacing(6)
        foot.addWidget(self.confirm)
        foot.addWidget(self.voice_bar)
        foot.addWidget(self.composer)
        middle = QVBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(6)
        middle.addWidget(self.bar)
        middle.addWidget(self.notices)
        middle.addWidget(self.transcript, 1)
        middle.addLayout(foot)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.conversations)
        row.addLayout(middle, 1)
        row.addWidget(self.tiers)
        return body

    def set_theme(self, theme: Theme) -> None:
        for part in (
            self.conversations,
            self.tiers,
            self.bar,
            self.transcript,
            self.voice_bar,
            self.composer,
        ):
            part.set_theme(theme)
