"""Where the user writes: a growing field, pictures, the key to talk and the button to send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.conversation import Image
from strixdesk.ui.icons import icon
from strixdesk.ui.pictures import attachable, pictures_in
from strixdesk.ui.theme import Theme

MOST_LINES = 9
THUMBNAIL = 56
"""Pixels."""


@dataclass(slots=True)
class Draft:
    """What was written but not sent."""

    text: str = ""
    images: list[Image] = field(default_factory=list)


class Composer(QFrame):
    submitted = Signal(str, object)
    """Text and a tuple of Images."""
    stop_requested = Signal()
    talk_pressed = Signal()
    talk_released = Signal()
    pictures_given = Signal(object)
    """A list of paths and bytes that the user wants to attach."""
    changed = Signal()
    """The draft is another."""

    def __init__(
        self, theme: Theme, picture_path: Callable[[Image], Path], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self._theme = theme
        self._picture_path = picture_path
        self._draft = Draft()
        self._last_question = ""
        self._live = False

        self.field = _Field(self)
        self.field.entered.connect(self._send)
        self.field.recalled.connect(self._recall)
        self.field.pictures.connect(self.pictures_given)
        self.field.textChanged.connect(self._text_changed)
        self.field.focused.connect(self._show_focus)

        self._strip = QWidget(self)
        self._thumbnails = QHBoxLayout(self._strip)
        self._thumbnails.setContentsMargins(0, 0, 0, 0)
        self._thumbnails.addStretch(1)
        self._strip.hide()

        self._attach = QToolButton(self)
        self._attach.setAccessibleName("Attach a picture")
        self._attach.setToolTip("Attach a picture (you can also drop or paste one)")
        self._attach.clicked.connect(self._choose)
        self.talk = QPushButton("Hold to talk", self)
        self.talk.setObjectName("talk")
        self.talk.setAccessibleName("Hold to talk")
        self.talk.pressed.connect(self.talk_pressed)
        self.talk.released.connect(self.talk_released)
        self._go = QPushButton("Send", self)
        self._go.setObjectName("primary")
        self._go.clicked.connect(self._go_clicked)

        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._attach)
        buttons.addStretch(1)
        buttons.addWidget(self.talk)
        buttons.addWidget(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self._strip)
        column.addWidget(self.field)
        column.addLayout(buttons)
        self.set_theme(theme)
        self.show_live(False)

    # -- what is written -----------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        return Draft(self.field.toPlainText(), list(self._draft.images))

    def show_draft(self, draft: Draft) -> None:
        self._draft = Draft(draft.text, list(draft.images))
        self.field.setPlainText(draft.text)
        self.field.moveCursor(self.field.textCursor().MoveOperation.End)
        self._show_thumbnails()

    def attach(self, image: Image) -> None:
        if image.attachment_id not in [one.attachment_id for one in self._draft.images]:
            self._draft.images.append(image)
            self._show_thumbnails()
            self.changed.emit()

    def detach(self, image: Image) -> None:
        self._draft.images.remove(image)
        self._show_thumbnails()
        self.field.setFocus()
        self.changed.emit()

    def _send(self) -> None:
        text = self.field.toPlainText().strip()
        images = tuple(self._draft.images)
        if not text and not images:
            return
        self._last_question = text
        self.show_draft(Draft())
        self.submitted.emit(text, images)

    def _recall(self) -> None:
        if self._last_question and not self.field.toPlainText():
            self.show_draft(Draft(self._last_question, self._draft.images))

    def _text_changed(self) -> None:
        self._show_go()
        self.changed.emit()

    # -- the button ----------------------------------------------------------------------------

    def show_live(self, live: bool) -> None:
        """While a turn is live an empty field's button stops it."""
        self._live = live
        self._show_go()

    def show_recording(self, recording: bool, key: str) -> None:
        self.talk.setText("Listening …" if recording else f"Hold {key} to talk")
        colour = self._theme.window if recording else self._theme.accent
        self.talk.setIcon(icon("mic", colour, size=18))
        self.talk.setProperty("live", recording)
        self.talk.style().polish(self.talk)

    def _show_go(self) -> None:
        stops = self._live and not self._written()
        self._go.setText("Stop" if stops else "Send")
        self._go.setAccessibleName("Stop the answer" if stops else "Send")
        self._go.setToolTip("Esc" if stops else "Enter")
        self._go.setEnabled(stops or self._written())

    def _written(self) -> bool:
        return bool(self.field.toPlainText().strip() or self._draft.images)

    def _go_clicked(self) -> None:
        if self._live and not self._written():
            self.stop_requested.emit()
        else:
            self._send()

    # -- pictures ------------------------------------------------------------------------------

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Attach pictures")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilter("Pictures (*.png *.jpg *.jpeg *.webp *.gif *.bmp);;All files (*)")
        dialog.filesSelected.connect(self._chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _chosen(self, files: list[str]) -> None:
        self.pictures_given.emit([attachable(Path(file)) for file in files])

    def _show_thumbnails(self) -> None:
        while self._thumbnails.count() > 1:
            item = self._thumbnails.takeAt(0)
            if item and (widget := item.widget()):
                widget.hide()
                widget.deleteLater()
        for place, image in enumerate(self._draft.images):
            self._thumbnails.insertWidget(place, self._thumbnail(image))
        self._strip.setVisible(bool(self._draft.images))
        self._show_go()

    def _thumbnail(self, image: Image) -> QWidget:
        called = image.name or f"picture, {image.width} × {image.height}"
        card = QFrame(self._strip)
        card.setObjectName("card")
        row = QHBoxLayout(card)
        row.setContentsMargins(4, 4, 2, 4)
        picture = QLabel()
        picture.setTextFormat(Qt.TextFormat.PlainText)
        picture.setAccessibleName(called)
        picture.setToolTip(called)
        picture.setPixmap(
            QPixmap(str(self._picture_path(image))).scaled(
                QSize(2 * THUMBNAIL, THUMBNAIL),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
        remove = QToolButton()
        remove.setIcon(icon("close", self._theme.muted, size=14))
        remove.setAccessibleName(f"Remove {called}")
        remove.setToolTip("Remove")
        remove.clicked.connect(_Detach(self, image))
        row.addWidget(picture)
        row.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)
        return card

    # -- looks ---------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._attach.setIcon(icon("paperclip", theme.muted))
        self.talk.setIcon(icon("mic", theme.accent, size=18))
        self._show_thumbnails()

    def _show_focus(self, focused: bool) -> None:
        self.setProperty("focused", focused)
        self.style().polish(self)


class _Detach:
    """A slot with its picture: Qt keeps it as long as the button."""

    def __init__(self, composer: Composer, image: Image) -> None:
        self._composer = composer
        self._image = image

    def __call__(self) -> None:
        self._composer.detach(self._image)


class _Field(QPlainTextEdit):
    entered = Signal()
    recalled = Signal()
    pictures = Signal(object)
    focused = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Ask anything. Shift+Enter for a new line; drop or paste a picture")
        self.setAccessibleName("Your question")
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        lines = min(MOST_LINES, max(1, int(self.document().size().height())))
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Up and not self.toPlainText():
            self.recalled.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasImage() or source.hasUrls() or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        if not source.hasText() or source.hasUrls() or source.hasImage():
            given = pictures_in(source)
            if given:
                self.pictures.emit(given)
                return
        super().insertFromMimeData(source)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)
