"""The text of one message: as high as its document, selectable, deaf to the wheel."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QMimeData, QPointF, QRectF, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDesktopServices,
    QFont,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QTextBlock,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QSizePolicy, QTextBrowser, QWidget

from strixdesk.ui.markdown_document import MarkdownDocument
from strixdesk.ui.markdown_formats import (
    CODE_HEADER,
    CODE_PADDING,
    Formats,
    Mark,
)
from strixdesk.ui.markdown_tokens import is_web
from strixdesk.ui.transcript_buttons import WordButton

_CORNER = 9
_NEAR_BLOCKS = 60
_BLOCKS_AT_ONCE = 60
"""A long answer of the past is drawn in parts, so that the window answers in between."""


class MessageText(QTextBrowser):
    """Read-only. Nothing is loaded from anywhere; links to the web go to the desktop."""

    dragged = Signal(object)
    """QPoint on the screen: the pointer, while it selects."""

    def __init__(self, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._caret = False
        self._spoken: tuple[int, int] | None = None
        self._copy_buttons: dict[int, WordButton] = {}
        self.setAccessibleName("Text of this message")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setOpenLinks(False)
        # The width is given, not taken from the widget: heights are right before it is shown.
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.viewport().setAutoFillBackground(False)
        self.markdown = MarkdownDocument(self.document(), formats)
        self._colouring = QTimer(self)
        self._colouring.setSingleShot(True)
        self._colouring.timeout.connect(self._colour_next)
        self._catching_up = QTimer(self)
        self._catching_up.setSingleShot(True)
        self._catching_up.timeout.connect(self.draw)
        self._placing = QTimer(self)
        self._placing.setSingleShot(True)
        self._placing.timeout.connect(self._place_buttons)
        self.anchorClicked.connect(self._open_link)
        self._paint_colours()

    # -- text ----------------------------------------------------------------------------------

    def set_text(self, text: str, *, complete: bool) -> None:
        self.markdown.set_text(text, complete=complete, most_blocks=_BLOCKS_AT_ONCE)
        self._written()

    @Slot()
    def draw(self) -> None:
        """Show what was fed to `markdown`."""
        self.markdown.draw(_BLOCKS_AT_ONCE)
        self._written()

    def finish(self) -> None:
        self.markdown.finish(_BLOCKS_AT_ONCE)
        self._written()

    def set_plain(self, text: str, *, muted: bool = False) -> None:
        """Exactly these characters."""
        self.markdown.set_plain(text, muted=muted)
        self._written()

    def set_formats(self, formats: Formats) -> None:
        """For the text that is set next."""
        self._formats = formats
        self.markdown.set_formats(formats)
        self._paint_colours()

    def set_caret(self, shown: bool) -> None:
        """A mark behind the last character: more is coming."""
        self._caret = shown
        self.viewport().update()

    def set_spoken(self, source_chars: int | None) -> None:
        """Mark the block that is being read out; None: none is."""
        span = None if source_chars is None else self.markdown.span_at(source_chars)
        if span != self._spoken:
            self._spoken = span
            self.viewport().update()

    def fit(self, width: int) -> None:
        """Take the height that the text needs at that width."""
        if self.lineWrapColumnOrWidth() != width:
            self.setLineWrapColumnOrWidth(width)
        self._fit_height()

    def narrowest(self) -> int:
        """Width of the longest line as the text is laid out now."""
        return ceil(self.document().idealWidth())

    def _written(self) -> None:
        self._fit_height()
        if self.markdown.is_behind:
            self._catching_up.start(0)
        elif self.markdown.has_uncoloured:
            self._colouring.start(0)
        for number in [n for n in self._copy_buttons if not self.markdown.code(n)]:
            self._copy_buttons.pop(number).deleteLater()

    def _fit_height(self) -> None:
        height = max(1, ceil(self.document().documentLayout().documentSize().height()))
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)

    @Slot()
    def _colour_next(self) -> None:
        if self.markdown.has_uncoloured:
            self.markdown.colour_next()
            self._colouring.start(0)

    # -- safety --------------------------------------------------------------------------------

    def loadResource(self, _kind: int, _name: QUrl | str) -> None:
        """Whatever a document names stays where it is."""

    @Slot(QUrl)
    def _open_link(self, url: QUrl) -> None:
        if is_web(url.toString()):
            QDesktopServices.openUrl(url)

    # -- copying -------------------------------------------------------------------------------

    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        data.setText(self.selected_text())
        return data

    def selected_text(self) -> str:
        return self.textCursor().selection().toPlainText().replace("\t", " ")

    def plain_text(self) -> str:
        return self.toPlainText().replace("\t", " ")

    # -- events --------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(event.globalPosition().toPoint())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The message has the menu."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Only copying, selecting and links are ours; paging is the transcript's."""
        ours = event.matches(QKeySequence.StandardKey.Copy) or event.matches(
            QKeySequence.StandardKey.SelectAll
        )
        if ours or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        else:
            event.ignore()

    # -- painting ------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_grounds(painter, QRectF(event.rect()))
        painter.end()
        super().paintEvent(event)
        if self._caret:
            self._paint_caret()

    def _paint_grounds(self, painter: QPainter, clip: QRectF) -> None:
        """What stands behind the text: ground of code, bar of a quote, rule, mark of speech."""
        if self._spoken:
            self._paint_spoken(painter, *self._spoken)
        for block, rect in self._blocks_in(clip):
            form = block.blockFormat()
            number = form.property(Mark.CODE)
            if number:
                self._paint_code(painter, block, rect, int(number))
            if form.property(Mark.QUOTE):
                bottom = self._bottom(block, rect, Mark.QUOTE)
                painter.fillRect(
                    QRectF(2, rect.top(), 3, bottom - rect.top()),
                    QColor(self._formats.theme.border),
                )
            if form.property(Mark.RULE):
                line = QRectF(0, rect.center().y(), self.viewport().width(), 1)
                painter.fillRect(line, QColor(self._formats.theme.border))

    def _paint_spoken(self, painter: QPainter, begin: int, end: int) -> None:
        """A soft ground behind the block that is being read out."""
        layout = self.document().documentLayout()
        first = self.document().findBlock(begin)
        if begin and first.text() and first.position() < begin:
            first = first.next()
        rect = layout.blockBoundingRect(first)
        last = self.document().findBlock(max(begin, end - 1))
        rect = rect.united(layout.blockBoundingRect(last))
        ground = QColor(self._formats.theme.accent)
        ground.setAlpha(30)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        rect = QRectF(0, rect.top(), self.viewport().width(), rect.height() + 4)
        painter.drawRoundedRect(rect, 6, 6)

    def _bottom(self, block: QTextBlock, rect: QRectF, mark: Mark) -> float:
        """Where the ground of a line ends: at the next line, if that has the same mark."""
        following = block.next()
        if following.isValid() and following.blockFormat().property(mark) == (
            block.blockFormat().property(mark)
        ):
            return self.document().documentLayout().blockBoundingRect(following).top()
        return rect.bottom()

    def _paint_code(self, painter: QPainter, block: QTextBlock, rect: QRectF, number: int) -> None:
        form = block.blockFormat()
        theme = self._formats.theme
        language = form.property(Mark.LANGUAGE)
        left = form.leftMargin() - CODE_PADDING
        top = rect.top() - (CODE_HEADER if language is not None else 0)
        bottom = (
            rect.bottom() + CODE_PADDING
            if form.property(Mark.CODE_LAST)
            else self._bottom(block, rect, Mark.CODE)
        )
        ground = QRectF(left, top, self.viewport().width() - left, bottom - top)
        painter.save()
        painter.setClipRect(ground)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(theme.code))
        # Corners of the first and the last line only: in between they lie outside the clip.
        rounded = ground.adjusted(0.5, 0.5, -0.5, -0.5)
        if language is None:
            rounded.setTop(ground.top() - 2 * _CORNER)
        if not form.property(Mark.CODE_LAST):
            rounded.setBottom(ground.bottom() + 2 * _CORNER)
        painter.drawRoundedRect(rounded, _CORNER, _CORNER)
        painter.restore()
        if language is not None:
            font = QFont(self._formats.font)
            font.setPointSizeF(font.pointSizeF() * 0.86)
            painter.setFont(font)
            painter.setPen(QColor(theme.muted))
            place = ground.adjusted(CODE_PADDING, 0, 0, 0)
            place.setHeight(CODE_HEADER)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), str(language) or "code")
            if number not in self._copy_buttons:
                self._placing.start(0)

    def _paint_caret(self) -> None:
        cursor = self.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        rect = QRectF(self.cursorRect(cursor))
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._formats.theme.accent))
        height = self._formats.line_height * 0.9
        painter.drawRoundedRect(QRectF(rect.left() + 3, rect.bottom() - height, 8, height), 2, 2)
        painter.end()

    def _blocks_in(self, clip: QRectF) -> list[tuple[QTextBlock, QRectF]]:
        """The blocks that may paint in there, with where their lines are."""
        layout = self.document().documentLayout()
        block = self._block_above(clip.top())
        found = []
        while block.isValid():
            rect = layout.blockBoundingRect(block)
            if rect.top() > clip.bottom() + CODE_HEADER:
                break
            found.append((block, rect))
            block = block.next()
        return found

    def _block_above(self, y: float) -> QTextBlock:
        """A block that begins not far above that line. Near the end, where an answer grows, it is
        found from there: Qt's own search takes longer with every table before."""
        layout = self.document().documentLayout()
        block = self.document().lastBlock()
        for _ in range(_NEAR_BLOCKS):
            before = block.previous()
            if not before.isValid() or layout.blockBoundingRect(block).bottom() < y:
                return block
            block = before
        at = layout.hitTest(QPointF(0, y), Qt.HitTestAccuracy.FuzzyHit)
        block = self.document().findBlock(max(0, at))
        # Margins belong to no line: the block before may reach into the clip.
        return block.previous() if block.previous().isValid() else block

    # -- code buttons --------------------------------------------------------------------------

    @Slot()
    def _place_buttons(self) -> None:
        """A Copy button for each block of code that was painted; made late, as few are seen."""
        visible = self.visibleRegion().boundingRect()
        for block, rect in self._blocks_in(QRectF(visible)):
            form = block.blockFormat()
            if form.property(Mark.LANGUAGE) is None:
                continue
            number = int(form.property(Mark.CODE))
            button = self._copy_buttons.get(number)
            if button is None:
                button = WordButton("Copy", self._formats.theme, parent=self.viewport())
                button.setAccessibleName("Copy this code")
                button.setProperty("code", number)
                button.clicked.connect(self._copy_code)
                self._copy_buttons[number] = button
            size = button.sizeHint()
            top = rect.top() - CODE_HEADER
            button.setGeometry(
                self.viewport().width() - size.width() - 4,
                int(top + (CODE_HEADER - size.height()) / 2),
                size.width(),
                size.height(),
            )
            button.show()

    @Slot()
    def _copy_code(self) -> None:
        button = self.sender()
        if isinstance(button, WordButton):
            QApplication.clipboard().setText(self.markdown.code(int(button.property("code"))))
            button.say("Copied")

    def _paint_colours(self) -> None:
        theme = self._formats.theme
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        palette.setColor(QPalette.ColorRole.Text, self._formats.colour)
        palette.setColor(QPalette.ColorRole.Highlight, QColor(theme.selection))
        palette.setColor(QPalette.ColorRole.HighlightedText, self._formats.colour)
        palette.setColor(QPalette.ColorRole.Link, QColor(theme.link))
        self.setPalette(palette)
        for button in self._copy_buttons.values():
            button.set_theme(theme)
