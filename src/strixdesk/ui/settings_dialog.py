"""Everything that can be set, page by page; checked and saved as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import ValidationError
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.errors import StrixError
from strixdesk.settings import Settings
from strixdesk.ui.field_style import field_style
from strixdesk.ui.settings_fields import Field, plain_label
from strixdesk.ui.settings_pages import (
    AnswersPage,
    DeviceNames,
    GeneralPage,
    Page,
    TiersPage,
    VoicePage,
)
from strixdesk.ui.settings_words import error_words, settings_with

GENERAL, VOICE, TIERS, ANSWERS = range(4)
PAGES = ("General", "Voice", "Tiers", "Answers")


class SettingsDialog(QDialog):
    """Open with `open()`. `save` may raise StrixError: then the dialog says so, stays, and keeps
    what was typed. `taken_keys`: keys that cannot become the talk key, as Qt's portable text."""

    saved = Signal(object)
    """The new Settings, after `save` took them; not sent when nothing was changed."""

    def __init__(
        self,
        settings: Settings,
        *,
        save: Callable[[Settings], None],
        device_names: DeviceNames,
        taken_keys: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._save = save
        self.setWindowTitle("Settings")
        self.setStyleSheet(field_style())
        self.general = GeneralPage(settings, taken_keys=taken_keys)
        self.voice = VoicePage(settings, device_names)
        self.tiers = TiersPage(settings)
        self.answers = AnswersPage(settings)
        self._pages: tuple[Page, ...] = (self.general, self.voice, self.tiers, self.answers)
        self.page_list = QListWidget()
        self.page_list.setAccessibleName("Pages of the settings")
        for name in PAGES:
            item = QListWidgetItem(name, self.page_list)
            item.setSizeHint(QSize(0, self.page_list.fontMetrics().height() + 18))
        self.page_list.setFixedWidth(132)
        self._stack = QStackedWidget()
        for page in self._pages:
            self._stack.addWidget(_scrolled(page))
        self.problem = plain_label("", "state")
        self.problem.setProperty("alarm", True)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("Why the settings were not saved")
        self.problem.hide()
        self._lay_out()
        self.page_list.currentRowChanged.connect(self._turn_to)
        self.page_list.setCurrentRow(GENERAL)
        self.resize(800, 640)

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.save_button = buttons.button(QDialogButtonBox.StandardButton.Save)
        self.cancel_button = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        for button in (self.save_button, self.cancel_button):
            button.setAutoDefault(False)  # Enter saves, wherever the focus has been
            button.setAccessibleName(button.text().replace("&", ""))
        self.save_button.setDefault(True)
        buttons.accepted.connect(self.save)
        buttons.rejected.connect(self.reject)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self.save)
        body = QHBoxLayout()
        body.setSpacing(20)
        body.addWidget(self.page_list)
        body.addWidget(self._stack, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(14)
        column.addLayout(body, 1)
        column.addWidget(self.problem)
        column.addWidget(buttons)

    def show_page(self, number: int) -> None:
        """GENERAL, VOICE, TIERS or ANSWERS."""
        self.page_list.setCurrentRow(number)

    def save(self) -> None:
        """Closes only when everything is right and stored."""
        self._clear_errors()
        changes = {key: value for page in self._pages for key, value in page.changes().items()}
        if not changes:
            self.accept()
            return
        try:
            settings = settings_with(self._settings, changes)
        except ValidationError as error:
            self._show_errors(error)
            return
        try:
            self._save(settings)
        except StrixError as error:
            self._complain(error.sentence())
            return
        self._settings = settings
        self.saved.emit(settings)
        self.accept()

    def _turn_to(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self._pages[number].shown()

    def _clear_errors(self) -> None:
        self.problem.hide()
        self.tiers.editor.clear_errors()
        for page in self._pages:
            for field in page.fields:
                field.show_error("")

    def _show_errors(self, error: ValidationError) -> None:
        """Each at its field; the first one is gone to. Reversed, so that the first is shown last
        where one place (the chosen tier) shows only one row."""
        wrong: Field | None = None
        for problem in reversed(error.errors(include_url=False, include_input=False)):
            location = problem["loc"]
            words = error_words(location, problem["type"], problem["msg"])
            number, field = self._show_error(location, words)
            self.show_page(number)
            wrong = field or wrong
        if wrong:
            wrong.control.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_error(self, location: tuple[int | str, ...], words: str) -> tuple[int, Field | None]:
        if location[:1] == ("tiers",):
            return TIERS, self.tiers.editor.show_error(location[1:], words)
        for number, page in enumerate(self._pages):
            if field := page.field(tuple(str(part) for part in location)):
                field.show_error(words)
                return number, field
        self._complain(f"{'.'.join(map(str, location))}: {words}")
        return self.page_list.currentRow(), None

    def _complain(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.show()


def _scrolled(page: QWidget) -> QScrollArea:
    """Small screens and large letters: what does not fit is scrolled to."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area
