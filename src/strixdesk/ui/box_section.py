"""A box in the pane: its header and the cards of the tiers that run there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from strixdesk.core.box import Box, BoxStatus
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Stack
from strixdesk.core.tier import ControlKind, Tier
from strixdesk.ui.box_header import BoxHeader
from strixdesk.ui.theme import Theme
from strixdesk.ui.tier_card import TierCard
from strixdesk.ui.what_if import WhatIfPanel

WhatIf = Callable[[Sequence[str]], Forecast | None]
"""What starting these services would do."""


class BoxSection(QFrame):
    def __init__(
        self, box: Box, theme: Theme, what_if: WhatIf, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.box = box
        self._what_if = what_if
        self._stack: Stack | None = None
        self._units: dict[str, str] = {}
        """Services by the names of their tiers."""
        self._trouble = ""
        """Why nothing on it can be reached."""
        self._considered: tuple[str, ...] = ()
        """Services whose start is pointed at."""
        self.header = BoxHeader(box, theme)
        self.header.mode_considered.connect(self._consider_mode)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.header)
        column.addLayout(self._cards)
        self._panel = WhatIfPanel(theme, f"Memory of {box.name}, if it is started,", self)

    def holds(self, tier: Tier) -> bool:
        return runs_on(tier, self.box)

    def place(self, tier: Tier, card: TierCard, at: int) -> None:
        if tier.control and tier.name not in self._units:
            card.start_considered.connect(self._consider)
        if tier.control:
            self._units[tier.name] = tier.control.unit
        self._cards.insertWidget(at, card)
        card.show_told_above(self._trouble)

    def show_box(self, status: BoxStatus, stack: Stack | None) -> None:
        self._stack = stack
        self.header.show_stack(stack)
        self.header.show_status(status)
        self.header.show_memory(self._what_if(()))
        self._show_what_if(self._considered)
        trouble = status.broken.detail if status.broken else ""
        if trouble != self._trouble:
            self._trouble = trouble
            for card in self.findChildren(TierCard):
                card.show_told_above(trouble)

    def set_theme(self, theme: Theme) -> None:
        self._panel.set_theme(theme)
        self.header.set_theme(theme)

    def _consider(self, tier: str) -> None:
        unit = self._units.get(tier)
        self._show_what_if((unit,) if unit else ())

    def _consider_mode(self, name: str) -> None:
        mode = self._stack.mode(name) if self._stack else None
        self._show_what_if(mode.services if mode else ())

    def _show_what_if(self, services: Sequence[str]) -> None:
        self._considered = tuple(services)
        forecast = self._what_if(services) if services else None
        if forecast:
            self._panel.show_over(self.header.memory, forecast)
        else:
            self._panel.hide()


def runs_on(tier: Tier, box: Box) -> bool:
    control = tier.control
    if control is None or control.kind is not ControlKind.COMPOSE:
        return False
    return control.box == box.name or (not control.box and box.is_here)
