"""`strixdesk models`: list, get and remove recognisers and voices."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from strixdesk.backends.download import Progress, fetch, remove
from strixdesk.cli.context import CommandContext
from strixdesk.core.catalogue import CATALOGUE, CatalogueModel, ModelKind, find_model, kind_folder
from strixdesk.core.errors import ModelError
from strixdesk.voice.installed import (
    OWN,
    STARTER,
    InstalledModel,
    installed_recognisers,
    installed_voices,
)

_PLAIN_LINE_EVERY_S = 5.0


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    catalogue: tuple[CatalogueModel, ...] = CATALOGUE,
) -> None:
    parser = subparsers.add_parser("models", help="list, get or remove recognisers and voices")
    parser.set_defaults(run=run, action="list", json=False, catalogue=catalogue)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    lister = actions.add_parser("list", help="what there is and what is installed")
    lister.add_argument("--json", action="store_true", help="print one JSON object")
    getter = actions.add_parser("get", help="fetch and check; continues where it stopped")
    getter.add_argument("names", nargs="+", metavar="NAME", help="as `strixdesk models list` says")
    getter.add_argument("--mirror", metavar="URL", help="instead of the one in the settings")
    remover = actions.add_parser("remove", help="delete what was fetched")
    remover.add_argument("names", nargs="+", metavar="NAME")


def run(arguments: argparse.Namespace, context: CommandContext) -> int:
    catalogue: tuple[CatalogueModel, ...] = arguments.catalogue
    match arguments.action:
        case "get":
            chosen = [_listed(name, catalogue) for name in arguments.names]
            mirror = arguments.mirror or context.loaded.settings.models.mirror
            if not mirror.startswith(("http://", "https://")):
                raise ModelError(
                    f'"{mirror}" is not the address of a mirror.',
                    "Give one that begins with http:// or https://.",
                )
            asyncio.run(_get(chosen, mirror, context.paths.models_dir))
        case "remove":
            for name in arguments.names:
                _remove(name, catalogue, context.paths.models_dir)
        case _:
            _list(catalogue, context.paths.models_dir, as_json=arguments.json)
    return 0


def _listed(name: str, catalogue: tuple[CatalogueModel, ...]) -> CatalogueModel:
    model = find_model(name, catalogue)
    if model is None:
        raise ModelError(
            f'There is no recogniser or voice called "{name}".',
            'Run "strixdesk models list" for the names.',
        )
    return model


# -- list -----------------------------------------------------------------------------------------


def _list(catalogue: tuple[CatalogueModel, ...], models_dir: Path, *, as_json: bool) -> None:
    installed = {
        model.name: model
        for model in (
            *installed_recognisers(models_dir, catalogue),
            *installed_voices(models_dir, catalogue),
        )
    }
    rows = [_row(model, installed.get(model.name), models_dir) for model in catalogue]
    rows += [_own_row(model) for model in installed.values() if model.where == OWN]
    if as_json:
        print(json.dumps({"models": rows, "folder": str(models_dir)}, ensure_ascii=False))
        return
    table = [("NAME", "KIND", "LANGUAGE", "SIZE", "INSTALLED", "")]
    table += [
        (
            row["name"],
            row["kind"],
            row["language"] or "?",
            _size(row["size_bytes"]),
            row["where"] or row["state"],
            row["note"],
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    for line in table:
        name, kind, language, size, where, note = line
        print(
            f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {language:<{widths[2]}}  "
            f"{size:>{widths[3]}}  {where:<{widths[4]}}  {note}".rstrip()
        )
    print(f"\nFetched models are kept in {models_dir}.")


def _row(
    model: CatalogueModel, installed: InstalledModel | None, models_dir: Path
) -> dict[str, Any]:
    damaged = installed is None and model.folder(models_dir).exists()
    return {
        "name": model.name,
        "kind": model.kind.value,
        "language": model.language,
        "size_bytes": model.size_bytes,
        "state": "installed" if installed else "damaged" if damaged else "no",
        "where": installed.where if installed else None,
        "path": str(installed.path) if installed else None,
        "repo": model.repo,
        "revision": model.revision,
        "note": model.note,
    }


def _own_row(model: InstalledModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind.value,
        "language": model.language,
        "size_bytes": model.size_bytes,
        "state": "installed",
        "where": model.where,
        "path": str(model.path),
        "repo": None,
        "revision": None,
        "note": "",
    }


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


# -- get ------------------------------------------------------------------------------------------


async def _get(chosen: list[CatalogueModel], mirror: str, models_dir: Path) -> None:
    for model in chosen:
        line = _ProgressLine(model.name)
        try:
            folder = await fetch(model, mirror, models_dir, line.show)
        finally:
            line.end()
        print(f"{model.name} is ready in {folder}.")


class _ProgressLine:
    """One line that is rewritten on a terminal; now and then a plain one elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._live = sys.stderr.isatty()
        self._shown_at: float | None = None
        self._on_line = False

    def show(self, progress: Progress) -> None:
        done = progress.done_bytes == progress.total_bytes
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{self._text(progress):<{width}.{width}}", end="", file=sys.stderr, flush=True)
            self._on_line = True
            return
        now = time.monotonic()
        if done or self._shown_at is None or now - self._shown_at >= _PLAIN_LINE_EVERY_S:
            self._shown_at = now
            print(self._text(progress), file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._on_line:
            print(file=sys.stderr)

    def _text(self, progress: Progress) -> str:
        percent = 100 * progress.done_bytes // max(1, progress.total_bytes)
        text = (
            f"{self._name}: {percent} %, {_size(progress.done_bytes)} of "
            f"{_size(progress.total_bytes)}"
        )
        if progress.done_bytes == progress.total_bytes:
            return text
        if progress.left_s is not None:
            text += f", {progress.bytes_per_s / 1e6:.1f} MB/s, {_duration(progress.left_s)} left"
        return text


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


# -- remove ---------------------------------------------------------------------------------------


def _remove(name: str, catalogue: tuple[CatalogueModel, ...], models_dir: Path) -> None:
    model = find_model(name, catalogue)
    if model is None:
        own = [kind_folder(kind, models_dir) / name for kind in ModelKind]
        if any(folder.parent.is_dir() and folder in folder.parent.iterdir() for folder in own):
            raise ModelError(
                f'"{name}" consists of files of your own.',
                f"Delete its folder in {models_dir} yourself if you no longer want it.",
            )
        _listed(name, catalogue)
        return
    freed = remove(model, models_dir)
    if freed:
        print(f"{model.name} was removed; {_size(freed)} are free again.")
        return
    installed = [*installed_recognisers(models_dir, catalogue)]
    installed += installed_voices(models_dir, catalogue)
    if any(found.name == model.name and found.where == STARTER for found in installed):
        raise ModelError(
            f'"{model.name}" belongs to the starter kit.', "It goes when StrixDesk is uninstalled."
        )
    raise ModelError(f'"{model.name}" was never fetched.', "There is nothing to remove.")
