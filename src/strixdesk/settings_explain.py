"""What is wrong with a settings file, in sentences that name line and key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?")
"""A line that opens a table: its brackets and its name."""


def explain(error: ValidationError, text: str = "") -> str:
    """Each wrong value with its key, its line where it can be told, and what is wrong with it."""
    return "has " + "; ".join(
        f"{_where(problem['loc'], text)}: {_what(problem)}" for problem in error.errors()
    )


def _what(problem: ErrorDetails) -> str:
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            return "there is no such setting"
        case "missing":
            return "it is missing"
        case "string_type":
            return "it must be text in quotes"
        case "string_too_short":
            return "it must not be empty"
        case "string_too_long":
            return f"it must not be longer than {limits['max_length']} characters"
        case "string_pattern_mismatch":
            return 'it must be one line, and begin neither with "/" nor with a space'
        case "int_type" | "int_parsing" | "int_from_float":
            return "it must be a whole number"
        case "float_type" | "float_parsing" | "finite_number":
            return "it must be a number"
        case "bool_type" | "bool_parsing":
            return "it must be true or false"
        case "greater_than_equal":
            return f"it must be at least {limits['ge']}"
        case "greater_than":
            return f"it must be more than {limits['gt']}"
        case "less_than_equal":
            return f"it must be at most {limits['le']}"
        case "literal_error" | "enum":
            return f"it must be {limits['expected']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "it must be a table"
        case "tuple_type":
            return "it must be a list of tables, each under its own [[tiers]]"
        case "frozen_set_type":
            return "it must be a list"
    words = problem["msg"].removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def _where(location: tuple[str | int, ...], text: str) -> str:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in location)
    line = _line_of(location, text)
    return f"a wrong value in line {line} ({key})" if line else f"a wrong value for {key}"


def _line_of(location: tuple[str | int, ...], text: str) -> int | None:
    """The line that sets the key, or that opens the table it should be in; 1-based."""
    names = [part for part in location if isinstance(part, str)]
    index = next((part for part in location if isinstance(part, int)), 0)
    if not names:
        return None
    table, key = (names[0], names[1]) if len(names) > 1 else ("", names[0])
    current, inside, seen, opened = "", not table, -1, None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            current = header.group(2).strip("\"'")
            if current == names[0]:
                seen += 1
            this_one = current == names[0] and (header.group(1) == "[" or seen == index)
            inside = this_one and bool(table)
            opened = number if this_one else opened
        elif inside and _sets(key).match(line):
            return number
        elif not current and _sets(names[0]).match(line):
            opened = number  # written inline, or with a dot
    return opened


def _sets(key: str) -> re.Pattern[str]:
    return re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
