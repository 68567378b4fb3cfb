"""How each part of a text looks: character and block formats made from a theme and a font."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QTextBlockFormat,
    QTextCharFormat,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTableFormat,
)

from strixdesk.ui.theme import Theme

LINE_HEIGHT_PERCENT = 132.0
CODE_LINE_HEIGHT_PERCENT = 118.0
PARAGRAPH_GAP = 11.0
"""Pixels between blocks, as are all lengths here."""
ITEM_GAP = 4.0
CODE_PADDING = 14.0
CODE_GAP = 10.0
"""Least room below the ground of code."""
CODE_HEADER = 30.0
"""Room above code for its language and its Copy button."""
LIST_INDENT = 28.0
QUOTE_INDENT = 18.0
RULE_HEIGHT = 22.0
_HEADING_SCALE = (1.0, 1.45, 1.25, 1.12, 1.0, 1.0, 1.0)


class Mark(IntEnum):
    """Properties of a block that the view paints itself."""

    CODE = QTextFormat.Property.UserProperty + 1
    """Number of the code block that this line belongs to, from 1."""
    CODE_LAST = QTextFormat.Property.UserProperty + 2
    QUOTE = QTextFormat.Property.UserProperty + 3
    """Depth of quotation."""
    RULE = QTextFormat.Property.UserProperty + 4
    LANGUAGE = QTextFormat.Property.UserProperty + 5
    """On the first line of code."""


class Formats:
    """All formats of one theme and one font; made once and shared by all messages."""

    def __init__(self, theme: Theme, font: QFont, *, colour: str | None = None) -> None:
        """`colour`: of ordinary text, where it is not the theme's."""
        self.theme = theme
        self.font = QFont(font)
        self.code_font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.code_font.setPointSizeF(font.pointSizeF() * 0.93)
        self.colour = QColor(colour or theme.text)
        self.line_height = QFontMetricsF(self.font).lineSpacing()
        self.body = QTextCharFormat()
        self.body.setFont(self.font)
        self.body.setForeground(QBrush(self.colour))
        self.code = QTextCharFormat()
        self.code.setFont(self.code_font)
        self.code.setForeground(QBrush(self.colour))
        self.inline_code = QTextCharFormat(self.code)
        self.inline_code.setBackground(QBrush(QColor(theme.code)))
        self.muted = QTextCharFormat(self.body)
        self.muted.setForeground(QBrush(QColor(theme.muted)))

    # -- characters ----------------------------------------------------------------------------

    def heading(self, level: int) -> QTextCharFormat:
        form = QTextCharFormat(self.body)
        font = QFont(self.font)
        font.setPointSizeF(self.font.pointSizeF() * _HEADING_SCALE[level])
        font.setWeight(QFont.Weight.DemiBold)
        form.setFont(font)
        return form

    def link(self, base: QTextCharFormat, url: str) -> QTextCharFormat:
        form = QTextCharFormat(base)
        form.setAnchor(True)
        form.setAnchorHref(url)
        form.setToolTip(url)
        form.setForeground(QBrush(QColor(self.theme.link)))
        form.setFontUnderline(True)
        return form

    # -- blocks --------------------------------------------------------------------------------

    def block(self, *, top: float, left: float = 0.0, quote: int = 0) -> QTextBlockFormat:
        form = QTextBlockFormat()
        form.setLineHeight(
            LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        form.setTopMargin(top)
        form.setLeftMargin(left)
        if quote:
            form.setProperty(Mark.QUOTE, quote)
        return form

    def item(self, *, top: float, left: float, quote: int, hang: float) -> QTextBlockFormat:
        """The first line of a list item; its mark hangs in front of the text."""
        form = self.block(top=top, left=left, quote=quote)
        form.setTextIndent(-hang)
        form.setTabPositions([QTextOption.Tab(hang, QTextOption.TabType.LeftTab)])
        return form

    def code_line(self, number: int, *, left: float = 0.0) -> QTextBlockFormat:
        """Of the code block with that number; first and last line get their margins later."""
        form = QTextBlockFormat()
        form.setLineHeight(
            CODE_LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        form.setLeftMargin(left + CODE_PADDING)
        form.setRightMargin(CODE_PADDING)
        form.setProperty(Mark.CODE, number)
        return form

    def code_top(self, gap: float) -> float:
        return gap + CODE_HEADER

    def rule(self) -> QTextBlockFormat:
        form = self.fixed(RULE_HEIGHT)
        form.setProperty(Mark.RULE, True)
        return form

    def fixed(self, height: float) -> QTextBlockFormat:
        """An empty line of that height."""
        form = QTextBlockFormat()
        form.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        return form

    def table(self) -> QTextTableFormat:
        form = QTextTableFormat()
        form.setBorderCollapse(True)
        form.setBorder(1)
        form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        form.setBorderBrush(QBrush(QColor(self.theme.border)))
        form.setCellPadding(7)
        form.setCellSpacing(0)
        form.setTopMargin(PARAGRAPH_GAP)
        form.setHeaderRowCount(1)
        form.setWidth(QTextLength(QTextLength.Type.VariableLength, 0))
        return form
