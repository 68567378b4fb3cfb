"""What a start would do, laid over a box's memory while the start is pointed at.

It lies above the rest and takes no place of its own: a button that is pointed at must not move.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from strixdesk.core.memory import Forecast
from strixdesk.ui.memory_bar import MemoryView
from strixdesk.ui.plain import plain
from strixdesk.ui.theme import Theme

_MARGIN = 8
"""Pixels, around what it shows."""


class WhatIfPanel(QFrame):
    def __init__(self, theme: Theme, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._around = parent
        self.setObjectName("whatIf")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.memory = MemoryView(theme, name)
        self._verdict = plain("", "verdict", wrap=True)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.setSpacing(6)
        column.addWidget(self.memory)
        column.addWidget(self._verdict)
        self.hide()

    def show_over(self, place: QWidget, forecast: Forecast) -> None:
        """`place`: something in the same window that it begins at."""
        self.memory.show_forecast(forecast, compared=True)
        self._verdict.setText(forecast.sentence)
        self._verdict.setProperty("fits", forecast.fits)
        self._verdict.style().polish(self._verdict)
        width = self._around.width()
        top = place.mapTo(self._around, place.rect().topLeft()).y()
        self.show()
        self.memory.ensurePolished()
        self._column.activate()
        height = max(self._column.totalHeightForWidth(width), self.sizeHint().height())
        self.setGeometry(0, top - _MARGIN // 2, width, height)
        self.raise_()

    def set_theme(self, theme: Theme) -> None:
        self.memory.set_theme(theme)
