"""The window's palette and style sheet, made from a theme."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette

from strixdesk.ui.theme import DARK, LIGHT, Theme

GAP = 8
"""Pixels; every distance is a multiple of half of it."""
RADIUS = 10


def theme_for(choice: str) -> Theme:
    """`light`, `dark`, or `system`: what the desktop asks for now."""
    if choice == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return DARK if scheme is Qt.ColorScheme.Dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def palette(theme: Theme) -> QPalette:
    made = QPalette()
    role = QPalette.ColorRole
    for which, colour in {
        role.Window: theme.window,
        role.Base: theme.raised,
        role.AlternateBase: theme.surface,
        role.Button: theme.surface,
        role.ToolTipBase: theme.raised,
        role.Text: theme.text,
        role.WindowText: theme.text,
        role.ButtonText: theme.text,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Link: theme.link,
        role.Accent: theme.accent,
    }.items():
        made.setColor(which, QColor(colour))
    for which in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.muted))
    return made


def style_sheet(theme: Theme) -> str:
    t = theme
    return f"""
    QMainWindow, QDialog {{ background: {t.window}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
        padding: 4px 6px; }}
    QMenuBar {{ background: {t.surface}; color: {t.text}; padding: 2px; }}
    QMenuBar::item:selected, QMenu::item:selected {{ background: {t.selection}; }}
    QMenu {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
        padding: 4px; }}
    QMenu::item {{ padding: 5px 24px; border-radius: 4px; }}
    QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}

    #pane {{ background: {t.surface}; }}
    #leftPane {{ background: {t.surface}; border-right: 1px solid {t.border}; }}
    #rightPane {{ background: {t.surface}; border-left: 1px solid {t.border}; }}
    #topBar {{ border-bottom: 1px solid {t.border}; }}
    #paneTitle {{ font-weight: 600; }}
    #muted {{ color: {t.muted}; }}
    #title {{ font-weight: 600; }}
    #headline {{ font-size: 20px; font-weight: 600; }}
    #state {{ font-weight: 600; }}
    #state[alarm="true"] {{ color: {t.danger}; }}

    #card, #composer {{ background: {t.raised}; border: 1px solid {t.border};
        border-radius: {RADIUS}px; }}
    #composer[focused="true"] {{ border: 1px solid {t.accent}; }}
    #composer QPlainTextEdit {{ background: transparent; border: none; }}
    #whatIf {{ background: {t.raised}; border: 1px solid {t.muted}; border-radius: 8px; }}
    #card:hover {{ border-color: {t.muted}; }}
    #card:focus, #card[chosen="true"] {{ border: 2px solid {t.accent}; }}
    #chip {{ background: {t.code}; color: {t.muted}; border-radius: 6px; padding: 1px 6px; }}

    #card[answering="true"] {{ border: 2px solid {t.ok}; }}
    #card[stale="true"] {{ background: {t.surface}; }}
    #card QLabel[stale="true"] {{ color: {t.muted}; }}
    #small {{ color: {t.muted}; font-size: 12px; }}
    #stateWord {{ color: {t.muted}; font-size: 12px; }}
    #figure {{ font-size: 15px; font-weight: 600; }}
    #boxName {{ font-size: 16px; font-weight: 600; }}
    #trouble, #verdict {{ color: {t.warning}; font-size: 12px; }}
    #trouble[calm="true"] {{ color: {t.muted}; }}
    #command {{ background: {t.code}; border-radius: 6px; padding: 4px 8px;
        font-family: monospace; font-size: 12px; }}
    #trouble[alarm="true"], #verdict[fits="false"] {{ color: {t.danger}; }}
    #verdict[fits="true"] {{ color: {t.ok}; }}
    #strip {{ background: {t.raised}; border: 1px solid {t.border};
        border-left: 4px solid {t.accent}; border-radius: 8px; }}
    #confirm {{ background: {t.raised}; border: 2px solid {t.accent};
        border-radius: {RADIUS}px; }}
    #line {{ background: {t.border}; border: none; }}
    #rightPane QPushButton {{ padding: 4px 10px; font-size: 12px; }}
    #rightPane QPushButton:focus {{ padding: 3px 9px; }}
    QPushButton[quiet="true"] {{ background: transparent; border: 1px solid transparent;
        color: {t.link}; font-size: 12px; border-radius: 6px; }}
    #rightPane QPushButton[quiet="true"] {{ padding: 2px 7px; }}
    QPushButton[quiet="true"]:hover {{ background: {t.code}; border-color: {t.border}; }}
    QPushButton[quiet="true"]:focus {{ border: 2px solid {t.accent}; }}
    #rightPane QPushButton[quiet="true"]:focus {{ padding: 1px 6px; }}
    QPushButton[quiet="true"]:disabled {{ color: {t.border}; }}
    QPushButton::menu-indicator {{ subcontrol-position: right center;
        subcontrol-origin: padding; right: 4px; width: 8px; }}

    #notice {{ background: {t.raised}; border: 1px solid {t.border};
        border-left: 4px solid {t.link}; border-radius: 6px; }}
    #notice[kind="failed"] {{ border-left-color: {t.danger}; }}

    QPushButton {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
        border-radius: 8px; padding: 6px 12px; }}
    QPushButton:hover {{ border-color: {t.muted}; }}
    QPushButton:focus {{ border: 2px solid {t.accent}; padding: 5px 11px; }}
    QPushButton:disabled {{ color: {t.muted}; }}
    QPushButton#primary, QPushButton:default {{ background: {t.accent}; color: {t.on_accent};
        border-color: {t.accent}; }}
    /* Not of :default: a button is measured without it. */
    QPushButton#primary {{ font-weight: 600; }}
    QPushButton#primary:disabled, QPushButton:default:disabled {{ background: {t.surface};
        color: {t.muted}; border-color: {t.border}; }}
    QPushButton#primary:focus {{ border: 2px solid {t.text}; }}
    QPushButton#talk {{ font-weight: 600; border-radius: 14px; padding: 6px 14px;
        border-color: {t.accent}; color: {t.accent}; }}
    QPushButton#talk:pressed, QPushButton#talk[live="true"] {{ background: {t.danger};
        color: {t.window}; border-color: {t.danger}; }}
    QPushButton#example {{ text-align: left; padding: 10px 14px; border-radius: {RADIUS}px; }}

    QToolButton {{ background: transparent; color: {t.text}; border: 2px solid transparent;
        border-radius: 8px; padding: 4px; }}
    QToolButton:hover {{ background: {t.border}; }}
    QToolButton:focus {{ border-color: {t.accent}; }}
    QToolButton:checked {{ background: {t.selection}; }}

    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}

    QListWidget {{ background: transparent; border: none; outline: none; }}
    QListWidget::item {{ padding: 7px 8px; border-radius: 6px; color: {t.text}; }}
    QListWidget::item:hover {{ background: {t.border}; }}
    QListWidget::item:selected {{ background: {t.selection}; color: {t.text}; }}
    QListWidget:focus {{ border: 1px solid {t.accent}; border-radius: 6px; }}

    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QTableWidget, QKeySequenceEdit,
    QDialog QPlainTextEdit {{
        background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
        border-radius: 6px; padding: 4px 6px; selection-background-color: {t.selection};
        selection-color: {t.text}; }}
    QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
    QTableWidget:focus, QDialog QPlainTextEdit:focus {{ border: 1px solid {t.accent}; }}
    QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none;
        padding: 4px 6px; }}

    QScrollArea {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {t.border}; border-radius: 4px; min-height: 32px;
        margin: 1px; }}
    QScrollBar::handle:vertical:hover {{ background: {t.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: none; height: 0; width: 0; }}
    """
