"""A field that takes the next key: for the key that is held to talk."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

_MODIFIERS_ALONE = {
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_unknown,
}
_NEVER_TYPE = {Qt.Key.Key_Insert, Qt.Key.Key_Pause, Qt.Key.Key_ScrollLock, Qt.Key.Key_Menu}
_COMMAND = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_STANDARD = (
    QKeySequence.StandardKey.Copy,
    QKeySequence.StandardKey.Cut,
    QKeySequence.StandardKey.Paste,
    QKeySequence.StandardKey.SelectAll,
    QKeySequence.StandardKey.Undo,
    QKeySequence.StandardKey.Redo,
)

WAITING = "Press the key …"
WRITES = "That key writes text. Take a function key, or hold Ctrl, Alt or Meta with it."
TAKEN = "That key does something else already."


class KeyField(QPushButton):
    """Click, Enter or Space; then the next key is the one. Esc keeps the old one, Tab moves on."""

    key_changed = Signal(str)
    refused = Signal(str)
    """Why a key that was pressed will not do."""

    def __init__(
        self, key: str, *, taken: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        """`key` and `taken`: Qt's portable key text."""
        super().__init__(parent)
        self._key = key
        self._taken = {QKeySequence(text).toString() for text in taken}
        self._waiting = False
        self.setAutoDefault(False)
        self.clicked.connect(self._begin)
        self._show()

    @property
    def key(self) -> str:
        return self._key

    @property
    def waiting(self) -> bool:
        return self._waiting

    def event(self, event: QEvent) -> bool:
        """Before shortcuts, the default button and the tab order see the key."""
        if self._waiting and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() not in (
                Qt.Key.Key_Tab,
                Qt.Key.Key_Backtab,
            ):
                self._take(event)
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end()
        super().focusOutEvent(event)

    def _begin(self) -> None:
        self._waiting = True
        self._show()

    def _end(self) -> None:
        self._waiting = False
        self._show()

    def _take(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._end()
            return
        if event.key() in _MODIFIERS_ALONE:
            return  # the key itself is still to come
        pressed = event.keyCombination()
        if why := self._why_not(pressed):
            self.refused.emit(why)
            return
        self._key = QKeySequence(pressed).toString(QKeySequence.SequenceFormat.PortableText)
        self._end()
        self.key_changed.emit(self._key)

    def _why_not(self, pressed: QKeyCombination) -> str:
        key = pressed.key()
        function = Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35
        if not function and key not in _NEVER_TYPE and not pressed.keyboardModifiers() & _COMMAND:
            return WRITES
        sequence = QKeySequence(pressed)
        standard = any(sequence in QKeySequence.keyBindings(which) for which in _STANDARD)
        return TAKEN if standard or sequence.toString() in self._taken else ""

    def _show(self) -> None:
        native = QKeySequence(self._key).toString(QKeySequence.SequenceFormat.NativeText)
        self.setText(WAITING if self._waiting else native or "None")
        self.setAccessibleDescription(self.text())
