"""An answer: who gives it and why, its thinking folded away, its text, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from strixdesk.core.conversation import Message, MessageStatus
from strixdesk.ui.message_view import Look, MessageView, colour_label, words_label
from strixdesk.ui.transcript_buttons import WordButton
from strixdesk.ui.transcript_header import TierLine
from strixdesk.ui.transcript_text import MessageText

_ASIDE_INDENT = 14


class AnswerView(MessageView):
    def __init__(self, message: Message, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(message, look, parent)
        self._text = ""
        self._thinking = ""
        self._text_parts: list[str] = []
        self._thinking_parts: list[str] = []
        self._thinking_view: MessageText | None = None
        self._aside: _Aside | None = None
        self._unfolded = False
        self._width = 0

        self._header = TierLine(look.theme, self)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self._header, 1)
        head.addWidget(self.copy_button)
        self._fold = WordButton("", look.theme, flush=True, parent=self)
        self._fold.clicked.connect(self._toggle_thinking)
        self._body = MessageText(look.answer, self)
        self._status = _StatusRow(look, self)
        self._status.button.clicked.connect(self._ask_again)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(head)
        self._column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._body)
        self._column.addWidget(self._status)
        self.set_message(message)

    # -- content -------------------------------------------------------------------------------

    def set_message(self, message: Message) -> None:
        self.flush()
        self.message = message
        live = message.status is MessageStatus.STREAMING
        if message.text != self._text:
            self._text = message.text
            self._body.set_text(self._text, complete=not live)
        elif not live:
            self._body.finish()
        if message.thinking != self._thinking:
            self._thinking = message.thinking
            if self._thinking_view:
                self._thinking_view.set_text(self._thinking, complete=not live)
        self._show_state()

    def append(self, text: str = "", thinking: str = "") -> None:
        if text:
            self._text_parts.append(text)
        if thinking:
            self._thinking_parts.append(thinking)

    def flush(self) -> bool:
        text, thinking = "".join(self._text_parts), "".join(self._thinking_parts)
        if not (text or thinking):
            return False
        self._text_parts, self._thinking_parts = [], []
        if text:
            first = not self._text
            self._text += text
            self._body.markdown.feed(text)
            self._body.draw()
            if first:
                self._show_state()
        if thinking:
            first = not self._thinking
            self._thinking += thinking
            if self._thinking_view:
                self._thinking_view.markdown.feed(thinking)
                self._thinking_view.draw()
            if first:
                self._show_state()
        return True

    def fit(self, width: int) -> None:
        self._width = width
        self._body.fit(width)
        if self._aside:
            self._aside.fit(width)

    def set_look(self, look: Look) -> None:
        self.look = look
        live = self.message.status is MessageStatus.STREAMING
        self.copy_button.set_theme(look.theme)
        self._fold.set_theme(look.theme)
        self._header.set_theme(look.theme)
        self._status.set_look(look)
        self._body.set_formats(look.answer)
        self._body.set_text(self._text, complete=not live)
        if self._aside and self._thinking_view:
            self._aside.set_look(look)
            self._thinking_view.set_text(self._thinking, complete=not live)
        self._show_state()

    def text_view(self) -> MessageText:
        return self._body

    def source(self) -> str:
        return self._text + "".join(self._text_parts)

    def set_spoken(self, chars: int | None) -> None:
        self._body.set_spoken(chars)

    # -- state in words ------------------------------------------------------------------------

    def _show_state(self) -> None:
        message = self.message
        live = message.status is MessageStatus.STREAMING
        self._body.set_caret(live)
        self._body.setVisible(bool(self._text) or live)
        self._header.set_words(message.tier or "", message.reason or "")
        arrow = "▾" if self._unfolded else "▸"
        thinking_now = live and not self._text
        self._fold.setText(f"{'Thinking…' if thinking_now else 'Thought'} {arrow}")
        self._fold.setAccessibleName("Hide thinking" if self._unfolded else "Show thinking")
        self._fold.setVisible(bool(self._thinking))
        self._status.show_status(message)
        self.setAccessibleName(self._spoken_name())

    def _spoken_name(self) -> str:
        state = {
            MessageStatus.STREAMING: ", still coming",
            MessageStatus.INCOMPLETE: ", incomplete",
            MessageStatus.FAILED: ", failed",
        }.get(self.message.status, "")
        words = self._text[:300] or self.message.detail or ""
        return f"Answer by {self.message.tier or 'the assistant'}{state}: {words}".rstrip(": ")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != self._width:
            self.fit(event.size().width())

    @Slot()
    def _ask_again(self) -> None:
        self.answer_again_requested.emit(self.message.id)

    @Slot()
    def _toggle_thinking(self) -> None:
        self._unfolded = not self._unfolded
        if self._thinking_view is None:
            self._aside = _Aside(self.look, self)
            self._thinking_view = self._aside.text
            self._column.insertWidget(2, self._aside)
            live = self.message.status is MessageStatus.STREAMING
            self._thinking_view.set_text(self._thinking, complete=not live)
            self._aside.fit(self._width)
        if self._aside:
            self._aside.setVisible(self._unfolded)
        self._show_state()


class _Aside(QWidget):
    """Thinking: smaller, muted, behind a line."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self.text = MessageText(look.aside, self)
        self.text.setAccessibleName("Thinking")
        column = QVBoxLayout(self)
        column.setContentsMargins(_ASIDE_INDENT, 2, 0, 10)
        column.addWidget(self.text)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.text.set_formats(look.aside)
        self.update()

    def fit(self, width: int) -> None:
        self.text.fit(max(1, width - _ASIDE_INDENT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, 2, 2, self.height() - 12, QColor(self._look.theme.border))
        painter.end()


class _StatusRow(QWidget):
    """What went wrong, in words, and the button that mends it."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self.label: QLabel = words_label(look.theme.danger, wrap=True)
        self.button = WordButton("Try again", look.theme, framed=True, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 4)
        row.setSpacing(12)
        row.addWidget(self.label, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def set_look(self, look: Look) -> None:
        self._look = look
        self.button.set_theme(look.theme)

    def show_status(self, message: Message) -> None:
        theme = self._look.theme
        detail = (message.detail or "").strip()
        if message.status is MessageStatus.INCOMPLETE:
            colour_label(self.label, theme.warning)
            self.label.setText(f"Incomplete: {detail}" if detail else "Incomplete.")
        elif message.status is MessageStatus.FAILED:
            colour_label(self.label, theme.danger)
            self.label.setText(detail or "No answer came.")
        self.setVisible(message.status in (MessageStatus.INCOMPLETE, MessageStatus.FAILED))
