"""The way to a box, hop by hop: Tailscale → ssh → docker, and where it is broken."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from strixdesk.core.box import Hop, HopKind, HopState
from strixdesk.ui.box_words import HOP_MARKS, HOP_WORDS, hop_line
from strixdesk.ui.marks import StateMark
from strixdesk.ui.plain import plain
from strixdesk.ui.theme import Theme


class HopChain(QWidget):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._links: dict[HopKind, _Link] = {}
        self._arrows: dict[HopKind, QLabel] = {}
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        for kind in HopKind:
            if self._links:
                self._arrows[kind] = plain("→", "small")
                row.addWidget(self._arrows[kind])
            self._links[kind] = _Link(theme)
            row.addWidget(self._links[kind])
        row.addStretch(1)
        self._trouble = plain("", "trouble", wrap=True)
        self._trouble.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._trouble.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._trouble.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._trouble)

    def show_hops(self, hops: Sequence[Hop]) -> None:
        """A hop that the way does not have (Tailscale for this machine) is not shown."""
        there = {hop.kind: hop for hop in hops}
        first = next(iter(there), None)
        for kind, link in self._links.items():
            hop = there.get(kind)
            link.setVisible(hop is not None)
            if kind in self._arrows:
                self._arrows[kind].setVisible(hop is not None and kind is not first)
            if hop:
                link.show_hop(hop)
        ill = [hop for hop in hops if hop.state is HopState.FAILED]
        ill = ill or [hop for hop in hops if hop.state is HopState.IMPAIRED]
        self._trouble.setVisible(bool(ill))
        if ill:
            self._trouble.setText(f"{ill[0].kind.value}: {ill[0].detail}".strip(": "))
            alarm = ill[0].state is HopState.FAILED
            self._trouble.setProperty("alarm", alarm)
            self._trouble.style().polish(self._trouble)
        self.setAccessibleName("The way there")
        self.setAccessibleDescription(" ".join(f"{hop_line(hop)}." for hop in hops))

    def set_theme(self, theme: Theme) -> None:
        for link in self._links.values():
            link.mark.set_theme(theme)


class _Link(QFrame):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.mark = StateMark(theme)
        self._name = plain("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.mark)
        row.addWidget(self._name)

    def show_hop(self, hop: Hop) -> None:
        self.mark.show_mark(*HOP_MARKS[hop.state])
        words = hop.kind.value
        if path := next((one for one in ("relayed", "direct") if one in hop.detail.lower()), ""):
            words += f" {path}"
        elif hop.state in (HopState.FAILED, HopState.IMPAIRED):
            words += f" {HOP_WORDS[hop.state]}"
        if hop.kind is HopKind.TAILSCALE and hop.latency_ms is not None:
            words += f" {hop.latency_ms:.0f} ms"
        self._name.setText(words)
        self.setToolTip(hop_line(hop))
