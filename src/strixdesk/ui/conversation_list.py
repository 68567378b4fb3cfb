"""The conversations of the past, newest first, under today, yesterday and earlier."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.conversation import ConversationSummary
from strixdesk.ui.icons import icon
from strixdesk.ui.theme import Theme

_ID = Qt.ItemDataRole.UserRole
UNTITLED = "New conversation"


class ConversationList(QWidget):
    opened = Signal(str)
    new_requested = Signal()
    renamed = Signal(str, str)
    searched = Signal(str)
    """What is looked for: titles are looked through here, what was said by others."""
    removed = Signal(str, str)
    """Id and title."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summaries: dict[str, ConversationSummary] = {}
        self._current = ""
        self._filling = False
        self._found: frozenset[str] = frozenset()
        """Conversations in which the words were said."""
        self._new = QPushButton("New conversation")
        self._new.setAccessibleName("New conversation")
        self._new.setToolTip("Ctrl+N")
        self._new.clicked.connect(self.new_requested)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find in conversations")
        self.filter.setAccessibleName("Find a conversation")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._search)
        self.rows = _Rows()
        self.rows.setAccessibleName("Conversations")
        self.rows.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.rows.customContextMenuRequested.connect(self._menu)
        self.rows.itemActivated.connect(self._open)
        self.rows.itemClicked.connect(self._open)
        self.rows.itemChanged.connect(self._rename)
        self.rows.delete_pressed.connect(self._remove_selected)
        top = QHBoxLayout()
        top.addWidget(self._new, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 8, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.filter)
        column.addWidget(self.rows, 1)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self._new.setIcon(icon("plus", theme.text, size=16))

    def show_all(self, summaries: Sequence[ConversationSummary]) -> None:
        self._summaries = {summary.id: summary for summary in summaries}
        self._fill()

    def show_changed(self, summary: ConversationSummary) -> None:
        if self._summaries.get(summary.id) != summary:
            self._summaries[summary.id] = summary
            self._fill()

    def drop(self, conversation_id: str) -> None:
        self._summaries.pop(conversation_id, None)
        self._fill()

    def show_current(self, conversation_id: str) -> None:
        self._current = conversation_id
        self._select()

    def title(self, conversation_id: str) -> str:
        summary = self._summaries.get(conversation_id)
        return (summary.title if summary else "") or UNTITLED

    def show_found(self, words: str, conversation_ids: frozenset[str]) -> None:
        """Late answers to words that are not looked for any more are dropped."""
        if words == self.filter.text():
            self._found = conversation_ids
            self._fill()

    def _search(self, words: str) -> None:
        self._found = frozenset()
        self._fill()
        if words.strip():
            self.searched.emit(words)

    def _fill(self) -> None:
        wanted = self.filter.text().casefold()
        self._filling = True
        self.rows.clear()
        group = ""
        newest_first = sorted(self._summaries.values(), key=lambda s: s.updated_at, reverse=True)
        for summary in newest_first:
            title = summary.title or UNTITLED
            if wanted not in title.casefold() and summary.id not in self._found:
                continue
            if (now := _group(summary.updated_at)) != group:
                group = now
                header = QListWidgetItem(group)
                header.setFlags(Qt.ItemFlag.NoItemFlags)
                font = header.font()
                font.setPointSizeF(font.pointSizeF() * 0.85)
                header.setFont(font)
                self.rows.addItem(header)
            item = QListWidgetItem(title)
            item.setData(_ID, summary.id)
            item.setToolTip(title)
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsSelectable
                | Qt.ItemFlag.ItemIsEditable
            )
            self.rows.addItem(item)
        self._filling = False
        self._select()

    def _select(self) -> None:
        for row in range(self.rows.count()):
            item = self.rows.item(row)
            if item.data(_ID) == self._current:
                self.rows.setCurrentItem(item)
                return
        self.rows.clearSelection()

    def _open(self, item: QListWidgetItem) -> None:
        conversation_id = item.data(_ID)
        if conversation_id and conversation_id != self._current:
            self.opened.emit(conversation_id)

    def _rename(self, item: QListWidgetItem) -> None:
        if not self._filling and item.data(_ID):
            self.renamed.emit(item.data(_ID), item.text().strip() or UNTITLED)

    def _remove_selected(self) -> None:
        if (item := self.rows.currentItem()) and item.data(_ID):
            self.removed.emit(item.data(_ID), item.text())

    def _menu(self, where: QPoint) -> None:
        item = self.rows.itemAt(where)
        if not item or not item.data(_ID):
            return
        self.rows.setCurrentItem(item)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = QAction("Rename", menu)
        rename.triggered.connect(self._edit_selected)
        remove = QAction("Delete", menu)
        remove.triggered.connect(self._remove_selected)
        menu.addActions([rename, remove])
        menu.popup(self.rows.viewport().mapToGlobal(where))

    def _edit_selected(self) -> None:
        if item := self.rows.currentItem():
            self.rows.editItem(item)


class _Rows(QListWidget):
    delete_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        elif event.key() == Qt.Key.Key_F2 and (item := self.currentItem()):
            self.editItem(item)
        else:
            super().keyPressEvent(event)


def _group(updated_at: float) -> str:
    today = datetime.datetime.now().astimezone().date()
    day = datetime.datetime.fromtimestamp(updated_at).astimezone().date()
    if day >= today:
        return "Today"
    return "Yesterday" if (today - day).days == 1 else "Earlier"
