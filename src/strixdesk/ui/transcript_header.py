"""The line above an answer: which tier gives it, and why."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from strixdesk.ui.theme import Theme

_BETWEEN = "  ·  "


class TierLine(QWidget):
    """One line; what does not fit is cut with an ellipsis and told by the tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tier = ""
        self._reason = ""
        self._bold = QFont(self.font())
        self._bold.setWeight(QFont.Weight.DemiBold)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_words(self, tier: str, reason: str) -> None:
        self._tier, self._reason = tier, reason
        whole = _BETWEEN.join(filter(None, (tier, reason)))
        self.setToolTip(f"{tier}: {reason}" if tier and reason else whole)
        self.setAccessibleName(whole)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, QFontMetrics(self._bold).height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._bold)
        painter.setPen(QColor(self._theme.text))
        area = self.rect()
        tier = self._elided(self._tier, self._bold, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), tier)
        used = QFontMetrics(self._bold).horizontalAdvance(tier)
        rest = QRect(area)
        rest.setLeft(used)
        reason = f"{_BETWEEN if tier else ''}{self._reason}" if self._reason else ""
        painter.setFont(self.font())
        painter.setPen(QColor(self._theme.muted))
        words = self._elided(reason, self.font(), rest.width())
        painter.drawText(rest, int(Qt.AlignmentFlag.AlignVCenter), words)
        painter.end()

    @staticmethod
    def _elided(text: str, font: QFont, width: int) -> str:
        return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, max(0, width))
