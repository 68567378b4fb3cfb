"""The messages one below the other, in a column of a readable width; scrolled by its owner."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.ui.message_view import MessageView

MEASURE = 760
"""Widest text, in pixels."""
_MARGIN = 24
_GAP = 26


class TranscriptColumn(QWidget):
    """Keeps every message at the width of the column and as high as it needs to be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._views: list[MessageView] = []
        self._page = QWidget()
        self._page.setMaximumWidth(MEASURE)
        centre = QHBoxLayout(self)
        centre.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        centre.setSpacing(0)
        centre.addStretch(1)
        centre.addWidget(self._page, 1_000_000)
        centre.addStretch(1)
        self._centre = centre
        self._rows = QVBoxLayout(self._page)
        self._rows.setSpacing(_GAP)
        self._rows.addStretch(1)
        self._rows.setContentsMargins(0, 20, 0, 28)

    @property
    def views(self) -> tuple[MessageView, ...]:
        """Oldest first."""
        return tuple(self._views)

    @property
    def text_width(self) -> int:
        return max(120, min(MEASURE, self.width() - 2 * _MARGIN))

    def append(self, view: MessageView) -> None:
        self._insert(len(self._views), view)
        self._views.append(view)

    def prepend(self, views: list[MessageView]) -> None:
        """Older ones, oldest first."""
        for index, view in enumerate(views):
            self._insert(index, view)
        self._views[:0] = views

    def _insert(self, index: int, view: MessageView) -> None:
        """Sized and shown at once: a layout shows a new widget only later, and till then counts
        it as having no height."""
        view.fit(self.text_width)
        self._rows.insertWidget(index, view)
        view.resize(self.text_width, view.sizeHint().height())
        view.show()

    def drop_oldest(self, count: int) -> None:
        for view in self._views[:count]:
            self._remove(view)
        del self._views[:count]

    def clear(self) -> None:
        self.drop_oldest(len(self._views))

    def _remove(self, view: MessageView) -> None:
        self._rows.removeWidget(view)
        view.hide()
        view.deleteLater()

    def view_at(self, y: int) -> MessageView | None:
        """The first message that is not wholly above that line."""
        return next((view for view in self._views if view.geometry().bottom() >= y), None)

    def holds(self, view: MessageView) -> bool:
        return view in self._views

    def relay(self) -> None:
        """Give every message its place now."""
        self._rows.activate()
        self._centre.activate()

    def needed_height(self) -> int:
        """Of all messages as they are now."""
        return self._rows.sizeHint().height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            for view in self._views:
                view.fit(self.text_width)
