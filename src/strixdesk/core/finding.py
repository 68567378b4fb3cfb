"""One thing that was found when a box or a stack was examined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    NOTE = "note"
    """Worth knowing; nothing breaks."""
    WARNING = "warning"
    """It works, until it does not."""
    PROBLEM = "problem"
    """It does not work like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    """What it is about, in one word with hyphens: `fp8-kv-cache`. A user may allow it by this."""
    severity: Severity
    sentence: str
    """What is so, and why that matters."""
    command: str = ""
    """What mends it, to be run by the user on the box; nothing here runs it."""
    service: str = ""
    variable: str = ""
    """Or: this line of the .env file …"""
    value: str = ""
    """… set to this."""
