"""What is said of windows on a screen that is not there."""

from __future__ import annotations

import pytest

NO_SCREEN = pytest.mark.qt_log_ignore(
    "This plugin does not support propagateSizeHints", extend=True
)
"""Qt says so of every top-level window."""
