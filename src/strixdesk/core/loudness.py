"""How loud sound is, for those who need no samples: this is loaded with the window."""

from __future__ import annotations

SILENCE_DB = -120.0
"""The level of zeros, in dB relative to full scale; nothing is lower."""
