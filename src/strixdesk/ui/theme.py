"""Colours and sizes of the window, light and dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour is `#rrggbb`. Text colours reach a contrast of 4.5:1 on their grounds."""

    name: str
    window: str
    surface: str
    """Side panes."""
    raised: str
    """Cards, fields, bubbles of the assistant."""
    border: str
    text: str
    muted: str
    """Secondary text."""
    accent: str
    on_accent: str
    user_bubble: str
    on_user_bubble: str
    code: str
    """Ground of code."""
    link: str
    ok: str
    warning: str
    danger: str
    selection: str
    weights: str
    """Of models, in the memory bar."""
    kv_cache: str
    pygments_style: str


LIGHT = Theme(
    name="light",
    window="#f7f6f3",
    surface="#efede8",
    raised="#ffffff",
    border="#dcd8d0",
    text="#1f1d1a",
    muted="#655f57",
    accent="#b3441e",
    on_accent="#ffffff",
    user_bubble="#f3ddd3",
    on_user_bubble="#2b1d16",
    code="#f2f0eb",
    link="#9a3a19",
    ok="#2f7d4f",
    warning="#8a6100",
    danger="#b3261e",
    selection="#f0c9b6",
    weights="#3d6f9e",
    kv_cache="#8db8d8",
    pygments_style="default",
)

DARK = Theme(
    name="dark",
    window="#1b1a19",
    surface="#232120",
    raised="#2c2a28",
    border="#3d3a37",
    text="#ece8e1",
    muted="#a8a199",
    accent="#f0814f",
    on_accent="#1d0f08",
    user_bubble="#46302a",
    on_user_bubble="#f6e6de",
    code="#232120",
    link="#f59b72",
    ok="#6cc490",
    warning="#e0b450",
    danger="#f2867c",
    selection="#6b4130",
    weights="#5f93c4",
    kv_cache="#a9cbe6",
    pygments_style="monokai",
)
