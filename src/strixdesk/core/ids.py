"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """12 hex digits of milliseconds and 8 random ones: unique, and in order of making."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
