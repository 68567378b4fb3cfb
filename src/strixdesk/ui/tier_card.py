"""One tier: how it is, what it does, and the buttons to start and stop it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from strixdesk.core.box import Deed
from strixdesk.core.spans import span
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.ui.box_words import context_words, short_model, state_words
from strixdesk.ui.elided_label import ElidedLabel
from strixdesk.ui.marks import TIER_MARKS, Mark, StateMark
from strixdesk.ui.plain import empty, plain, push
from strixdesk.ui.theme import Theme
from strixdesk.ui.tier_activity import TierActivity

ANSWERING = "answering you"
_UP = (TierState.STARTING, TierState.LOADING, TierState.READY)


class TierCard(QFrame):
    """A choice: click, Enter or Space asks this one from now on."""

    clicked = Signal(str)
    deed_asked = Signal(str, object)
    """The tier's name and a Deed."""
    log_asked = Signal(str)
    start_considered = Signal(str)
    """The name while its Start is pointed at or has the focus; empty: not any more."""
    favourite_asked = Signal(str, bool)
    rename_asked = Signal(str)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._spoken_name = name
        self._words = self._state_text = self._told_above = ""
        self._status: TierStatus | None = None
        self._chosen = self._answering = self._controlled = self._pulls = False
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.mark = StateMark(theme)
        self._title = ElidedLabel("title")
        self._title.set_text(name)
        self._state = plain("", "stateWord")
        self._detail = plain("", "muted", wrap=True)
        self._trouble = plain("", "trouble", wrap=True)
        self._trouble.hide()
        self.activity = TierActivity(theme)
        self.activity.hide()
        self._chips = QHBoxLayout()
        self._chips.setSpacing(4)
        self._make_buttons()
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.mark)
        head.addWidget(self._title, 1)
        head.addWidget(self._state)
        head.addWidget(self.favourite)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(5)
        column.addLayout(head)
        column.addWidget(self._detail)
        column.addLayout(self._chips)
        column.addWidget(self.activity)
        column.addWidget(self._trouble)
        column.addWidget(self._buttons)

    def _make_buttons(self) -> None:
        name = self._name
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 2, 0, 0)
        row.setSpacing(4)
        self.start = push("Start", self._start, says=f"Start {name}")
        self.stop = push("Stop", self._stop, says=f"Stop {name}")
        self.restart = push("Restart", self._restart, says=f"Restart {name}")
        self.logs = push("Log", self._log, says=f"Log of {name}")
        self.favourite = push("☆", self._favour, says=f"Favourite: {name}")
        self.favourite.setCheckable(True)
        self.favourite.setToolTip("A favourite stands first")
        for button in (self.start, self.stop, self.restart, self.favourite):
            button.hide()
        for button in (self.start, self.stop, self.restart, self.logs):
            button.setProperty("quiet", True)
            row.addWidget(button)
        self.favourite.setProperty("quiet", True)
        row.addStretch(1)
        self.start.installEventFilter(self)
        self._buttons.hide()

    # -- showing -------------------------------------------------------------------------------

    def show_tier(self, tier: Tier, *, controlled: bool, on_box: bool = True) -> None:
        """`controlled`: it can be started and stopped from here; `on_box`: as a service of the
        stack of one of the boxes, so that it has a log and an image too."""
        self._spoken_name = tier.title
        self._title.set_text(tier.title)
        self._controlled = controlled
        self._pulls = controlled and on_box
        self.logs.setVisible(controlled and on_box)
        self.favourite.setChecked(tier.favourite)
        self.favourite.setText("★" if tier.favourite else "☆")
        self.favourite.show()
        self._buttons.setVisible(controlled)

    def show_status(self, tier: Tier, status: TierStatus) -> None:
        mark, colour = TIER_MARKS[status.state]
        if status.unloaded:
            mark, colour = Mark.SQUARE, "muted"
        elif status.degraded and status.state is TierState.READY:
            mark, colour = Mark.HALF, "warning"
        self.mark.show_mark(mark, "muted" if status.stale else colour)
        known = tier.capabilities if tier.capabilities is not None else status.capabilities
        chips = [tier.role] if tier.role and tier.role != tier.title.casefold() else []
        if context := tier.context_tokens or status.context_tokens:
            chips.append(context_words(context))
        chips += sorted(capability.value for capability in known)
        source = tier.name.partition("/")[0] if "/" in tier.name else ""
        if source and not (tier.control and tier.control.box == source):  # its box stands above it
            chips.append(f"from {source}")
        if tier.cloud:
            chips.append("cloud")
        model = short_model(status.model or tier.model or "")
        self._status = status
        trouble = _trouble(status)
        self._trouble.setText(trouble)
        self._show_trouble(status)
        alarm = status.state in (TierState.FAILED, TierState.UNREACHABLE)
        self._trouble.setProperty("alarm", alarm)
        ready = status.state is TierState.READY and not status.unloaded
        self._trouble.setProperty("calm", not alarm and not ready)
        self._trouble.style().polish(self._trouble)
        self.activity.show_status(status)
        up = status.state in _UP and not status.unloaded
        failed = status.state is TierState.FAILED
        self.start.setVisible(self._controlled and not up and not failed)
        self.stop.setVisible(self._controlled and (up or failed))
        self.restart.setVisible(self._controlled and (up or failed))
        self._dim(stale=status.stale)
        eta = f", {span(status.eta_s)}" if status.eta_s is not None else ""
        spoken = (state_words(status) + eta, model, *chips, trouble, self.activity.words)
        self.show_words(model, state_words(status), tuple(chips), spoken)
        self.setToolTip(f"{tier.base_url}\n{status.detail}".strip())

    def show_told_above(self, trouble: str) -> None:
        """What keeps its whole box away, and stands above: it is not said again by each tier, and
        nothing can be started meanwhile. Empty: nothing does."""
        self._told_above = trouble
        if self._status:
            self._show_trouble(self._status)

    def _show_trouble(self, status: TierStatus) -> None:
        trouble = self._trouble.text()
        self._trouble.setVisible(bool(trouble) and trouble != self._told_above)
        self.start.setEnabled(status.state is not TierState.STOPPING and not self._told_above)

    def show_words(
        self, detail: str, state: str, chips: tuple[str, ...], spoken: tuple[str, ...] = ()
    ) -> None:
        """`spoken`: all of it, for a screen reader."""
        self._words = ", ".join(filter(None, spoken or (state, detail, *chips)))
        self._state_text = state
        self._state.setText(ANSWERING if self._answering else state)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        empty(self._chips)
        for text in chips[:4]:
            self._chips.addWidget(plain(text, "chip"))
        self._chips.addStretch(1)
        self._name_it()

    def show_chosen(self, chosen: bool) -> None:
        self._chosen = chosen
        self.setProperty("chosen", chosen)
        self.style().polish(self)
        self._name_it()

    def show_answering(self, answering: bool) -> None:
        """It writes the answer that the user waits for."""
        if answering != self._answering:
            self._answering = answering
            self._state.setText(ANSWERING if answering else self._state_text)
            self.setProperty("answering", answering)
            self.style().polish(self)
            self._name_it()

    def set_theme(self, theme: Theme) -> None:
        self.mark.set_theme(theme)
        self.activity.set_theme(theme)

    def _dim(self, *, stale: bool) -> None:
        if bool(self.property("stale")) != stale:
            self.setProperty("stale", stale)
            for one in (self, self._title, self._detail, self._state):
                one.setProperty("stale", stale)
                one.style().polish(one)

    def _name_it(self) -> None:
        answering = f", {ANSWERING}" if self._answering else ""
        chosen = ", chosen" if self._chosen else ""
        self.setAccessibleName(f"{self._spoken_name}: {self._words}{answering}{chosen}")

    # -- what the user does --------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit(self._name)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.favourite.isHidden():
            return  # it is not a tier
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """What is wanted of it more rarely."""
        menu = QMenu(self)
        menu.setAccessibleName(f"More for {self._spoken_name}")
        menu.addAction("Rename …").triggered.connect(self._rename)
        if self._pulls:
            menu.addAction("Pull a newer image").triggered.connect(self._pull)
        return menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit(self._name)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What-if: the memory bar shows what a start would do while it is pointed at."""
        if isinstance(watched, QPushButton) and watched.isEnabled():
            if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
                self.start_considered.emit(self._name)
            elif event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut):
                self.start_considered.emit("")
        return super().eventFilter(watched, event)

    def _start(self) -> None:
        self.deed_asked.emit(self._name, Deed.START)

    def _stop(self) -> None:
        self.deed_asked.emit(self._name, Deed.STOP)

    def _restart(self) -> None:
        self.deed_asked.emit(self._name, Deed.RESTART)

    def _pull(self) -> None:
        self.deed_asked.emit(self._name, Deed.PULL)

    def _rename(self) -> None:
        self.rename_asked.emit(self._name)

    def _log(self) -> None:
        self.log_asked.emit(self._name)

    def _favour(self) -> None:
        self.favourite_asked.emit(self._name, self.favourite.isChecked())


def _trouble(status: TierStatus) -> str:
    if status.state is TierState.READY and not status.unloaded:
        return status.degraded
    return status.detail
