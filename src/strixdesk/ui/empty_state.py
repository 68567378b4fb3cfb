"""What a new conversation shows: what to do first, who will answer, and something to try."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.ui.icons import app_icon

EXAMPLES = (
    "What is the capital of France? One sentence.",
    "Write a Python function that reverses a string.",
    "Explain what a KV cache is, in three sentences.",
)


class EmptyState(QWidget):
    example_chosen = Signal(str)

    def __init__(self, talk_key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: dict[str, tuple[Tier, TierStatus]] = {}
        picture = QLabel()
        picture.setPixmap(app_icon().pixmap(QSize(72, 72)))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        headline = _centred("", "headline")
        headline.setText(f"Hold {talk_key} and speak, or type below")
        self._who = _centred("Getting ready …", "muted")
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(picture)
        column.addWidget(headline)
        column.addWidget(self._who)
        column.addSpacing(14)
        for example in EXAMPLES:
            button = QPushButton(example)
            button.setObjectName("example")
            button.setAccessibleName(f"Try: {example}")
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            button.clicked.connect(_Choice(self, example))
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)

    def show_tiers(self, tiers: Sequence[Tier]) -> None:
        """All that there are."""
        before = self._known
        self._known = {one.name: (one, before[one.name][1]) for one in tiers if one.name in before}
        self._who.setText(self._words())

    def show_tier(self, tier: Tier, status: TierStatus) -> None:
        self._known[tier.name] = (tier, status)
        self._who.setText(self._words())

    def _words(self) -> str:
        """The best that can be said of who will answer."""
        known = [
            (tier, TierState.STOPPED if status.unloaded else status.state)
            for tier, status in self._known.values()
        ]
        by_state = {state: tier for tier, state in reversed(known)}
        if tier := by_state.get(TierState.READY):
            more = sum(state is TierState.READY for _, state in known) - 1
            return f"{tier.title} is ready" + (f", and {more} more" if more else "")
        for state in (TierState.LOADING, TierState.STARTING):
            if tier := by_state.get(state):
                return f"{tier.title} is getting ready …"
        if tier := by_state.get(TierState.STOPPED):
            how = "can be started by" if tier.control else "starts with"
            return f"{tier.title} {how} your first question"
        if TierState.UNKNOWN in by_state or not known:
            return "Looking who is there …"
        return "No tier can be reached: the pane on the right says why"


class _Choice:
    def __init__(self, state: EmptyState, text: str) -> None:
        self._state = state
        self._text = text

    def __call__(self) -> None:
        self._state.example_chosen.emit(self._text)


def _centred(text: str, name: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
