"""Settings on disk: TOML that a person edits. Their comments and order survive a save."""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr, ValidationError

from strixdesk.core.errors import SettingsError
from strixdesk.settings import Loaded, Settings
from strixdesk.settings_explain import HEADER, explain

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table


def load(path: Path) -> Loaded:
    """Never raises: a file that cannot be used is left as it is, and explained."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except FileNotFoundError:
        return Loaded(Settings(), path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return _unusable(path, f"could not be read: {why}")
    try:
        return Loaded(Settings.model_validate(tomllib.loads(text)), path)
    except tomllib.TOMLDecodeError as error:
        return _unusable(path, f"is not valid TOML: {error}")
    except RecursionError:
        return _unusable(path, "is not valid TOML: its brackets are nested too deeply")
    except ValidationError as error:
        return _unusable(path, explain(error, text))


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
        in_file = tomllib.loads(text).get("tiers", [])
        if was is None or was["tiers"] != wanted["tiers"]:
            stay = {tier["name"] for tier in wanted["tiers"]}
            if was is not None:  # tiers that a person has added to the file since
                known = stay | {tier["name"] for tier in was["tiers"]}
                added = [tier for tier in in_file if tier["name"] not in known]
                wanted["tiers"] += added
                stay |= {tier["name"] for tier in added}
            gone = {number for number, tier in enumerate(in_file) if tier["name"] not in stay}
            text = _without_tiers(text, gone)
        document = tomlkit.parse(text)
        _update(document, wanted, _plain(Settings()), was)
        _write(path, tomlkit.dumps(document))
    except OSError as error:
        raise SettingsError(
            f"The settings could not be saved to {path}: {error.strerror}.",
            "They hold until StrixDesk ends.",
        ) from error


def _without_tiers(text: str, gone: set[int]) -> str:
    """The text without those `[[tiers]]` tables. A comment right above a table goes with it."""
    lines = text.splitlines(keepends=True)
    keep: list[str] = []
    drop, seen = False, -1
    for number, line in enumerate(lines):
        if header := HEADER.match(line):
            begins = len(keep)
            if header.group(1) == "[[" and header.group(2).strip("\"'") == "tiers":
                seen += 1
                now = seen in gone
            else:
                now = False
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
    expected["tiers"] = [t for n, t in enumerate(expected.get("tiers", [])) if n not in gone]
    try:
        same = {"tiers": [], **tomllib.loads(shorter)} == expected
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
                changed = {k: v for k, v in value.items() if v != (default or {}).get(k)}
                table[key] = changed
        elif key == "tiers":
            _update_tiers(table, value, was["tiers"] if was else [])
        elif key in table:
            present = _unwrapped(table[key])
            if isinstance(value, list) and isinstance(present, list):
                present = sorted(map(str, present))  # a set has no order of its own
            if present != value:
                table[key] = value
        elif value != default:
            table[key] = value


def _update_tiers(
    document: TOMLDocument | Table, wanted: list[dict[str, Any]], was: list[dict[str, Any]]
) -> None:
    """Those that stay keep their place and their comments."""
    import tomlkit
    from tomlkit.items import AoT

    present = document.get("tiers")
    if not wanted:
        if present is not None:
            del document["tiers"]
        return
    array = present if isinstance(present, AoT) else tomlkit.aot()
    known = {str(one["name"]): one for one in array}
    former = {tier["name"]: tier for tier in was}
    names = [tier["name"] for tier in wanted]
    if list(known) != names[: len(known)]:  # another order: they are put down anew
        array = tomlkit.aot()
    for number, fields in enumerate(wanted):
        one = known.get(fields["name"], tomlkit.table())
        written = {k: v for k, v in fields.items() if v or k != "role" or k in one}
        _update(one, written, {}, former.get(fields["name"]))
        if number >= len(array):
            array.append(one)
    if array is not present:
        document["tiers"] = array


def _unwrapped(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _write(path: Path, text: str) -> None:
    target = path.resolve()  # a link to a dotfiles folder stays a link
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=target.parent, delete=False, encoding="utf-8"
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
