"""What is set for one machine, and the way to take it out again."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.settings import BoxSettings
from strixdesk.ui.field_style import field_style
from strixdesk.ui.plain import plain, push
from strixdesk.ui.settings_fields import Field, choice_field, decimal_field, text_field
from strixdesk.ui.settings_words import error_words

ON_DEMAND = (
    ("Ask me first", "offer"),
    ("Start it at once", "automatic"),
    ("Leave it stopped", "never"),
)


class BoxSettingsDialog(QDialog):
    """Open with `open()`. `save` says whether they were stored; what hindered, it has told."""

    remove_asked = Signal(str)
    """The box's name."""

    def __init__(
        self, box: BoxSettings, save: Callable[[BoxSettings], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._box = box
        self._save_box = save
        self.setWindowTitle(f"Settings of {box.name}")
        self.setStyleSheet(field_style())
        self.setMinimumWidth(560)
        self.fields = _fields(box)
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(16)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in self.fields:
            field.add_to(form)
        where = "this machine" if box.host is None else box.host
        remove = push("Remove", self._remove, says=f"Remove {box.name} from StrixDesk")
        save_button = push("Save", self.save, name="primary")
        save_button.setDefault(True)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(remove)
        foot.addStretch(1)
        foot.addWidget(push("Cancel", self.reject))
        foot.addWidget(save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
        column.addWidget(plain(box.name, "headline"))
        column.addWidget(plain(where, "muted"))
        column.addLayout(form)
        column.addStretch(1)
        column.addLayout(foot)

    def save(self) -> None:
        """Closes only when everything is right and stored."""
        changes = {field.key[0]: field.value for field in self.fields if field.changed}
        if not changes:
            self.accept()
            return
        emptied = {key for key, value in changes.items() if value == ""}
        values = {**self._box.model_dump(), **changes}
        try:
            box = BoxSettings.model_validate(
                {key: value for key, value in values.items() if key not in emptied}
            )
        except ValidationError as error:
            self._show_errors(error)
            return
        if self._save_box(box):
            self.accept()

    def _show_errors(self, error: ValidationError) -> None:
        for problem in error.errors(include_url=False, include_input=False):
            words = error_words(problem["loc"], problem["type"], problem["msg"])
            for field in self.fields:
                if field.key == problem["loc"]:
                    field.show_error(words)
                    field.control.setFocus()

    def _remove(self) -> None:
        self.reject()
        self.remove_asked.emit(self._box.name)


def _fields(box: BoxSettings) -> tuple[Field, ...]:
    user = text_field(
        ("user",), "&User there", box.user or "", placeholder="as in your ssh settings"
    )
    mac = text_field(
        ("mac",),
        "&Ethernet address",
        box.mac or "",
        placeholder="12:34:56:78:9a:bc",
        hint="To wake it with (Wake-on-LAN).",
    )
    everywhere = (
        text_field(("stack",), "Stack &folder", box.stack, placeholder="looked for"),
        decimal_field(
            ("reserve_gb",),
            "&Reserve",
            box.reserve_gb,
            (0, 64),
            unit="GB",
            hint="Memory that no start may plan with.",
        ),
        choice_field(
            ("start_on_demand",),
            "Stopped &tiers",
            box.start_on_demand,
            ON_DEMAND,
            hint="When a question wants a tier that is stopped, or the machine sleeps.",
        ),
    )
    return everywhere if box.host is None else (user, *everywhere, mac)
