"""Settings on disk: TOML that a person edits. Their comments and order survive a save."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, SecretStr, ValidationError
from tomlkit.items import AoT, Table

from strixdesk.core.errors import SettingsError
from strixdesk.settings import Loaded, Settings


def load(path: Path) -> Loaded:
    """Never raises: a file that cannot be used is left as it is, and explained."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Loaded(Settings(), path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return _unusable(path, f"could not be read: {why}")
    try:
        return Loaded(Settings.model_validate(tomllib.loads(text)), path)
    except tomllib.TOMLDecodeError as error:
        return _unusable(path, f"is not valid TOML: {error}")
    except ValidationError as error:
        return _unusable(path, explain(error, text))


def _unusable(path: Path, why: str) -> Loaded:
    problem = SettingsError(
        f"The settings file {path} {why}.", "It was left as it is; StrixDesk runs on its defaults."
    )
    return Loaded(Settings(), path, problem)


def explain(error: ValidationError, text: str = "") -> str:
    """Each wrong value with its key, its line where it can be told, and what is wrong with it."""
    return "has " + "; ".join(
        f"{_where(problem['loc'], text)}: {_what(problem['type'], problem['msg'])}"
        for problem in error.errors()
    )


def _what(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such setting"
    return (
        message.removeprefix("Value error, ")[:1].lower()
        + message.removeprefix("Value error, ")[1:]
    )


def _where(location: tuple[str | int, ...], text: str) -> str:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in location)
    line = _line_of(location, text)
    return f"a wrong value in line {line} ({key})" if line else f"a wrong value for {key}"


def _line_of(location: tuple[str | int, ...], text: str) -> int | None:
    """The line that sets the key, or that opens the table it should be in; 1-based."""
    names = [part for part in location if isinstance(part, str)]
    index = next((part for part in location if isinstance(part, int)), 0)
    table, key = (names[0], names[1]) if len(names) > 1 else ("", names[0] if names else "")
    header = re.compile(r"^\s*(\[\[?)\s*([\w.\"-]+)\s*\]\]?")
    current, seen, opened = "", -1, None
    for number, line in enumerate(text.splitlines(), start=1):
        if found := header.match(line):
            current = found.group(2).strip('"')
            if current == (table or key):
                seen += 1
                if found.group(1) == "[" or seen == index:
                    opened = number
        elif (
            current == table
            and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line)
            and (not table or opened is not None)
        ):
            return number
    return opened


def save(path: Path, settings: Settings) -> None:
    """Writes what differs from the defaults, or stands in the file already. Atomic, readable by
    the user only (there may be keys in it). Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text and load(path).problem:
            raise SettingsError(
                f"The settings were not saved: {path} holds something that cannot be read.",
                "Mend or remove that file first; nothing in it was changed.",
            )
        document = tomlkit.parse(text)
        _update(document, _plain(settings), _plain(Settings()))
        _write(path, tomlkit.dumps(document))
    except OSError as error:
        raise SettingsError(
            f"The settings could not be saved to {path}: {error.strerror}.",
            "They hold until StrixDesk ends.",
        ) from error


def _plain(model: BaseModel) -> dict[str, Any]:
    """TOML has no null: what is None is left out."""
    return {name: _value(value) for name, value in model.__dict__.items() if value is not None}


def _value(value: object) -> Any:
    match value:
        case BaseModel():
            return _plain(value)
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return [_value(item) for item in value]
        case frozenset():
            return sorted(str(_value(item)) for item in value)
        case _:
            return getattr(value, "value", value)


def _update(
    table: tomlkit.TOMLDocument | Table, wanted: dict[str, Any], defaults: dict[str, Any]
) -> None:
    for key in [key for key in table if key not in wanted]:
        del table[key]
    for key, value in wanted.items():
        default = defaults.get(key)
        if isinstance(value, dict):
            if key in table and isinstance(table[key], Table):
                _update(table[key], value, default or {})
            elif value != default:
                changed = {k: v for k, v in value.items() if v != (default or {}).get(k)}
                table[key] = changed
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            _update_tables(table, key, value)
        elif key in table:
            if _unwrapped(table[key]) != value:
                table[key] = value
        elif value != default:
            table[key] = value


def _update_tables(
    table: tomlkit.TOMLDocument | Table, key: str, wanted: list[dict[str, Any]]
) -> None:
    """An array of tables: those that stay keep their comments."""
    known = {}
    if key in table and isinstance(table[key], AoT):
        known = {str(one.get("name")): one for one in table[key]}
    array = tomlkit.aot()
    for fields in wanted:
        one = known.get(fields["name"]) or tomlkit.table()
        _update(one, {k: v for k, v in fields.items() if v != "" or k in one}, {})
        array.append(one)
    table[key] = array


def _unwrapped(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # a link to a dotfiles folder stays a link
    with tempfile.NamedTemporaryFile(
        "w", dir=target.parent, delete=False, encoding="utf-8"
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    temporary.replace(target)
