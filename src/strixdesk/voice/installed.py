"""Which recognisers and voices are on this computer, and where.

A model counts as installed when every file is there with its expected size: hashes are checked
once, when it is fetched. The starter kit's packages are found without importing them.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from strixdesk.core.catalogue import (
    CATALOGUE,
    CatalogueModel,
    ModelKind,
    find_model,
    kind_folder,
    speaks,
)
from strixdesk.core.errors import ModelError

STARTER = "starter kit"
FETCHED = "fetched"
OWN = "own files"
_RECOGNISER_FILES = ("model.bin", "config.json")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    name: str
    kind: ModelKind
    path: Path
    """A recogniser's folder, or a voice's .onnx file."""
    language: str
    """As in the catalogue; empty for files of the user's own."""
    size_bytes: int
    where: str
    """`fetched`, `starter kit` or `own files`."""
    rank: int


def installed_recognisers(
    models_dir: Path, catalogue: tuple[CatalogueModel, ...] = CATALOGUE
) -> list[InstalledModel]:
    """Complete ones only, best first."""
    return _installed(ModelKind.RECOGNISER, models_dir, catalogue)


def installed_voices(
    models_dir: Path, catalogue: tuple[CatalogueModel, ...] = CATALOGUE
) -> list[InstalledModel]:
    """Complete ones only, best first."""
    return _installed(ModelKind.VOICE, models_dir, catalogue)


def find_recogniser(choice: str, models_dir: Path, language: str = "") -> Path:
    """The folder to load: `choice` is a name, a folder, or `auto` for the best installed one that
    knows `language`. Raises ModelError."""
    return _find(ModelKind.RECOGNISER, choice, models_dir, language)


def find_voice(choice: str, models_dir: Path, language: str = "") -> Path:
    """The .onnx file to load (its .onnx.json lies beside it): `choice` is a name, a path, or
    `auto`. Raises ModelError."""
    return _find(ModelKind.VOICE, choice, models_dir, language)


def _installed(
    kind: ModelKind, models_dir: Path, catalogue: tuple[CatalogueModel, ...]
) -> list[InstalledModel]:
    found: dict[str, InstalledModel] = {}
    for model in catalogue:
        if model.kind is kind:
            for folder, where in _places(model, models_dir):
                if model.name not in found and complete(model, folder):
                    found[model.name] = InstalledModel(
                        model.name, kind, _entrance(kind, model, folder), model.language,
                        model.size_bytes, where, model.rank,
                    )  # fmt: skip
    listed = {model.name for model in catalogue}
    parent = kind_folder(kind, models_dir)
    for folder in sorted(parent.iterdir()) if parent.is_dir() else []:
        if folder.name not in listed and not folder.name.startswith("."):
            own = _own(kind, folder)
            if own is not None:
                found[folder.name] = own
    return sorted(found.values(), key=lambda model: (-model.rank, model.name))


def complete(model: CatalogueModel, folder: Path) -> bool:
    """Every file is there, with its expected size."""
    return not _lacking(model, folder)


def _lacking(model: CatalogueModel, folder: Path) -> list[str]:
    lacking = []
    for file in model.files:
        try:
            if (folder / file.name).stat().st_size != file.size_bytes:
                lacking.append(file.name)
        except OSError:
            lacking.append(file.name)
    return lacking


def _places(model: CatalogueModel, models_dir: Path) -> list[tuple[Path, str]]:
    places = [(model.folder(models_dir), FETCHED)]
    if model.starter is not None:
        spec = importlib.util.find_spec(model.starter.module)
        places.extend(
            (Path(location) / model.starter.folder, STARTER)
            for location in (spec.submodule_search_locations if spec else None) or ()
        )
    return places


def _entrance(kind: ModelKind, model: CatalogueModel, folder: Path) -> Path:
    if kind is ModelKind.RECOGNISER:
        return folder
    return next(folder / file.name for file in model.files if file.name.endswith(".onnx"))


def _own(kind: ModelKind, folder: Path) -> InstalledModel | None:
    """A model that the user put there, by its files alone."""
    if kind is ModelKind.RECOGNISER:
        entrance = folder if _is_recogniser(folder) else None
    else:
        entrance = next(filter(_is_voice, sorted(folder.glob("*.onnx"))), None)
    if entrance is None:
        return None
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return InstalledModel(folder.name, kind, entrance, "", size, OWN, rank=1)


def _is_recogniser(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _RECOGNISER_FILES)


def _is_voice(file: Path) -> bool:
    return file.is_file() and file.with_name(f"{file.name}.json").is_file()


def _find(kind: ModelKind, choice: str, models_dir: Path, language: str) -> Path:
    installed = _installed(kind, models_dir, CATALOGUE)
    if choice == "auto":
        for model in installed:
            if speaks(model.language, language):
                return model.path
        raise ModelError(
            f"There is no {kind.value} on this computer"
            + (f' for the language "{language}".' if installed else "."),
            f'Run "strixdesk models get {_suggestion(kind, language)}".',
        )
    listed = find_model(choice)
    name = listed.name if listed is not None else choice
    for model in installed:
        if model.name == name:
            return model.path
    if listed is not None and listed.kind is kind:
        folder = listed.folder(models_dir)
        lacking = _lacking(listed, folder)
        if folder.is_dir():
            raise ModelError(
                f'The {kind.value} "{name}" is damaged: {", ".join(lacking)} in {folder} '
                f"{'is' if len(lacking) == 1 else 'are'} missing or cut short.",
                f'Run "strixdesk models get {name}" to mend it.',
            )
        raise ModelError(
            f'The {kind.value} "{name}" is not on this computer.',
            f'Run "strixdesk models get {name}".',
        )
    return _by_path(kind, choice)


def _by_path(kind: ModelKind, choice: str) -> Path:
    path = Path(choice).expanduser()
    good = _is_recogniser(path) if kind is ModelKind.RECOGNISER else _is_voice(path)
    if good:
        return path
    wanted = (
        "a folder with model.bin and config.json"
        if kind is ModelKind.RECOGNISER
        else "an .onnx file with its .onnx.json beside it"
    )
    if path.exists():
        raise ModelError(f"{path} is not a {kind.value}.", f"It takes {wanted}.")
    raise ModelError(
        f'There is no {kind.value} called "{choice}".',
        f'Run "strixdesk models list" for the names, or give the path of {wanted}.',
    )


def _suggestion(kind: ModelKind, language: str) -> str:
    """What to fetch first for a language."""
    if kind is ModelKind.RECOGNISER:
        return "base.en" if language.lower()[:2] in ("", "en") else "base"
    fitting = [
        model
        for model in CATALOGUE
        if model.kind is kind and speaks(model.language, language or "en")
    ]
    return max(fitting, key=lambda model: model.rank).name if fitting else "en_US-lessac-medium"
