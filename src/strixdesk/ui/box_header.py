"""A box at a glance: the way there, its memory, what is being done there, and the buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from strixdesk.core.box import Box, BoxMemory, BoxStatus
from strixdesk.core.memory import Forecast, gb
from strixdesk.core.stack import Stack
from strixdesk.ui.box_words import share_words
from strixdesk.ui.hop_chain import HopChain
from strixdesk.ui.memory_bar import MemoryView
from strixdesk.ui.operation_strip import OperationStrip
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme


class BoxHeader(QFrame):
    mode_asked = Signal(str)
    mode_considered = Signal(str)
    """The name of a mode whose start is pointed at; empty: not any more."""
    stop_asked = Signal()
    cancel_asked = Signal()
    wake_asked = Signal()
    pull_asked = Signal()
    read_asked = Signal()
    env_asked = Signal()
    doctor_asked = Signal()
    settings_asked = Signal()

    def __init__(self, box: Box, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("boxHeader")
        self._box = box
        self._modes: tuple[str, ...] = ()
        name = plain(box.name, "boxName")
        self._figures = plain("", "small")
        self.hops = HopChain(theme)
        self._holder = plain("", "trouble", wrap=True)
        self._holder.hide()
        self.memory = MemoryView(theme, f"Memory of {box.name}")
        self._memory_line = plain("", "small", wrap=True)
        self.operation = OperationStrip(theme)
        self.operation.cancelled.connect(self.cancel_asked)
        self._buttons()
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(name)
        head.addStretch(1)
        head.addWidget(self._figures)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self._start, self._stop, self._wake, self._more):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.hops)
        column.addWidget(self._holder)
        column.addWidget(self.memory)
        column.addWidget(self._memory_line)
        column.addLayout(row)
        column.addWidget(self.operation)
        self.memory.hide()

    def _buttons(self) -> None:
        name = self._box.name
        self._start = push("Start", says=f"Start a mode of {name}")
        self._start.setToolTip("Start one of the stack's own modes")
        self._mode_menu = QMenu(self._start)
        self._mode_menu.setAccessibleName(f"Modes of {name}")
        self._mode_menu.triggered.connect(self._mode_chosen)
        self._mode_menu.hovered.connect(self._mode_hovered)
        self._mode_menu.aboutToHide.connect(self._mode_left)
        self._start.setMenu(self._mode_menu)
        self._stop = push("Stop all", self.stop_asked.emit, says=f"Stop everything on {name}")
        self._wake = push("Wake", self.wake_asked.emit, says=f"Wake {name}")
        self._wake.setToolTip("Send it a Wake-on-LAN packet")
        self._wake.hide()
        self._more = push("More", says=f"More for {name}")
        menu = QMenu(self._more)
        menu.setAccessibleName(f"More for {name}")
        for text, signal in (
            ("Read the stack again", self.read_asked),
            ("Pull newer images", self.pull_asked),
            ("Change values of the .env file …", self.env_asked),
            ("Doctor: examine this box …", self.doctor_asked),
            ("Settings of this machine …", self.settings_asked),
        ):
            action = QAction(text, menu)
            action.triggered.connect(signal)
            menu.addAction(action)
        self._more.setMenu(menu)

    # -- showing -------------------------------------------------------------------------------

    def show_stack(self, stack: Stack | None) -> None:
        modes = stack.modes if stack else ()
        if tuple(mode.name for mode in modes) != self._modes:
            self._modes = tuple(mode.name for mode in modes)
            self._mode_menu.clear()
            for mode in modes:
                action = QAction(f"{mode.name}: {', '.join(mode.services)}", self._mode_menu)
                action.setData(mode.name)
                self._mode_menu.addAction(action)
        self._start.setEnabled(bool(modes))

    def show_status(self, status: BoxStatus) -> None:
        self.hops.show_hops(status.hops)
        broken = status.broken is not None
        self._wake.setVisible(broken and bool(self._box.mac))
        self._stop.setEnabled(not broken)
        self._start.setEnabled(not broken and bool(self._modes))
        self._holder.setVisible(bool(status.holder))
        self._holder.setText(f"{status.holder} works here right now.")
        self._show_memory(status.memory)
        self.operation.show_operation(status.operation)

    def _show_memory(self, memory: BoxMemory | None) -> None:
        figures, line = "", ""
        if memory:
            figures = f"{gb(memory.available_bytes)} of {gb(memory.total_bytes)} available"
            parts = []
            if memory.gpu_total_bytes is not None and memory.gpu_used_bytes is not None:
                used = share_words(memory.gpu_used_bytes, memory.gpu_total_bytes)
                parts.append(f"graphics {used}")
            swapped = memory.swap_total_bytes - memory.swap_free_bytes
            if swapped > 0:
                parts.append(f"{gb(swapped)} swapped out")
            if memory.temperature_c is not None:
                parts.append(f"{memory.temperature_c:.0f} °C")
            line = " · ".join(parts)
        self._figures.setText(figures)
        self._memory_line.setText(line[:1].upper() + line[1:])
        self._memory_line.setVisible(bool(line))

    def show_memory(self, forecast: Forecast | None) -> None:
        self.memory.setVisible(forecast is not None)
        if forecast:
            self.memory.show_forecast(forecast, compared=False)

    def set_theme(self, theme: Theme) -> None:
        for part in (self.hops, self.memory, self.operation):
            part.set_theme(theme)

    # -- the menu of modes ---------------------------------------------------------------------

    def _mode_chosen(self, action: QAction) -> None:
        self.mode_asked.emit(str(action.data()))

    def _mode_hovered(self, action: QAction) -> None:
        self.mode_considered.emit(str(action.data()))

    def _mode_left(self) -> None:
        self.mode_considered.emit("")
