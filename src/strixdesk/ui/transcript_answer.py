"""An answer: who gives it and why, its thinking folded away, its text, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from strixdesk.core.conversation import HandOver, Message, MessageStatus, Offer
from strixdesk.ui.message_view import Look, MessageView, colour_label, words_label
from strixdesk.ui.transcript_buttons import OtherTierButton, WordButton
from strixdesk.ui.transcript_header import TierLine
from strixdesk.ui.transcript_text import MessageText

_ASIDE_INDENT = 14
_OTHERS = 2
"""How many other tiers can be offered."""


class AnswerView(MessageView):
    def __init__(
        self,
        message: Message,
        look: Look,
        titles: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        """`titles`: what tiers are called, by their names; after a change, `retitle`."""
        super().__init__(message, look, parent)
        self._titles = titles
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
        self._status = _StatusRow(look, titles, self)
        self._status.again.clicked.connect(self._ask_again)
        self._status.go_on.clicked.connect(self._continue)
        self._status.drop.clicked.connect(self._drop)
        self._status.no_pictures.clicked.connect(self._ask_without_pictures)
        for button in self._status.others:
            button.clicked.connect(self._ask_other)
        self._joints = words_label(look.theme.muted, wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(head)
        self._column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._body)
        self._column.addWidget(self._joints)
        self._column.addWidget(self._status)
        self.set_message(message)

    # -- content -------------------------------------------------------------------------------

    def set_message(self, message: Message) -> None:
        self.flush()
        live = message.status is MessageStatus.STREAMING
        goes_on = live and self.message.status is not MessageStatus.STREAMING
        self.message = message
        if message.text != self._text or goes_on:
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
        colour_label(self._joints, look.theme.muted)
        self._body.set_formats(look.answer)
        self._body.set_text(self._text, complete=not live)
        if self._aside and self._thinking_view:
            self._aside.set_look(look)
            self._thinking_view.set_text(self._thinking, complete=not live)
        self._show_state()

    def retitle(self) -> None:
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
        tier = message.tier or "StrixDesk"
        figures = None if live else message.figures
        self._header.set_words(self._titles.get(tier, tier), message.reason or "", figures)
        arrow = "▾" if self._unfolded else "▸"
        thinking_now = live and not self._text
        self._fold.setText(f"{'Thinking…' if thinking_now else 'Thought'} {arrow}")
        self._fold.setAccessibleName("Hide thinking" if self._unfolded else "Show thinking")
        self._fold.setVisible(bool(self._thinking))
        self._joints.setText("\n".join(map(joint_words, message.hand_overs)))
        self._joints.setVisible(bool(message.hand_overs))
        self._status.show_status(message)
        self.setAccessibleName(self._spoken_name())

    def _spoken_name(self) -> str:
        state = {
            MessageStatus.STREAMING: ", still coming",
            MessageStatus.INCOMPLETE: ", incomplete",
            MessageStatus.FAILED: ", failed",
        }.get(self.message.status, "")
        state = ", waiting" if self.message.waits else state
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
    def _continue(self) -> None:
        self.continue_requested.emit(self.message.id)

    @Slot()
    def _drop(self) -> None:
        self.drop_requested.emit(self.message.id)

    @Slot()
    def _ask_without_pictures(self) -> None:
        self.without_pictures_requested.emit(self.message.id)

    @Slot()
    def _ask_other(self) -> None:
        button = self.sender()
        if isinstance(button, OtherTierButton):
            self.other_tier_requested.emit(self.message.id, button.tier)

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


def joint_words(joint: HandOver) -> str:
    return f"Begun by {joint.begun_by}, continued by {joint.continued_by}. {joint.why}".strip()


class _StatusRow(QWidget):
    """What went wrong or is waited for, in words, and the buttons that change it."""

    def __init__(self, look: Look, titles: Mapping[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._titles = titles
        self.label: QLabel = words_label(look.theme.danger, wrap=True)
        self.go_on = WordButton("Continue", look.theme, framed=True, parent=self)
        self.drop = WordButton("Don't wait", look.theme, framed=True, parent=self)
        self.again = WordButton("Try again", look.theme, framed=True, parent=self)
        self.no_pictures = WordButton(
            "Ask without the picture", look.theme, framed=True, parent=self
        )
        self.others = [OtherTierButton(look.theme, self) for _ in range(_OTHERS)]
        self._buttons = (self.go_on, self.drop, self.again, self.no_pictures, *self.others)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in self._buttons:
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(6)
        column.addWidget(self.label)
        column.addLayout(buttons)
        self.hide()

    def set_look(self, look: Look) -> None:
        self._look = look
        for button in self._buttons:
            button.set_theme(look.theme)

    def show_status(self, message: Message) -> None:
        theme = self._look.theme
        detail = (message.detail or "").strip()
        incomplete = message.status is MessageStatus.INCOMPLETE
        if incomplete:
            colour_label(self.label, theme.warning)
            self.label.setText(f"Incomplete: {detail}" if detail else "Incomplete.")
        elif message.status is MessageStatus.FAILED:
            calm = message.waits or message.dropped
            colour_label(self.label, theme.muted if calm else theme.danger)
            self.label.setText(detail or "No answer came.")
        self.go_on.setVisible(incomplete and bool(message.text.strip()))
        self.drop.setVisible(message.waits)
        offer = message.offer or Offer()
        self.no_pictures.setVisible(offer.without_pictures)
        for number, button in enumerate(self.others):
            tier = offer.tiers[number] if number < len(offer.tiers) else ""
            button.set_tier(tier, self._titles.get(tier, tier))
        self.setVisible(message.status in (MessageStatus.INCOMPLETE, MessageStatus.FAILED))
