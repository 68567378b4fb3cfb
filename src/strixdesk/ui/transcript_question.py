"""What the user said, typed or showed: a bubble on the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.conversation import Image, Message, MessageStatus
from strixdesk.ui.message_view import Look, MessageView, colour_label, words_label
from strixdesk.ui.transcript_buttons import WordButton
from strixdesk.ui.transcript_picture import PictureButton
from strixdesk.ui.transcript_text import MessageText

_FOLD_CHARS, _FOLD_LINES = 3_000, 32
_SHARE = 0.72
"""Widest bubble, of the column."""
_PADDING_X, _PADDING_TOP, _PADDING_BOTTOM = 16, 11, 6
"""The line height leaves some room below the last line."""


class QuestionView(MessageView):
    def __init__(
        self,
        message: Message,
        look: Look,
        attachment_path: Callable[[Image], Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(message, look, parent)
        self._partial = ""
        self._whole = False
        self._width = 0
        self._attachment_path = attachment_path
        self._shown_images: tuple[Image, ...] = ()
        self._bubble = _Bubble(look, self)
        self._status = words_label(look.theme.danger, wrap=True)
        self._status.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._unfold = WordButton("Show all", look.theme, parent=self)
        self._unfold.clicked.connect(self._show_all)
        self._again = WordButton("Transcribe again", look.theme, framed=True, parent=self)
        self._again.clicked.connect(self._transcribe_again)

        self._pictures = QHBoxLayout()
        self._pictures.setContentsMargins(0, 0, 0, 0)
        self._pictures.setSpacing(8)
        self._pictures.addStretch(1)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addStretch(1)
        row.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._bubble)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._pictures)
        column.addLayout(row)
        column.addWidget(self._unfold, 0, Qt.AlignmentFlag.AlignRight)
        column.addWidget(self._status)
        column.addWidget(self._again, 0, Qt.AlignmentFlag.AlignRight)
        self.set_message(message)

    def set_message(self, message: Message) -> None:
        self.message = message
        self._show_pictures(message.images)
        self._show_words()
        failed = message.status is MessageStatus.FAILED
        self._status.setText(message.detail or "This could not be transcribed." if failed else "")
        self._status.setVisible(failed)
        self._again.setVisible(failed and message.recording is not None)
        self.setAccessibleName(f"You said: {self._words()[0][:300]}")

    def set_partial(self, text: str) -> None:
        """What was recognised so far of a message that is still being transcribed."""
        self._partial = text
        if self.message.status is MessageStatus.PENDING:
            self._show_words()

    def fit(self, width: int) -> None:
        self._width = width
        self._bubble.fit(int(width * _SHARE))

    def set_look(self, look: Look) -> None:
        self.look = look
        self.copy_button.set_theme(look.theme)
        self._again.set_theme(look.theme)
        self._unfold.set_theme(look.theme)
        colour_label(self._status, look.theme.danger)
        self._bubble.set_look(look)
        self._show_words()

    def text_view(self) -> MessageText:
        return self._bubble.text

    def _words(self) -> tuple[str, bool]:
        """What the bubble says, and whether these are the user's own final words."""
        message = self.message
        if message.status is MessageStatus.PENDING:
            return (f"{self._partial} …" if self._partial else "Transcribing…"), False
        if message.text:
            return message.text, True
        recording = message.recording
        if recording:
            return f"Recording, {_duration(recording.duration_s)}", False
        return "", True

    def _show_words(self) -> None:
        words, final = self._words()
        shown = words if self._whole else _beginning(words)
        self._unfold.setVisible(len(shown) < len(words))
        self._bubble.setVisible(bool(words))
        self.copy_button.setVisible(bool(self.message.text))
        self._bubble.set_words(shown, final=final)

    def _show_pictures(self, images: tuple[Image, ...]) -> None:
        if images == self._shown_images:
            return
        self._shown_images = images
        while self._pictures.count() > 1:
            item = self._pictures.takeAt(1)
            widget = item.widget() if item else None
            if widget:
                widget.deleteLater()
        for image in images:
            picture = PictureButton(image, self._attachment_path(image), self.look.theme)
            picture.clicked.connect(self._open_picture)
            self._pictures.addWidget(picture)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != self._width:
            self.fit(event.size().width())

    @Slot()
    def _open_picture(self) -> None:
        sender = self.sender()
        if isinstance(sender, PictureButton):
            self.image_opened.emit(sender.image)

    @Slot()
    def _show_all(self) -> None:
        self._whole = True
        self._show_words()

    @Slot()
    def _transcribe_again(self) -> None:
        self.transcribe_again_requested.emit(self.message.id)


class _Bubble(QWidget):
    """As wide as its words, up to a limit."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._most = 0
        self.text = MessageText(look.question, self)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.text.set_formats(look.question)
        self.update()

    def set_words(self, words: str, *, final: bool) -> None:
        self.text.set_plain(words, muted=not final)
        if self._most:
            self.fit(self._most)

    def fit(self, most: int) -> None:
        self._most = most
        self.text.fit(max(1, most - 2 * _PADDING_X))
        width = min(most, self.text.narrowest() + 2 * _PADDING_X + 2)
        self.text.fit(max(1, width - 2 * _PADDING_X))
        self.setFixedSize(
            QSize(max(1, width), self.text.minimumHeight() + _PADDING_TOP + _PADDING_BOTTOM)
        )
        self.text.setGeometry(
            _PADDING_X, _PADDING_TOP, max(1, width - 2 * _PADDING_X), self.text.minimumHeight()
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.theme.user_bubble))
        painter.drawRoundedRect(QRectF(self.rect()), 16, 16)
        painter.end()


def _beginning(words: str) -> str:
    """The whole, or as much of a long paste as is shown before it is asked for."""
    lines = words[: _FOLD_CHARS + 1].split("\n")
    if len(words) <= _FOLD_CHARS and len(lines) <= _FOLD_LINES:
        return words
    return "\n".join(lines[:_FOLD_LINES])[:_FOLD_CHARS].rstrip() + " …"


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
