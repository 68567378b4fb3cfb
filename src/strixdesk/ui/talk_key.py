"""The key that is held to talk."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence

REPEAT_GAP_MS = 40
"""X11 sends a held key as releases and presses. Qt takes a pair for a repeat only when it finds
both at once; one that it missed is told by how soon the press follows."""


class TalkKey(QObject):
    """Watches the key presses of the objects that it is installed on as an event filter. Holding
    talks; letting go, or losing the window, ends it. Repeats of a held key do not count."""

    pressed = Signal()
    released = Signal()

    def __init__(self, key: str, parent: QObject) -> None:
        super().__init__(parent)
        self._held = False
        self._up = QTimer(self)
        self._up.setSingleShot(True)
        self._up.setInterval(REPEAT_GAP_MS if QGuiApplication.platformName() == "xcb" else 0)
        self._up.timeout.connect(self.release)
        self.set_key(key)

    def set_key(self, key: str) -> None:
        """`key`: Qt's portable key text; F9 when that names none."""
        self._key = _combination(key) or _combination("F9")

    def press(self) -> None:
        self._up.stop()
        if not self._held:
            self._held = True
            self.pressed.emit()

    def release(self) -> None:
        if self._held:
            self._held = False
            self.released.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() in (
            QEvent.Type.KeyPress,
            QEvent.Type.KeyRelease,
        ):
            return self._take(event)
        if event.type() == QEvent.Type.WindowDeactivate:
            self.release()  # the key's release would go to another window
        return False

    def _take(self, event: QKeyEvent) -> bool:
        if self._key is None or event.key() != self._key.key():
            return False
        if event.type() == QEvent.Type.KeyRelease:
            # The modifiers may be let go first: the key itself ends it.
            if not event.isAutoRepeat():
                self._up.start()
            return True
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if modifiers != self._key.keyboardModifiers():
            return False
        if not event.isAutoRepeat():
            self.press()
        return True


def _combination(text: str) -> QKeyCombination | None:
    sequence = QKeySequence(text)
    if sequence.isEmpty():
        return None
    first: QKeyCombination = sequence[0]  # type: ignore[index]  # the stubs lack it
    return first
