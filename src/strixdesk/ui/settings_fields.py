"""One setting and the control that shows it: label, hint and error belong together.

A field gives its value only when the user changed it, so that a value which its control cannot
show (a device that is not plugged in, a speed between two steps) is not lost by looking at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)


class Field(QWidget):
    """`key`: where the setting is in the tree, as in `("voice", "speed")`."""

    edited = Signal()

    def __init__(
        self,
        key: tuple[str, ...],
        label: str,
        control: QWidget,
        read: Callable[[], Any],
        *,
        hint: str = "",
        beside: Sequence[QWidget] = (),
    ) -> None:
        super().__init__()
        self.key = key
        self.control = control
        self._read = read
        self._initial = read()
        self.label = QLabel(label)
        self.label.setBuddy(control)
        self.label.setContentsMargins(0, 3, 0, 0)  # level with the words in the control
        control.setAccessibleName(label.replace("&", ""))
        control.setAccessibleDescription(hint)
        if isinstance(control, (QComboBox, QAbstractSpinBox, QSlider)):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)
        self._hint = hint
        self._error = plain_label("", "state")
        self._error.setProperty("alarm", True)
        self._error.setWordWrap(True)
        self._error.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(control, 1)
        for widget in beside:
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        if hint:
            words = plain_label(hint, "muted")
            words.setWordWrap(True)
            column.addWidget(words)
        column.addWidget(self._error)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A wheel that scrolls the page does not turn the values that it passes over."""
        if event.type() == QEvent.Type.Wheel and not self.control.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    @property
    def value(self) -> Any:
        return self._read()

    @property
    def changed(self) -> bool:
        return bool(self._read() != self._initial)

    @property
    def error(self) -> str:
        return self._error.text()

    def show_error(self, text: str) -> None:
        """Empty: there is none any more."""
        self._error.setText(text)
        self._error.setVisible(bool(text))
        self.control.setAccessibleDescription(text or self._hint)

    def settle(self) -> None:
        """What is shown now is what is known."""
        self._initial = self._read()
        self.show_error("")

    def edit(self, *_: object) -> None:
        self.show_error("")
        self.edited.emit()

    def add_to(self, form: QFormLayout) -> None:
        form.addRow(self.label, self)


def plain_label(text: str, name: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def text_field(
    key: tuple[str, ...], label: str, value: str, *, hint: str = "", placeholder: str = ""
) -> Field:
    control = QLineEdit(value)
    control.setPlaceholderText(placeholder)
    field = Field(key, label, control, lambda: control.text().strip(), hint=hint)
    control.textEdited.connect(field.edit)
    return field


def long_text_field(key: tuple[str, ...], label: str, value: str, *, hint: str = "") -> Field:
    control = QPlainTextEdit(value)
    control.setTabChangesFocus(True)
    control.setMinimumHeight(130)
    field = Field(key, label, control, control.toPlainText, hint=hint)
    control.textChanged.connect(field.edit)
    return field


def switch_field(
    key: tuple[str, ...], label: str, words: str, value: bool, *, hint: str = ""
) -> Field:
    """`words` stand beside the box, and are its accessible name."""
    control = QCheckBox(words)
    control.setChecked(value)
    field = Field(key, label, control, control.isChecked, hint=hint)
    control.setAccessibleName(words.replace("&", ""))
    control.toggled.connect(field.edit)
    return field


def choice_field(
    key: tuple[str, ...],
    label: str,
    value: Any,
    choices: Sequence[tuple[str, Any]],
    *,
    hint: str = "",
) -> Field:
    control = QComboBox()
    control.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    control.setMinimumContentsLength(18)
    fill_choices(control, choices, value)
    field = Field(key, label, control, control.currentData, hint=hint)
    control.activated.connect(field.edit)
    return field


def fill_choices(control: QComboBox, choices: Sequence[tuple[str, Any]], value: Any) -> None:
    """Anew, with `value` chosen; the first where it is not among them."""
    control.clear()
    for words, data in choices:
        control.addItem(words, data)
    values = [data for _, data in choices]
    control.setCurrentIndex(values.index(value) if value in values else 0)


def number_field(
    key: tuple[str, ...],
    label: str,
    value: float,
    limits: tuple[int, int],
    *,
    step: int = 1,
    unit: str = "",
    hint: str = "",
) -> Field:
    control = QSpinBox()
    control.setRange(*limits)
    control.setSingleStep(step)
    control.lineEdit().setTextMargins(5, 0, 0, 0)  # a style sheet's padding stops at the frame
    control.setSuffix(f" {unit}" if unit else "")
    control.setGroupSeparatorShown(True)
    control.setValue(round(value))
    field = Field(key, label, control, control.value, hint=hint)
    control.valueChanged.connect(field.edit)
    return field


def decimal_field(
    key: tuple[str, ...],
    label: str,
    value: float,
    limits: tuple[float, float],
    *,
    unit: str = "",
    hint: str = "",
) -> Field:
    control = QDoubleSpinBox()
    control.setDecimals(1)
    control.lineEdit().setTextMargins(5, 0, 0, 0)
    control.setRange(*limits)
    control.setSuffix(f" {unit}" if unit else "")
    control.setValue(value)
    field = Field(key, label, control, lambda: round(control.value(), 1), hint=hint)
    control.valueChanged.connect(field.edit)
    return field


def optional_decimal_field(
    key: tuple[str, ...],
    label: str,
    value: float | None,
    limits: tuple[float, float],
    *,
    step: float,
    unset: str,
    hint: str = "",
) -> Field:
    """One step below the lowest number means None, and shows `unset`."""
    control = QDoubleSpinBox()
    lowest, highest = limits
    control.setDecimals(2)
    control.lineEdit().setTextMargins(5, 0, 0, 0)
    control.setRange(lowest - step, highest)
    control.setSingleStep(step)
    control.setSpecialValueText(unset)
    control.setValue(lowest - step if value is None else value)

    def read() -> float | None:
        number = control.value()
        return None if number < lowest - step / 2 else max(lowest, round(number, 2))

    field = Field(key, label, control, read, hint=hint)
    control.valueChanged.connect(field.edit)
    return field


def slider_field(
    key: tuple[str, ...],
    label: str,
    value: float,
    limits: tuple[float, float],
    *,
    step: float,
    unit: str,
    hint: str = "",
) -> Field:
    control = QSlider(Qt.Orientation.Horizontal)
    control.setRange(round(limits[0] / step), round(limits[1] / step))
    control.setPageStep(2)
    control.setValue(round(value / step))
    reading = plain_label("", "title")
    reading.setMinimumWidth(52)

    def read() -> float:
        return round(control.value() * step, 4)

    field = Field(key, label, control, read, hint=hint, beside=[reading])

    def show() -> None:
        reading.setText(f"{read():.2f} {unit}")
        field.edit()

    control.valueChanged.connect(show)
    show()
    return field
