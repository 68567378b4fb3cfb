"""Scrolling that stays where the reader is: at the bottom, or at the line that is being read."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from strixdesk.ui.message_view import MessageView
from strixdesk.ui.transcript_column import TranscriptColumn

_BOTTOM_SLACK = 12
"""Pixels from the end that still count as being there."""


class TranscriptScroll(QScrollArea):
    near_top = Signal()
    """Less than a screen of messages is left above."""
    at_bottom_changed = Signal(object)
    """bool"""

    def __init__(self, column: TranscriptColumn, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = column
        self._at_bottom = True
        self._anchor: MessageView | None = None
        self._anchor_offset = 0
        self._holding = False
        self.setAccessibleName("Messages")
        self.setWidget(column)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAutoFillBackground(False)
        column.setAutoFillBackground(False)
        bar = self.verticalScrollBar()
        bar.setSingleStep(28)
        bar.valueChanged.connect(self._moved)
        bar.rangeChanged.connect(self._hold)

    @property
    def at_bottom(self) -> bool:
        return self._at_bottom

    @Slot()
    def to_bottom(self) -> None:
        self._set_at_bottom(True)
        self._hold()

    @Slot(object)
    def follow(self, pointer: QPoint) -> None:
        """Scroll along while text is selected beyond the edge; `pointer` is on the screen."""
        y = self.viewport().mapFromGlobal(pointer).y()
        beyond = min(0, y) + max(0, y - self.viewport().height())
        if beyond:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + beyond // 2)

    def screens_above(self) -> float:
        """How much can be scrolled up, in heights of the window."""
        return self.verticalScrollBar().value() / max(1, self.viewport().height())

    def settle(self) -> None:
        """Lay out now what was added, and stay where the reader is."""
        height = max(self._column.needed_height(), self.viewport().height())
        self._column.resize(self._column.width(), height)
        self._column.relay()
        self._hold()

    # -- staying -------------------------------------------------------------------------------

    @Slot()
    def _moved(self) -> None:
        if self._holding:
            return
        bar = self.verticalScrollBar()
        self._set_at_bottom(bar.value() >= bar.maximum() - _BOTTOM_SLACK)
        self._drop_anchor()
        if self.screens_above() < 1:
            self.near_top.emit()

    def _drop_anchor(self) -> None:
        """Remember which message stands at the top of the window, and where."""
        top = self.verticalScrollBar().value()
        self._anchor = self._column.view_at(top)
        if self._anchor is not None:
            self._anchor_offset = top - self._anchor.y()

    @Slot()
    def _hold(self) -> None:
        bar = self.verticalScrollBar()
        self._holding = True
        if self._at_bottom:
            bar.setValue(bar.maximum())
        elif self._anchor is not None and self._column.holds(self._anchor):
            bar.setValue(self._anchor.y() + self._anchor_offset)
        self._holding = False

    def _set_at_bottom(self, at_bottom: bool) -> None:
        if at_bottom != self._at_bottom:
            self._at_bottom = at_bottom
            self.at_bottom_changed.emit(at_bottom)

    # -- keys ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        match event.key():
            case Qt.Key.Key_Home:
                bar.setValue(bar.minimum())
            case Qt.Key.Key_End:
                self.to_bottom()
            case _:
                super().keyPressEvent(event)
