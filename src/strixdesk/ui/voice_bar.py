"""One line that always says what is happening: the turn, who answers and why, the microphone."""

from __future__ import annotations

import time

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from strixdesk.core.events import MicrophoneState
from strixdesk.core.loudness import SILENCE_DB
from strixdesk.core.turn import Turn, TurnState
from strixdesk.ui.elided_label import ElidedLabel
from strixdesk.ui.icons import icon
from strixdesk.ui.marks import LevelMeter, Mark, StateMark
from strixdesk.ui.theme import Theme
from strixdesk.ui.turn_words import MICROPHONE_ICONS, MICROPHONE_WORDS, turn_words

_MARKS = {
    TurnState.LISTENING: (Mark.DISC, "danger"),
    TurnState.TRANSCRIBING: (Mark.HALF, "warning"),
    TurnState.THINKING: (Mark.HALF, "warning"),
    TurnState.SPEAKING: (Mark.DISC, "ok"),
    TurnState.FAILED: (Mark.TRIANGLE, "danger"),
}


class VoiceBar(QWidget):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._turn: Turn | None = None
        self._partial = ""
        self._microphone = MicrophoneState.CLOSED
        self._mark = StateMark(theme)
        self.state = _plain("state")
        self.state.setAccessibleName("State")
        self.detail = ElidedLabel("muted")
        self.meter = LevelMeter(theme)
        self._microphone_icon = _plain("muted")
        self.microphone = _plain("muted")
        self.microphone.setAccessibleName("Microphone")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.setSpacing(8)
        row.addWidget(self._mark)
        row.addWidget(self.state)
        row.addWidget(self.detail, 1)
        row.addWidget(self.meter)
        row.addWidget(self._microphone_icon)
        row.addWidget(self.microphone)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._show)
        self.show_microphone(self._microphone)
        self._show()

    def show_turn(self, turn: Turn) -> None:
        """A late word of an older turn does not hide what the newer one does."""
        if self._turn and turn.id < self._turn.id:
            return
        if self._turn is None or turn.id != self._turn.id:
            self._partial = ""
        self._turn = turn
        if turn.state is TurnState.THINKING:
            self._clock.start()
        else:
            self._clock.stop()
        self._show()

    def show_partial(self, turn_id: str, text: str) -> None:
        if self._turn and turn_id == self._turn.id:
            self._partial = text
            self._show()

    @property
    def live(self) -> bool:
        return self._turn is not None and self._turn.state.live

    @property
    def recording(self) -> bool:
        return self._microphone is MicrophoneState.RECORDING

    def show_microphone(self, state: MicrophoneState) -> None:
        self._microphone = state
        recording = state is MicrophoneState.RECORDING
        colour = self._theme.danger if recording else self._theme.muted
        if state is MicrophoneState.LISTENING:
            colour = self._theme.ok
        pixmap = icon(MICROPHONE_ICONS[state], colour, size=16).pixmap(QSize(16, 16))
        self._microphone_icon.setPixmap(pixmap)
        self.microphone.setText(MICROPHONE_WORDS[state])
        open_now = state in (MicrophoneState.LISTENING, MicrophoneState.RECORDING)
        self.meter.setVisible(open_now)
        if not open_now:
            self.meter.show_level(SILENCE_DB, speech=False)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._mark.set_theme(theme)
        self.meter.set_theme(theme)
        self.show_microphone(self._microphone)

    def _show(self) -> None:
        turn = self._turn
        self.state.setText(turn_words(turn, time.monotonic()))
        failed = turn is not None and turn.state is TurnState.FAILED
        if self.state.property("alarm") != failed:
            self.state.setProperty("alarm", failed)
            self.state.style().polish(self.state)
        self._mark.show_mark(*_MARKS.get(turn.state if turn else None, (Mark.RING, "muted")))  # type: ignore[arg-type]
        listening = turn is not None and turn.state in (TurnState.LISTENING, TurnState.TRANSCRIBING)
        if listening and self._partial:
            self.detail.set_text(f"“{self._partial}”")
        elif turn and turn.route and turn.state.live:
            self.detail.set_text(turn.route.reason)
        else:
            self.detail.set_text("")


def _plain(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
