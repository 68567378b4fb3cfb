"""What a style sheet must add where it touches boxes with arrows: else Qt draws half of them."""

from __future__ import annotations

from strixdesk.ui.icons import RESOURCES


def field_style() -> str:
    """Arrows of combo and spin boxes, and a key field that looks like the fields around it."""
    down, up = ((RESOURCES / f"field-{way}.svg").as_posix() for way in ("down", "up"))
    return f"""
    QComboBox::drop-down {{ border: none; width: 24px; }}
    QComboBox::down-arrow {{ image: url("{down}"); width: 14px; height: 14px; }}
    QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-origin: border;
        subcontrol-position: top right; width: 24px; border: none; margin-top: 2px; }}
    QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-origin: border;
        subcontrol-position: bottom right; width: 24px; border: none; margin-bottom: 2px; }}
    QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{up}");
        width: 12px; height: 12px; }}
    QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{down}");
        width: 12px; height: 12px; }}
    KeyField {{ text-align: left; border-radius: 6px; padding: 5px 8px; }}
    KeyField:focus {{ padding: 4px 7px; }}
    """
