"""How long something still takes, in words."""

from __future__ import annotations


def span(seconds: float) -> str:
    """`about 2 min`: never more exact than it is known."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
