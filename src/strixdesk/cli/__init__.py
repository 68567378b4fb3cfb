"""The same session without a window."""

from strixdesk.cli.main import main

__all__ = ["main"]
