"""Who can be asked, and how each is doing: one card a tier."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.ui.marks import TIER_MARKS, Mark, StateMark
from strixdesk.ui.theme import Theme

AUTOMATIC = "Automatic"
_STATES = {
    TierState.UNKNOWN: "not asked yet",
    TierState.STOPPED: "stopped",
    TierState.STARTING: "starting",
    TierState.LOADING: "loading",
    TierState.READY: "ready",
    TierState.STOPPING: "stopping",
    TierState.FAILED: "failed",
    TierState.UNREACHABLE: "not reachable",
}


class TiersPane(QScrollArea):
    tier_chosen = Signal(object)
    """A tier's name, or None: routed."""
    tier_adopted = Signal(object)
    """A Tier that was found."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cards: dict[str, TierCard] = {}
        self._chosen: str | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        body.setObjectName("pane")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        title = _label("Who answers", "paneTitle")
        self._automatic = TierCard(AUTOMATIC, theme)
        self._automatic.show_words("The tier that suits each question", "", ())
        self._automatic.mark.show_mark(Mark.DISC, "accent")
        self._automatic.clicked.connect(self._choose)
        self._column.addWidget(title)
        self._column.addWidget(self._automatic)
        self._column.addStretch(1)
        self.setWidget(body)
        self._found: dict[str, QWidget] = {}
        self._mark_chosen()

    def show_tiers(self, tiers: Sequence[Tier]) -> None:
        for name in set(self._cards) - {tier.name for tier in tiers}:
            self._cards.pop(name).deleteLater()
        for place, tier in enumerate(tiers):
            if tier.name not in self._cards:
                card = TierCard(tier.name, self._theme)
                card.clicked.connect(self._choose)
                self._cards[tier.name] = card
            self._column.insertWidget(2 + place, self._cards[tier.name])
            if tier.name in self._found:
                self._found.pop(tier.name).deleteLater()
        self._mark_chosen()

    def show_status(self, tier: Tier, status: TierStatus) -> None:
        if card := self._cards.get(tier.name):
            card.show_status(tier, status)

    def show_found(self, tiers: Sequence[Tier]) -> None:
        """Servers that run on this computer and could be asked too."""
        for tier in tiers:
            if tier.name in self._found or tier.name in self._cards:
                continue
            offer = _Offer(tier)
            offer.taken.connect(self.tier_adopted)
            self._found[tier.name] = offer
            self._column.insertWidget(self._column.count() - 1, offer)

    @property
    def chosen(self) -> str | None:
        return self._chosen

    def card(self, name: str) -> TierCard:
        return self._cards[name]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for card in (self._automatic, *self._cards.values()):
            card.mark.set_theme(theme)

    def _choose(self, name: str) -> None:
        self._chosen = None if name == AUTOMATIC else name
        self._mark_chosen()
        self.tier_chosen.emit(self._chosen)

    def _mark_chosen(self) -> None:
        self._automatic.show_chosen(self._chosen is None)
        for name, card in self._cards.items():
            card.show_chosen(name == self._chosen)


class TierCard(QFrame):
    """A choice: click, Enter or Space asks this one from now on."""

    clicked = Signal(str)

    def __init__(self, name: str, theme: Theme) -> None:
        super().__init__()
        self._name = name
        self._words = ""
        self._chosen = False
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.mark = StateMark(theme)
        self._title = _label(name, "title")
        self._state = _label("", "muted")
        self._detail = _label("", "muted")
        self._detail.setWordWrap(True)
        self._chips = QHBoxLayout()
        self._chips.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.mark)
        head.addWidget(self._title, 1)
        head.addWidget(self._state)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._detail)
        column.addLayout(self._chips)

    def show_status(self, tier: Tier, status: TierStatus) -> None:
        self.mark.show_mark(*TIER_MARKS[status.state])
        known = tier.capabilities if tier.capabilities is not None else status.capabilities
        chips = [tier.role] if tier.role else []
        context = tier.context_tokens or status.context_tokens
        if context:
            chips.append(
                f"{context / 1024:.0f}k context" if context >= 1024 else f"{context} tokens"
            )
        chips += sorted(capability.value for capability in known)
        well = status.state is TierState.READY
        model = status.model or tier.model or ""
        detail = model if well or not status.detail else status.detail
        self.show_words(detail, _STATES[status.state], tuple(chips))
        self.setToolTip(f"{tier.base_url}\n{status.detail}".strip())

    def show_words(self, detail: str, state: str, chips: tuple[str, ...]) -> None:
        self._words = ", ".join(filter(None, (state, detail, *chips)))
        self._state.setText(state)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        while self._chips.count():
            item = self._chips.takeAt(0)
            if item and (widget := item.widget()):
                widget.deleteLater()
        for text in chips[:4]:
            self._chips.addWidget(_label(text, "chip"))
        self._chips.addStretch(1)
        self._name_it()

    def show_chosen(self, chosen: bool) -> None:
        self._chosen = chosen
        self.setProperty("chosen", chosen)
        self.style().polish(self)
        self._name_it()

    def _name_it(self) -> None:
        chosen = ", chosen" if self._chosen else ""
        self.setAccessibleName(f"{self._name}: {self._words}{chosen}")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit(self._name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit(self._name)
        else:
            super().keyPressEvent(event)


class _Offer(QFrame):
    taken = Signal(object)

    def __init__(self, tier: Tier) -> None:
        super().__init__()
        self._tier = tier
        self.setObjectName("card")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        text = _label(f"{tier.name} runs on this computer.", "muted")
        text.setWordWrap(True)
        text.setToolTip(tier.base_url)
        add = QPushButton("Add")
        add.setAccessibleName(f"Add {tier.name}")
        add.clicked.connect(self._take)
        row.addWidget(text, 1)
        row.addWidget(add)

    def _take(self) -> None:
        self.taken.emit(self._tier)


def _label(text: str, name: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
