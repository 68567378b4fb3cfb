"""Settings on disk: TOML that a person edits. Their comments and order survive a save."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr, ValidationError

from strixdesk.atomic_file import write_atomically
from strixdesk.core.errors import SettingsError
from strixdesk.key_variables import take_key
from strixdesk.settings import (
    BoxSettings,
    ControlSettings,
    Loaded,
    Settings,
    SourceSettings,
    TierSettings,
)
from strixdesk.settings_explain import HEADER, explain

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

_NAMED: dict[str, type[BaseModel]] = {
    "tiers": TierSettings,
    "sources": SourceSettings,
    "boxes": BoxSettings,
}
"""Lists of tables that are told apart by their `name`."""


def load(path: Path) -> Loaded:
    """Never raises: a file that cannot be used is left as it is, and explained. The environment
    variables that it names for keys are taken, before a process inherits them."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except FileNotFoundError:
        return Loaded(Settings(), path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return _unusable(path, f"could not be read: {why}")
    try:
        settings = Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return _unusable(path, f"is not valid TOML: {error}")
    except RecursionError:
        return _unusable(path, "is not valid TOML: its brackets are nested too deeply")
    except ValidationError as error:
        return _unusable(path, explain(error, text))
    variables = [tier.api_key_env for tier in settings.tiers]
    variables += [source.api_key_env for source in settings.sources]
    for variable in filter(None, variables):
        take_key(variable)
    return Loaded(settings, path)


def _unusable(path: Path, why: str) -> Loaded:
    problem = SettingsError(
        f"The settings file {path} {why}.", "It was left as it is; StrixDesk runs on its defaults."
    )
    return Loaded(Settings(), path, problem)


def save(path: Path, settings: Settings, before: Settings | None = None) -> None:
    """Writes what differs from the defaults, or stands in the file already. Atomic, readable by
    the user only (there may be keys in it). `before`: what `settings` was made from; then only
    what differs from that is written, and what a person has changed in the file since stays.
    Raises SettingsError."""
    import tomlkit  # here, because it costs the start of the program 50 ms

    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        if text and load(path).problem:
            raise SettingsError(
                f"The settings were not saved: {path} holds something that cannot be read.",
                "Mend or remove that file first; nothing in it was changed.",
            )
        wanted, was = _plain(settings), _plain(before) if before else None
        for key in _NAMED:
            text = _shortened(text, key, wanted, was)
        document = tomlkit.parse(text)
        _update(document, wanted, _plain(Settings()), was)
        write_atomically(path, tomlkit.dumps(document).encode())
    except OSError as error:
        raise SettingsError(
            f"The settings could not be saved to {path}: {error.strerror}.",
            "What the file held before is still in it.",
        ) from error


def _shortened(text: str, key: str, wanted: dict[str, Any], was: dict[str, Any] | None) -> str:
    """The text without the tables of `key` that are no longer wanted; those that a person has
    added since `was` become wanted."""
    if was is not None and was[key] == wanted[key]:
        return text
    in_file = tomllib.loads(text).get(key, [])
    stay = {one["name"] for one in wanted[key]}
    if was is not None:
        known = stay | {one["name"] for one in was[key]}
        added = [one for one in in_file if one["name"] not in known]
        wanted[key] += added
        stay |= {one["name"] for one in added}
    gone = {number for number, one in enumerate(in_file) if one["name"] not in stay}
    return _without_tables(text, key, gone) if gone else text


def _without_tables(text: str, key: str, gone: set[int]) -> str:
    """The text without those tables of a list, what belongs to them, and the comments right above
    them."""
    lines = text.splitlines(keepends=True)
    keep: list[str] = []
    drop, seen = False, -1
    for number, line in enumerate(lines):
        if header := HEADER.match(line):
            begins = len(keep)
            name = header.group(2).strip("\"'")
            if header.group(1) == "[[" and name == key:
                seen += 1
                now = seen in gone
            else:
                now = drop and name.startswith(f"{key}.")
            above = _comment_above(lines, number)
            if now and not drop:
                del keep[begins - len(above) :]
            elif drop and not now:
                keep += above
            drop = now
        if not drop:
            keep.append(line)
    shorter = "".join(keep)
    expected = tomllib.loads(text)
    expected[key] = [one for n, one in enumerate(expected.get(key, [])) if n not in gone]
    try:
        same = {key: [], **tomllib.loads(shorter)} == expected
    except tomllib.TOMLDecodeError:
        same = False
    return shorter if same else text  # brackets inside a long string mislead


def _comment_above(lines: list[str], number: int) -> list[str]:
    first = number
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return lines[first:number]


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
    table: TOMLDocument | Table,
    wanted: dict[str, Any],
    defaults: dict[str, Any],
    was: dict[str, Any] | None = None,
) -> None:
    from tomlkit.items import Table

    for key in [key for key in table if key not in wanted]:
        if was is None or key in was:
            del table[key]
    for key, value in wanted.items():
        default = defaults.get(key)
        if was is not None and key in was and was[key] == value:
            continue
        if isinstance(value, dict):
            if key in table and isinstance(table[key], Table):
                _update(table[key], value, default or {}, was[key] if was else None)
            elif value != default:
                usual = default or {}
                table[key] = {k: v for k, v in value.items() if v != usual.get(k)}
        elif key in _NAMED:
            _update_tables(table, key, value, was[key] if was else [])
        elif key in table:
            present = _unwrapped(table[key])
            if isinstance(value, list) and isinstance(present, list):
                present = sorted(map(str, present))  # a set has no order of its own
            if present != value:
                table[key] = value
        elif value != default:
            table[key] = value


def _update_tables(
    document: TOMLDocument | Table,
    key: str,
    wanted: list[dict[str, Any]],
    was: list[dict[str, Any]],
) -> None:
    """Those that stay keep their place and their comments."""
    import tomlkit
    from tomlkit.items import AoT

    present = document.get(key)
    if not wanted:
        if present is not None:
            del document[key]
        return
    array = present if isinstance(present, AoT) else tomlkit.aot()
    known = {str(one["name"]): one for one in array}
    former = {one["name"]: one for one in was}
    names = [one["name"] for one in wanted]
    if list(known) != names[: len(known)]:  # another order: they are put down anew
        array = tomlkit.aot()
    default = _plain(_NAMED[key].model_construct())
    if key == "tiers":
        default["control"] = _plain(ControlSettings())
    for number, fields in enumerate(wanted):
        one = known.get(fields["name"], tomlkit.table())
        written = {k: v for k, v in fields.items() if k in one or v != default.get(k)}
        _update(one, written, default, former.get(fields["name"]))
        if number >= len(array):
            array.append(one)
    if array is not present:
        document[key] = array


def _unwrapped(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item
