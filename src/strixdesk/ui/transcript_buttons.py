"""The transcript's small buttons: words without a frame, drawn in the colours of the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from strixdesk.ui.theme import Theme

_PADDING_X, _PADDING_Y = 9, 4
_SAID_MS = 1500


class WordButton(QAbstractButton):
    """A button that is only its words until the pointer or the keyboard comes to it.

    `quiet`: it is not even words until then, or until `set_shown`; it can always be tabbed to.
    `flush`: its words begin at its left edge, in line with the text below.
    """

    def __init__(
        self,
        text: str,
        theme: Theme,
        *,
        quiet: bool = False,
        framed: bool = False,
        flush: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._quiet = quiet
        self._framed = framed
        self._flush = flush
        self._shown = not quiet
        self._words = text
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.setInterval(_SAID_MS)
        self._said.timeout.connect(self._say_words)
        self.setText(text)
        self.setAccessibleName(text)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.93)
        self.setFont(font)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_shown(self, shown: bool) -> None:
        """Of a quiet button: whether its words are drawn."""
        self._shown = shown or not self._quiet
        self.update()

    def say(self, words: str) -> None:
        """Other words for a moment: that it was done."""
        self.setText(words)
        self._said.start()

    @Slot()
    def _say_words(self) -> None:
        self.setText(self._words)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(
            metrics.horizontalAdvance(self.text()) + (4 if self._flush else 2 * _PADDING_X),
            metrics.height() + 2 * _PADDING_Y,
        )

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        hot = self.underMouse() or self.hasFocus()
        if not (self._shown or hot):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._framed:
            painter.setPen(QPen(QColor(self._theme.border), 1))
        if (hot and not self._flush) or self._framed:
            painter.setBrush(QColor(self._theme.border if hot else self._theme.raised))
            painter.drawRoundedRect(ground, 7, 7)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 1.5))
            painter.drawRoundedRect(ground, 7, 7)
        painter.setPen(QColor(self._theme.text if hot or self._framed else self._theme.muted))
        side = Qt.AlignmentFlag.AlignLeft if self._flush else Qt.AlignmentFlag.AlignHCenter
        painter.drawText(self.rect(), int(side | Qt.AlignmentFlag.AlignVCenter), self.text())
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()


class OtherTierButton(WordButton):
    """Offers another tier in place of one that did not answer."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("", theme, framed=True, parent=parent)
        self.tier = ""
        self.hide()

    def set_tier(self, tier: str, title: str) -> None:
        """Empty: there is none to offer."""
        self.tier = tier
        self._words = f"Ask {title} instead"
        self.setText(self._words)
        self.setAccessibleName(self._words)
        self.setVisible(bool(tier))
