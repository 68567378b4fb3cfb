"""What the user's messages and the answers have in common as widgets."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QFont,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget

from strixdesk.core.conversation import Message
from strixdesk.ui.markdown_formats import Formats
from strixdesk.ui.theme import Theme
from strixdesk.ui.transcript_buttons import WordButton
from strixdesk.ui.transcript_text import MessageText


@dataclass(frozen=True, slots=True)
class Look:
    """A theme with the formats made from it, shared by all messages."""

    theme: Theme
    answer: Formats
    question: Formats
    aside: Formats
    """Thinking and other words that stand back."""

    @classmethod
    def of(cls, theme: Theme, font: QFont) -> Look:
        body = QFont(font)
        body.setPointSizeF(font.pointSizeF() * 1.08)
        aside = QFont(font)
        aside.setPointSizeF(font.pointSizeF() * 0.98)
        return cls(
            theme,
            Formats(theme, body),
            Formats(theme, body, colour=theme.on_user_bubble),
            Formats(theme, aside, colour=theme.muted),
        )


class MessageView(QWidget):
    """One message. Deltas are collected until `flush` draws them."""

    answer_again_requested = Signal(object)
    """The message's id."""
    continue_requested = Signal(object)
    """The message's id."""
    drop_requested = Signal(object)
    """The id of a message that waits for its answer."""
    other_tier_requested = Signal(object, object)
    """The message's id; the name of the tier that is to answer instead."""
    without_pictures_requested = Signal(object)
    """The message's id."""
    transcribe_again_requested = Signal(object)
    """The message's id."""
    image_opened = Signal(object)
    """Image."""

    def __init__(self, message: Message, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self.look = look
        self._link = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.copy_button = WordButton("Copy", look.theme, quiet=True, parent=self)
        self.copy_button.setAccessibleName("Copy this message")
        self.copy_button.clicked.connect(self.copy_message)

    # -- to be filled in -----------------------------------------------------------------------

    @abstractmethod
    def set_message(self, message: Message) -> None:
        """Anything but appended text has changed."""

    def append(self, text: str = "", thinking: str = "") -> None:
        """Only answers grow."""

    def flush(self) -> bool:
        """Draw what was appended. True when there was something."""
        return False

    @abstractmethod
    def fit(self, width: int) -> None:
        """Take the height that the message needs at that width."""

    @abstractmethod
    def set_look(self, look: Look) -> None:
        """Other colours or letters."""

    @abstractmethod
    def text_view(self) -> MessageText:
        """Where its words stand."""

    def set_spoken(self, chars: int | None) -> None:
        """How far it has been read out; None: it is not being read."""

    # -- copying -------------------------------------------------------------------------------

    def source(self) -> str:
        """Its text as it was written or sent."""
        return self.message.text

    @Slot()
    def copy_message(self) -> None:
        QApplication.clipboard().setText(self.source())
        self.copy_button.say("Copied")

    @Slot()
    def _copy_selection(self) -> None:
        text = self.text_view().selected_text() or self.text_view().plain_text()
        QApplication.clipboard().setText(text)

    @Slot()
    def _copy_link(self) -> None:
        QApplication.clipboard().setText(self._link)

    @Slot()
    def _select_all(self) -> None:
        self.text_view().setFocus()
        self.text_view().selectAll()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_menu(event.globalPos())

    @Slot(QPoint)
    def open_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy").triggered.connect(self._copy_selection)
        menu.addAction("Copy as Markdown").triggered.connect(self.copy_message)
        text = self.text_view()
        self._link = text.anchorAt(text.viewport().mapFromGlobal(place))
        if self._link:
            menu.addAction("Copy Link").triggered.connect(self._copy_link)
        menu.addSeparator()
        menu.addAction("Select All").triggered.connect(self._select_all)
        menu.popup(place)

    # -- hover and focus -----------------------------------------------------------------------

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.copy_button.set_shown(True)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.copy_button.set_shown(self.hasFocus())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.copy_button.set_shown(True)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.copy_button.set_shown(self.underMouse())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.hasFocus():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.look.theme.accent), 1.5))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 8, 8)
        painter.end()


def words_label(colour: str, *, wrap: bool = False) -> QLabel:
    """Plain text in one colour, of the ordinary size."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    colour_label(label, colour)
    return label


def colour_label(label: QLabel, colour: str) -> None:
    palette = QPalette(label.palette())
    palette.setColor(QPalette.ColorRole.WindowText, QColor(colour))
    label.setPalette(palette)
