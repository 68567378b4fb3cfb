"""Short messages above the transcript: what went wrong and what to do, never in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

PASSING_MS = 7000
MOST = 3


class Notices(QWidget):
    """The newest few; passing ones leave by themselves, failures stay until they are dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(16, 0, 16, 0)
        self._rows.setSpacing(6)

    def tell(self, text: str, action: str = "", do: Callable[[], None] | None = None) -> None:
        """A passing line, with something to do about it if given."""
        notice = self._add(text, "noticed", action, do)
        QTimer.singleShot(PASSING_MS, notice, notice.deleteLater)

    def warn(self, text: str, action: str = "", do: Callable[[], None] | None = None) -> None:
        self._add(text, "failed", action, do)

    def withdraw(self, text: str) -> None:
        """What it says is no longer so."""
        for notice in self._notices():
            if notice.text == text:
                self._drop(notice)

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self._notices()]

    def _notices(self) -> list[_Notice]:
        items = (self._rows.itemAt(i) for i in range(self._rows.count()))
        return [w for item in items if item and isinstance(w := item.widget(), _Notice)]

    def _add(self, text: str, kind: str, action: str, do: Callable[[], None] | None) -> _Notice:
        self.withdraw(text)
        for notice in self._notices()[: 1 - MOST] if len(self._notices()) >= MOST else []:
            self._drop(notice)
        notice = _Notice(text, kind, action, do, self)
        self._rows.addWidget(notice)
        return notice

    def _drop(self, notice: _Notice) -> None:
        self._rows.removeWidget(notice)
        notice.deleteLater()


class _Notice(QFrame):
    def __init__(
        self, text: str, kind: str, action: str, do: Callable[[], None] | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.text = text
        self._do = do
        self.setObjectName("notice")
        self.setProperty("kind", kind)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row.addWidget(label, 1)
        if action and do:
            button = QPushButton(action)
            button.setAccessibleName(action)
            button.clicked.connect(self._act)
            row.addWidget(button)
        dismiss = QPushButton("Dismiss")
        dismiss.setAccessibleName(f"Dismiss: {text}")
        dismiss.clicked.connect(self.deleteLater)
        row.addWidget(dismiss)

    def _act(self) -> None:
        if self._do:
            self._do()
        self.deleteLater()
