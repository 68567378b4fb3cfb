"""The conversation as it is read: newest at the bottom, streaming, never jumping."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from strixdesk.core.conversation import Conversation, Image, Message, MessageStatus, Role
from strixdesk.core.events import (
    Event,
    MessageAdded,
    MessageChanged,
    PartialTranscript,
    SpeechProgress,
    TextDelta,
    ThinkingDelta,
    TurnChanged,
)
from strixdesk.ui.message_view import Look, MessageView
from strixdesk.ui.theme import Theme
from strixdesk.ui.transcript_answer import AnswerView
from strixdesk.ui.transcript_buttons import WordButton
from strixdesk.ui.transcript_column import TranscriptColumn
from strixdesk.ui.transcript_question import QuestionView
from strixdesk.ui.transcript_scroll import TranscriptScroll

FLUSH_INTERVAL_MS = 33
"""Shortest time between two drawings of streamed text."""
LONGEST_PAUSE_MS = 1000
"""A machine that stood still during a drawing is not waited for as if drawing took so long."""
FIRST_SCREENS = 1.3
"""Realised before the first paint."""
SCREENS = 3.0
MOST_VIEWS = 80
"""More messages than this are not kept as widgets while the reader is at the bottom."""
BATCH = 4
"""Older messages that are added at once while scrolling up."""


def pause_after(drawing_s: float) -> int:
    """Milliseconds until the next drawing. While drawing is quick, most of the time is free."""
    return min(max(FLUSH_INTERVAL_MS, int(drawing_s * 4000)), LONGEST_PAUSE_MS)


class TranscriptView(QWidget):
    """Renders the events of one conversation; those of others pass by."""

    answer_again_requested = Signal(object)
    """The id of an answer."""
    continue_requested = Signal(object)
    """The id of an answer."""
    drop_requested = Signal(object)
    """The id of an answer that is waited for."""
    other_tier_requested = Signal(object, object)
    """The id of an answer; the name of the tier that is to give it instead."""
    without_pictures_requested = Signal(object)
    """The id of an answer."""
    transcribe_again_requested = Signal(object)
    """The id of a user's message."""
    image_opened = Signal(object)
    """Image."""

    def __init__(
        self,
        theme: Theme,
        attachment_path: Callable[[Image], Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._look = Look.of(theme, self.font())
        self._attachment_path = attachment_path
        self._titles: dict[str, str] = {}
        """What tiers are called, by their names; shared with the answers."""
        self._conversation_id = ""
        self._messages: list[Message] = []
        self._realised_from = 0
        self._views: dict[str, MessageView] = {}
        self._dirty: dict[str, MessageView] = {}
        self._speaking = ("", "")
        self._pause_ms = FLUSH_INTERVAL_MS

        self._column = TranscriptColumn()
        self._scroll = TranscriptScroll(self._column, self)
        self._scroll.near_top.connect(self._add_older_soon)
        self._scroll.at_bottom_changed.connect(self._show_new_text_button)
        self._empty = QWidget(self)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._scroll)
        self._pages.addWidget(self._empty)
        self._new_text = WordButton("↓ New text", theme, framed=True, parent=self)
        self._new_text.clicked.connect(self._scroll.to_bottom)
        self._new_text.hide()

        self._flush_timer = QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.timeout.connect(self.flush)
        self._older_timer = QTimer(self)
        self._older_timer.setSingleShot(True)
        self._older_timer.timeout.connect(self._add_older)
        self.setAccessibleName("Conversation")
        self._style_messages()
        self._show_page()

    # -- what is shown -------------------------------------------------------------------------

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation_id = conversation.id
        self._messages = list(conversation.messages)
        self._column.clear()
        self._views.clear()
        self._dirty.clear()
        self._realised_from = len(self._messages)
        self._new_text.hide()
        self._show_page()
        self._scroll.to_bottom()
        self._realise(FIRST_SCREENS)
        self._older_timer.start(0)

    def apply(self, event: Event) -> None:
        match event:
            case MessageAdded(conversation_id=self._conversation_id, message=message):
                self._add(message)
            case MessageChanged(conversation_id=self._conversation_id, message=message):
                self._change(message)
            case TextDelta(conversation_id=self._conversation_id, message_id=message_id):
                self._grow(message_id, text=event.text)
            case ThinkingDelta(conversation_id=self._conversation_id, message_id=message_id):
                self._grow(message_id, thinking=event.text)
            case PartialTranscript():
                self._partial_transcript(event.text)
            case SpeechProgress():
                self._speech_progress(event)
            case TurnChanged(turn=turn) if not turn.state.live and turn.id == self._speaking[0]:
                self._hush()
            case _:
                pass

    def _add(self, message: Message) -> None:
        if any(known.id == message.id for known in self._messages[-8:]):
            self._change(message)
            return
        self._messages.append(message)
        self._show_page()
        if message.role is Role.USER:
            self._scroll.to_bottom()
        self._column.append(self._make(message))
        self._trim()
        self._scroll.settle()
        self._tell_of_new_text()

    def _change(self, message: Message) -> None:
        for index in range(len(self._messages) - 1, -1, -1):
            if self._messages[index].id == message.id:
                self._messages[index] = message
                break
        view = self._views.get(message.id)
        if view is not None:
            view.set_message(message)
            self._dirty.pop(message.id, None)
            self._tell_of_new_text()

    def _grow(self, message_id: str, *, text: str = "", thinking: str = "") -> None:
        view = self._views.get(message_id)
        if view is None:
            return
        view.append(text=text, thinking=thinking)
        self._dirty[message_id] = view
        if not self._flush_timer.isActive():
            self._flush_timer.start(self._pause_ms)

    def _partial_transcript(self, text: str) -> None:
        for message in reversed(self._messages[-4:]):
            view = self._views.get(message.id)
            if message.status is MessageStatus.PENDING and isinstance(view, QuestionView):
                view.set_partial(text)
                return

    def _speech_progress(self, event: SpeechProgress) -> None:
        if self._speaking[1] != event.message_id:
            self._hush()
        self._speaking = (event.turn_id, event.message_id)
        view = self._views.get(event.message_id)
        if view is not None:
            view.set_spoken(event.spoken_chars)

    def _hush(self) -> None:
        view = self._views.get(self._speaking[1])
        if view is not None:
            view.set_spoken(None)
        self._speaking = ("", "")

    @Slot()
    def flush(self) -> None:
        """Draw now what has come. A drawing that took long is followed by a longer pause."""
        self._flush_timer.stop()
        begun = time.perf_counter()
        drawn = [view.flush() for view in self._dirty.values()]
        self._dirty.clear()
        if any(drawn):
            self._tell_of_new_text()
        self._pause_ms = pause_after(time.perf_counter() - begun)

    # -- realising -----------------------------------------------------------------------------

    def _make(self, message: Message) -> MessageView:
        view: MessageView
        if message.role is Role.USER:
            view = QuestionView(message, self._look, self._attachment_path, self._column)
        else:
            view = AnswerView(message, self._look, self._titles, self._column)
        view.answer_again_requested.connect(self.answer_again_requested)
        view.continue_requested.connect(self.continue_requested)
        view.drop_requested.connect(self.drop_requested)
        view.other_tier_requested.connect(self.other_tier_requested)
        view.without_pictures_requested.connect(self.without_pictures_requested)
        view.transcribe_again_requested.connect(self.transcribe_again_requested)
        view.image_opened.connect(self.image_opened)
        view.text_view().dragged.connect(self._scroll.follow)
        self._views[message.id] = view
        return view

    def _realise(self, screens: float) -> None:
        """Make the messages before the first that there is, until so many screens are full."""
        wanted = screens * max(self._scroll.viewport().height(), 400)
        height = self._column.needed_height()
        made: list[MessageView] = []
        while self._realised_from > 0 and height < wanted:
            self._realised_from -= 1
            view = self._make(self._messages[self._realised_from])
            view.fit(self._column.text_width)
            height += view.sizeHint().height() + 26
            made.append(view)
        self._column.prepend(made[::-1])
        self._scroll.settle()

    @Slot()
    def _add_older_soon(self) -> None:
        if self._realised_from > 0 and not self._older_timer.isActive():
            self._older_timer.start(0)

    @Slot()
    def _add_older(self) -> None:
        """A few at a time, so that scrolling stays smooth."""
        height = self._column.needed_height() / max(1, self._scroll.viewport().height())
        if self._realised_from == 0 or (self._scroll.screens_above() > 1.5 and height >= SCREENS):
            return
        first = max(0, self._realised_from - BATCH)
        batch = [self._make(message) for message in self._messages[first : self._realised_from]]
        self._realised_from = first
        self._column.prepend(batch)
        self._scroll.settle()
        self._older_timer.start(0)

    def _trim(self) -> None:
        """A long talk does not pile up widgets: those far above are made again when needed."""
        extra = len(self._column.views) - MOST_VIEWS
        if extra > 0 and self._scroll.at_bottom:
            for view in self._column.views[:extra]:
                self._views.pop(view.message.id, None)
            self._column.drop_oldest(extra)
            self._realised_from += extra

    # -- appearance ----------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        self._look = Look.of(theme, self.font())
        self._new_text.set_theme(theme)
        self.update()
        self._style_messages()
        for view in self._column.views:
            view.set_look(self._look)
        self._scroll.settle()

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """What tiers are called, by their names; one that is missing goes by its name."""
        if dict(titles) != self._titles:
            self._titles.clear()
            self._titles.update(titles)
            for view in self._column.views:
                if isinstance(view, AnswerView):
                    view.retitle()

    def set_empty_widget(self, widget: QWidget) -> None:
        """Shown while the conversation has no messages."""
        self._pages.removeWidget(self._empty)
        self._empty.deleteLater()
        self._empty = widget
        self._pages.addWidget(widget)
        self._show_page()

    def _show_page(self) -> None:
        self._pages.setCurrentWidget(self._scroll if self._messages else self._empty)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._look.theme.window))
        painter.end()

    def _style_messages(self) -> None:
        # A style sheet of the window that frames its text fields must not frame messages.
        self.setStyleSheet(
            "MessageText { background: transparent; border: none; padding: 0;"
            f" selection-background-color: {self._look.theme.selection}; }}"
        )

    def _tell_of_new_text(self) -> None:
        if not self._scroll.at_bottom and not self._new_text.isVisible():
            self._new_text.show()
            self._new_text.raise_()

    @Slot(object)
    def _show_new_text_button(self, at_bottom: bool) -> None:
        if at_bottom:
            self._new_text.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self._new_text.sizeHint()
        self._new_text.setGeometry(
            (self.width() - size.width()) // 2,
            self.height() - size.height() - 14,
            size.width(),
            size.height(),
        )
        self._add_older_soon()
