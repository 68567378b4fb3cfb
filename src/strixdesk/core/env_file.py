"""The stack's .env file: read, and changed line by line. Comments, order and quotes stay.

Source: the syntax that compose documents for env files: `NAME=value`, `export NAME=value`, single
and double quotes, ` #` begins a comment after an unquoted value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from strixdesk.core.errors import SettingsError

_LINE = re.compile(
    r"""^(?P<head>[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*)"""
    r"""(?P<value>'[^']*'|"(?:[^"\\]|\\.)*"|[^\r\n]*?)(?P<tail>[ \t]*(?:[ \t]\#[^\r\n]*)?)"""
    r"""(?P<end>\r?\n?)$"""
)
_SECRET = re.compile(r"(?:TOKEN|KEY|PASSWORD|PASSWD|SECRET|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~{}$-]*")
MASK = "••••"


def values(text: str) -> dict[str, str]:
    """Names and values, quotes taken off, nothing interpolated. The last one counts."""
    return {
        match["name"]: _unquoted(match["value"])
        for match in map(_LINE.match, text.splitlines(keepends=True))
        if match
    }


def changed(text: str, changes: Mapping[str, str]) -> str:
    """The text with these values. A name that is not there yet is added at the end. Raises
    SettingsError for what cannot be a name or a value."""
    for name, value in changes.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise SettingsError(f"“{name}” cannot be the name of a variable.")
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
            raise SettingsError(f"The value of {name} must be one line of text.")
    lines = text.splitlines(keepends=True)
    last = {match["name"]: at for at, line in enumerate(lines) if (match := _LINE.match(line))}
    for name, value in changes.items():
        if name not in last:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            lines.append(f"{name}={_quoted(value, '')}\n")
            continue
        match = _LINE.match(lines[last[name]])
        if match and _unquoted(match["value"]) != value:
            quote = match["value"][:1] if match["value"][:1] in {"'", '"'} else ""
            lines[last[name]] = match["head"] + _quoted(value, quote) + match["tail"] + match["end"]
    return "".join(lines)


def difference(before: str, after: str, name: str = ".env") -> str:
    """A unified diff in which no secret's value stands; empty: nothing changes."""
    if before == after:
        return ""
    old, new = before.splitlines(), after.splitlines()
    shown: list[str] = []
    for line in difflib.unified_diff(old, new, name, name, lineterm="", n=1):
        if line.startswith(("---", "+++", "@@")):
            shown.append(line)
        else:
            shown.append(line[:1] + _masked(line[1:]))
    return "\n".join(shown) + "\n"


def is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _masked(line: str) -> str:
    """Also of a line that is commented out, or that has a password in an address."""
    bare = re.sub(r"^[ \t]*#[ \t]*", "", line)
    match = _LINE.match(bare)
    if match and match["value"] and is_secret(match["name"]):
        return line[: len(line) - len(bare)] + match["head"] + MASK
    if bare.strip() and bare == line and not match:  # the middle of a value of several lines
        return MASK
    return re.sub(r"(://[^/@\s:]*:)[^/@\s]+@", rf"\1{MASK}@", line)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in {"'", '"'}:
        inner = value[1:-1]
        return re.sub(r"\\(.)", r"\1", inner) if value[0] == '"' else inner
    return value.strip()


def _quoted(value: str, quote: str) -> str:
    """In the quotes that stood there; unquoted only where that reads back as it is."""
    if quote == "'" and "'" not in value:
        return f"'{value}'"
    if quote == '"' or not _PLAIN.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return value
