"""The tiers of the settings: all in a table, the chosen one in the fields beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from strixdesk.backends.starter import NAME as STARTER
from strixdesk.settings import TierSettings
from strixdesk.ui.settings_fields import Field, choice_field, fill_choices, text_field
from strixdesk.ui.tier_drafts import TierDraft, TierDrafts

HEADINGS = ("Name", "Address", "Role", "Model", "Key")
KEPT = "••••••••"
FIRST_READY = "Whichever is ready first"


class TiersEditor(QWidget):
    """Keys are never put into a field: one that is known can be replaced or forgotten."""

    def __init__(
        self, tiers: Sequence[TierSettings], default: str | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._drafts = TierDrafts(tiers, default)
        self._before = (self._drafts.fields(), default)
        self._errors: dict[tuple[int, str], str] = {}
        """By the draft's id and the field's name."""
        self.table = _table()
        self.table.currentCellChanged.connect(self._show_current)
        self.add_button = _button("&Add a tier", self.add)
        self.remove_button = _button("&Remove", self.remove)
        self.name = text_field(("name",), "&Name", "", placeholder="utility")
        self.base_url = text_field(
            ("base_url",), "A&ddress", "", placeholder="http://127.0.0.1:8012/v1"
        )
        self.role = text_field(
            ("role",),
            "R&ole",
            "",
            placeholder="for instance: code, quick answers",
            hint="What it is good at; questions are routed by it.",
        )
        self.model = text_field(
            ("model",), "&Model", "", placeholder="The one that the server names"
        )
        self.api_key = text_field(("api_key",), "&Key", "")
        self.forget_button = _button("For&get the key", self._forget_key)
        self.default = choice_field(
            ("default_tier",),
            "&Usually asked",
            None,
            [],
            hint="Who answers when nothing about a question speaks for another.",
        )
        self._fields = (self.name, self.base_url, self.role, self.model, self.api_key)
        self._lay_out()
        for field in self._fields:
            field.edited.connect(self._take_edit)
        self.default.edited.connect(self._take_default)
        self._fill_table()
        self._show_defaults()
        self.table.setCurrentCell(0, 0)
        self._show_current()

    def _lay_out(self) -> None:
        key = self.api_key.control
        if isinstance(key, QLineEdit):
            key.setEchoMode(QLineEdit.EchoMode.Password)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.remove_button)
        buttons.addStretch(1)
        buttons.addWidget(self.forget_button)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in (*self._fields, self.default):
            field.add_to(form)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.table, 1)
        column.addLayout(buttons)
        column.addLayout(form)

    # -- what the dialog asks ------------------------------------------------------------------

    def changes(self) -> dict[tuple[str, ...], Any]:
        """`tiers` and `default_tier`, where the user changed something."""
        now = (self._drafts.fields(), self._drafts.default_name())
        if now == self._before:
            return {}
        return {("tiers",): now[0], ("default_tier",): now[1]}

    def show_error(self, location: tuple[int | str, ...], words: str) -> Field:
        """`location` below `tiers`, as in `(0, "base_url")`; empty: two have one name. The field
        that shows the error is returned."""
        row = location[0] if location and isinstance(location[0], int) else None
        if row is None:
            row = self._drafts.second_of_a_name() or 0
        name = str(location[1]) if len(location) > 1 else "name"
        field = next((one for one in self._fields if one.key == (name,)), self.name)
        self._errors[self._drafts.rows[row].id, field.key[0]] = words
        self.table.setCurrentCell(row, 0)
        self._show_current()
        return field

    def clear_errors(self) -> None:
        self._errors.clear()
        self._show_current()

    # -- adding, removing, editing -------------------------------------------------------------

    def add(self) -> None:
        row = self._drafts.add()
        self._fill_table()
        self._show_defaults()
        self.table.setCurrentCell(row, 0)
        self._show_current()
        self.name.control.setFocus()

    def remove(self) -> None:
        row = self._row
        if row is None:
            return
        self._drafts.remove(row)
        self._fill_table()
        self._show_defaults()
        self.table.setCurrentCell(min(row, len(self._drafts.rows) - 1), 0)
        self._show_current()

    def _forget_key(self) -> None:
        if self._row is not None:
            self._drafts.change(self._row, api_key=None, known_key=None)
            self._fill_row(self._row)
            self._show_current()

    def _take_edit(self) -> None:
        field = self.sender()
        row = self._row
        if row is None or not isinstance(field, Field):
            return
        (name,) = field.key
        value: Any = field.value
        if name == "api_key":
            value = SecretStr(value) if value else self._drafts.rows[row].known_key
        draft = self._drafts.change(row, **{name: value})
        self._errors.pop((draft.id, name), None)
        self._fill_row(row)
        if name == "name":
            self._show_defaults()
        self.forget_button.setEnabled(draft.api_key is not None)

    def _take_default(self) -> None:
        self._drafts.default = self.default.value

    # -- showing -------------------------------------------------------------------------------

    @property
    def _row(self) -> int | None:
        row = self.table.currentRow()
        return row if 0 <= row < len(self._drafts.rows) else None

    def _fill_table(self) -> None:
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._drafts.rows))
            for row in range(len(self._drafts.rows)):
                self._fill_row(row)

    def _fill_row(self, row: int) -> None:
        draft = self._drafts.rows[row]
        cells = (draft.name or "(no name yet)", draft.base_url, draft.role, draft.model)
        for column, text in enumerate((*cells, _key_words(draft))):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            self.table.setItem(row, column, item)

    def _show_current(self, *_: int) -> None:
        row = self._row
        draft = TierDraft(0) if row is None else self._drafts.rows[row]
        for field in self._fields:
            (name,) = field.key
            control = field.control
            if isinstance(control, QLineEdit) and name != "api_key":
                if control.text().strip() != getattr(draft, name):
                    control.setText(getattr(draft, name))
            elif isinstance(control, QLineEdit):
                control.clear()
                control.setPlaceholderText(_key_hint(draft))
            field.show_error(self._errors.get((draft.id, name), ""))
            field.setEnabled(row is not None)
        self.remove_button.setEnabled(row is not None)
        self.forget_button.setEnabled(draft.api_key is not None)

    def _show_defaults(self) -> None:
        choices: list[tuple[str, Any]] = [(FIRST_READY, None)]
        choices += [(draft.name or "(no name yet)", draft.id) for draft in self._drafts.rows]
        outside = self._drafts.default if isinstance(self._drafts.default, str) else STARTER
        if outside not in {draft.name for draft in self._drafts.rows}:
            choices.append((outside, outside))
        if isinstance(self.default.control, QComboBox):
            fill_choices(self.default.control, choices, self._drafts.default)


def _key_words(draft: TierDraft) -> str:
    if draft.api_key is not None:
        return KEPT
    return f"from {draft.api_key_env}" if draft.api_key_env else "none"


def _key_hint(draft: TierDraft) -> str:
    if draft.api_key is not None:
        return "A key is kept; type here to replace it"
    if draft.api_key_env:
        return f"Taken from the environment variable {draft.api_key_env}"
    return "Only where the server asks for one"


def _button(text: str, pressed: Any) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(text.replace("&", ""))
    button.setAutoDefault(False)
    button.clicked.connect(pressed)
    return button


def _table() -> QTableWidget:
    table = QTableWidget(0, len(HEADINGS))
    table.setAccessibleName("Tiers")
    table.setHorizontalHeaderLabels(list(HEADINGS))
    table.verticalHeader().hide()
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setMinimumHeight(120)
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return table
