"""The composition root of the desktop app."""
