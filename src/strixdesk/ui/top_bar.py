"""Above the transcript: the conversation's title, the switches, and the panes' buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from strixdesk.ui.elided_label import ElidedLabel
from strixdesk.ui.icons import icon
from strixdesk.ui.theme import Theme


class TopBar(QFrame):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.left = _button("Show or hide the conversations", "Ctrl+B")
        self._title = ElidedLabel("title")
        self.show_title("")
        self.hands_free = _button("Hands-free", "Ctrl+M: listens until you pause", words=True)
        self.speech = _button("Read aloud", "Ctrl+Shift+S: answers are spoken", words=True)
        self.settings = _button("Settings", "Ctrl+,")
        self.right = _button("Show or hide the tiers", "Ctrl+T")
        for switch in (self.hands_free, self.speech):
            switch.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(6)
        row.addWidget(self.left)
        row.addWidget(self._title, 1)
        for button in (self.hands_free, self.speech, self.settings, self.right):
            row.addWidget(button)
        self.set_theme(theme)

    def show_title(self, title: str) -> None:
        self._title.set_text(title or "New conversation")

    def show_speech(self, on: bool) -> None:
        _show(self.speech, on)
        self.speech.setIcon(icon("speaker" if on else "speaker-off", self._theme.text))

    def show_hands_free(self, on: bool) -> None:
        _show(self.hands_free, on)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.left.setIcon(icon("panel-left", theme.muted))
        self.right.setIcon(icon("panel-right", theme.muted))
        self.settings.setIcon(icon("settings", theme.muted))
        self.hands_free.setIcon(icon("ear", theme.text))
        self.show_speech(self.speech.isChecked())


def _button(name: str, tip: str, *, words: bool = False) -> QToolButton:
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(tip if words else f"{name} ({tip})")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if words:
        button.setText(name)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _show(button: QToolButton, on: bool) -> None:
    """Without telling anyone: the session has told us."""
    button.blockSignals(True)
    button.setChecked(on)
    button.blockSignals(False)
