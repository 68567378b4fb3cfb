"""Who can be asked, and how each is doing: the boxes with their tiers, then everybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.box import Box, BoxStatus
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Stack
from strixdesk.core.tier import ControlKind, Tier, TierStatus
from strixdesk.ui.box_section import BoxSection
from strixdesk.ui.marks import Mark
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme
from strixdesk.ui.tier_card import TierCard

AUTOMATIC = "Automatic"


class TiersPane(QScrollArea):
    tier_chosen = Signal(object)
    """A tier's name, or None: routed."""
    tier_adopted = Signal(object)
    """A Tier that was found."""
    deed_asked = Signal(str, object)
    """A tier's name and a Deed."""
    log_asked = Signal(str)
    favourite_asked = Signal(str, bool)
    rename_asked = Signal(str)
    setup_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tiers: tuple[Tier, ...] = ()
        self._cards: dict[str, TierCard] = {}
        self._sections: dict[str, BoxSection] = {}
        self._found: dict[str, QWidget] = {}
        self._chosen: str | None = None
        self._answering: str | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        body.setObjectName("pane")
        self._boxes = QVBoxLayout()
        self._boxes.setSpacing(18)
        self._others_title = plain("Elsewhere", "paneTitle")
        self._others_title.hide()
        self._others = QVBoxLayout()
        self._others.setSpacing(8)
        self._automatic = TierCard(AUTOMATIC, theme)
        self._automatic.show_words("The tier that suits each question", "", ())
        self._automatic.mark.show_mark(Mark.DISC, "accent")
        self._automatic.clicked.connect(self._choose)
        self._setup = push("Add a machine …", self.setup_asked.emit)
        self._setup.setToolTip("Find the machine that runs your model servers")
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(plain("Who answers", "paneTitle"))
        column.addWidget(self._automatic)
        column.addSpacing(6)
        column.addLayout(self._boxes)
        column.addWidget(self._others_title)
        column.addLayout(self._others)
        column.addWidget(self._setup)
        column.addStretch(1)
        self.setWidget(body)
        self._mark_chosen()

    # -- boxes ---------------------------------------------------------------------------------

    def show_boxes(
        self, boxes: Sequence[Box], what_if: Callable[[Box, Sequence[str]], Forecast | None]
    ) -> list[BoxSection]:
        """The sections that are new: their headers' signals are to be connected."""
        for name in [name for name, one in self._sections.items() if one.box not in boxes]:
            self._release_cards(self._sections[name])
            self._sections.pop(name).deleteLater()
        fresh = []
        for place, box in enumerate(boxes):
            if box.name not in self._sections:
                section = BoxSection(box, self._theme, _WhatIf(box, what_if))
                self._sections[box.name] = section
                self._boxes.insertWidget(place, section)
                fresh.append(section)
        self.show_tiers(self._tiers)
        return fresh

    def show_box(self, box: Box, status: BoxStatus, stack: Stack | None) -> None:
        if section := self._sections.get(box.name):
            section.show_box(status, stack)

    def section(self, box: str) -> BoxSection:
        return self._sections[box]

    # -- tiers ---------------------------------------------------------------------------------

    def show_tiers(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tuple(tiers)
        for name in set(self._cards) - {tier.name for tier in tiers}:
            self._cards.pop(name).deleteLater()
        homeless = 0
        places = dict.fromkeys(self._sections, 0)
        for tier in tiers:
            card = self._cards.get(tier.name) or self._new_card(tier)
            section = next((s for s in self._sections.values() if s.holds(tier)), None)
            other = tier.control is not None and tier.control.kind is not ControlKind.COMPOSE
            card.show_tier(tier, controlled=section is not None or other, on_box=not other)
            if section:
                section.place(tier, card, places[section.box.name])
                places[section.box.name] += 1
            else:
                card.show_told_above("")
                self._others.insertWidget(homeless, card)
                homeless += 1
            if tier.name in self._found:
                self._found.pop(tier.name).deleteLater()
        self._others_title.setVisible(bool(self._sections and (homeless or self._found)))
        self._mark_chosen()

    def show_status(self, tier: Tier, status: TierStatus) -> None:
        if card := self._cards.get(tier.name):
            card.show_status(tier, status)

    def show_answering(self, name: str | None) -> None:
        """Who writes the answer that the user waits for; None: nobody."""
        self._answering = name
        for one, card in self._cards.items():
            card.show_answering(one == name)

    def show_found(self, tiers: Sequence[Tier]) -> None:
        """Servers that run on this computer and could be asked too."""
        for tier in tiers:
            if tier.name in self._found or tier.name in self._cards:
                continue
            offer = _Offer(tier)
            offer.taken.connect(self.tier_adopted)
            self._found[tier.name] = offer
            self._others.addWidget(offer)

    @property
    def chosen(self) -> str | None:
        return self._chosen

    def card(self, name: str) -> TierCard:
        return self._cards[name]

    def tier(self, name: str) -> Tier | None:
        return next((tier for tier in self._tiers if tier.name == name), None)

    def focus_first(self) -> None:
        self._automatic.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for card in (self._automatic, *self._cards.values()):
            card.set_theme(theme)
        for section in self._sections.values():
            section.set_theme(theme)

    def _new_card(self, tier: Tier) -> TierCard:
        card = TierCard(tier.name, self._theme)
        card.clicked.connect(self._choose)
        card.deed_asked.connect(self.deed_asked)
        card.log_asked.connect(self.log_asked)
        card.favourite_asked.connect(self.favourite_asked)
        card.rename_asked.connect(self.rename_asked)
        self._cards[tier.name] = card
        return card

    def _release_cards(self, section: BoxSection) -> None:
        for tier in self._tiers:
            if section.holds(tier) and tier.name in self._cards:
                self._others.addWidget(self._cards[tier.name])

    def _choose(self, name: str) -> None:
        self._chosen = None if name == AUTOMATIC else name
        self._mark_chosen()
        self.tier_chosen.emit(self._chosen)

    def _mark_chosen(self) -> None:
        self._automatic.show_chosen(self._chosen is None)
        for name, card in self._cards.items():
            card.show_chosen(name == self._chosen)


class _WhatIf:
    def __init__(self, box: Box, what_if: Callable[[Box, Sequence[str]], Forecast | None]) -> None:
        self._box = box
        self._what_if = what_if

    def __call__(self, services: Sequence[str]) -> Forecast | None:
        return self._what_if(self._box, services)


class _Offer(QFrame):
    taken = Signal(object)

    def __init__(self, tier: Tier) -> None:
        super().__init__()
        self._tier = tier
        self.setObjectName("card")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        text = plain(f"{tier.name} runs on this computer.", "muted", wrap=True)
        text.setToolTip(tier.base_url)
        row.addWidget(text, 1)
        row.addWidget(push("Add", self._take, says=f"Add {tier.name}"))

    def _take(self) -> None:
        self.taken.emit(self._tier)
