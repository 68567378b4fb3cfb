"""The line above an answer: which tier gives it, why, and what it took."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from strixdesk.core.figures import Figures
from strixdesk.ui.figure_words import figure_sentence, figure_words
from strixdesk.ui.theme import Theme

_BETWEEN = "  ·  "
_LEAST_REASON = 80
"""Pixels that are left to it before the figures go."""


class TierLine(QWidget):
    """One line; what does not fit is cut with an ellipsis and told by the tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tier = ""
        self._reason = ""
        self._figures: tuple[str, ...] = ()
        """From the most words to the fewest."""
        self._bold = QFont(self.font())
        self._bold.setWeight(QFont.Weight.DemiBold)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_words(self, tier: str, reason: str, figures: Figures | None = None) -> None:
        self._tier, self._reason = tier, reason
        self._figures = figure_words(figures) if figures else ()
        took = figure_sentence(figures) if figures else ""
        whole = _BETWEEN.join(filter(None, (tier, reason)))
        told = f"{tier}: {reason}" if tier and reason else whole
        self.setToolTip("\n".join(filter(None, (told, took))))
        self.setAccessibleName(_BETWEEN.join(filter(None, (whole, took))))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, QFontMetrics(self._bold).height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._bold)
        painter.setPen(QColor(self._theme.text))
        area = self.rect()
        bold = QFontMetrics(self._bold)
        tier = _cut(bold, self._tier, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), tier)
        used = bold.horizontalAdvance(tier)
        rest = QRect(area)
        rest.setLeft(used)
        reason = f"{_BETWEEN if tier else ''}{self._reason}" if self._reason else ""
        painter.setFont(self.font())
        painter.setPen(QColor(self._theme.muted))
        words = fitted(reason, self._figures, QFontMetrics(self.font()), rest.width())
        painter.drawText(rest, int(Qt.AlignmentFlag.AlignVCenter), words)
        painter.end()


def fitted(reason: str, figures: Sequence[str], metrics: QFontMetrics, width: int) -> str:
    """With as much of the figures (longest first) as there is room for; the fewest stay where the
    reason has to be cut. Pixels."""
    forms = [f"{_BETWEEN}{form}" for form in figures]
    for form in forms:
        if metrics.horizontalAdvance(reason + form) <= width:
            return reason + form
    fewest = forms[-1] if forms else ""
    room = width - metrics.horizontalAdvance(fewest)
    if room < _LEAST_REASON:
        return _cut(metrics, reason, width)
    return _cut(metrics, reason, room) + fewest


def _cut(metrics: QFontMetrics, text: str, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, width))
