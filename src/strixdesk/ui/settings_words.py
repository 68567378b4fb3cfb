"""What is wrong with a value, said to the one who typed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strixdesk.settings import Settings

_WORDS = {
    ("name", "string_too_short"): "Give it a name.",
    ("name", "string_too_long"): "A name has at most 64 characters.",
    ("name", "string_pattern_mismatch"): "A name has no “/”, and begins with no space.",
    ("mac", "string_pattern_mismatch"): (
        "An Ethernet address is six pairs of digits, as in 12:34:56:78:9a:bc."
    ),
    ("base_url", "value_error"): (
        "An address begins with http:// or https:// and names a host, "
        "as in http://127.0.0.1:8012/v1."
    ),
}


def error_words(location: tuple[int | str, ...], kind: str, message: str) -> str:
    """A sentence for one problem of a pydantic ValidationError, without the key's name."""
    name = str(location[-1]) if location else ""
    if words := _WORDS.get((name, kind)):
        return words
    plain = message.removeprefix("Value error, ").removeprefix("Input ").strip()
    return f"{plain[:1].upper()}{plain[1:]}." if plain else "This value will not do."


def settings_with(settings: Settings, changes: Mapping[tuple[str, ...], Any]) -> Settings:
    """`settings` with other values at some places; checked. Raises pydantic's ValidationError."""
    tree = settings.model_dump()
    for place, value in changes.items():
        branch = tree
        for name in place[:-1]:
            branch = branch[name]
        branch[place[-1]] = value
    return Settings.model_validate(tree)


def needs_restart(before: Settings, after: Settings) -> bool:
    """Whether something changed that is only looked at when the program starts: all but `ui`."""
    return before.model_copy(update={"ui": after.ui}) != after
