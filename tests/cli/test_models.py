"""`strixdesk models`, run as a person runs it, on a catalogue of its own."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from strixdesk.cli import models
from strixdesk.cli.context import CommandContext
from strixdesk.core.catalogue import CatalogueModel, ModelFile, ModelKind
from strixdesk.core.errors import ModelError
from strixdesk.paths import Paths
from strixdesk.settings import Loaded, ModelsSettings, Settings
from tests.support.file_server import Fault, FileServer, serving

WEIGHTS = bytes(range(256)) * 400
CONFIG = b"{}"
CATALOGUE = tuple(
    CatalogueModel(
        name,
        kind,
        "en",
        "someone/models",
        "b" * 40,
        tuple(
            ModelFile(f"{name}/{file}", len(content), hashlib.sha256(content).hexdigest())
            for file, content in files.items()
        ),
        rank=1,
        note="for tests",
    )
    for name, kind, files in (
        ("small", ModelKind.RECOGNISER, {"model.bin": WEIGHTS, "config.json": CONFIG}),
        ("en_XX-anna-low", ModelKind.VOICE, {"v.onnx": WEIGHTS, "v.onnx.json": CONFIG}),
    )
)
FILES = {
    f"/someone/models/resolve/{'b' * 40}/{file.path}": (
        CONFIG if file.path.endswith(".json") else WEIGHTS
    )
    for model in CATALOGUE
    for file in model.files
}


@pytest.fixture
def server() -> Iterator[FileServer]:
    """On a thread of its own: the command runs its own event loop."""
    started: Future[FileServer] = Future()
    loop = asyncio.new_event_loop()
    leave = asyncio.Event()

    async def serve() -> None:
        async with serving(dict(FILES)) as running:
            started.set_result(running)
            await leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield started.result(timeout=60)
    loop.call_soon_threadsafe(leave.set)
    thread.join(timeout=60)
    loop.close()


def strixdesk(data_dir: Path, *argv: str, mirror: str = "http://nowhere.invalid") -> int:
    parser = argparse.ArgumentParser()
    models.add_parser(parser.add_subparsers(), CATALOGUE)
    arguments = parser.parse_args(["models", *argv])
    paths = Paths.standard(data_dir / "strixdesk.toml", data_dir)
    settings = Settings(models=ModelsSettings(mirror=mirror))
    status = arguments.run(arguments, CommandContext(paths, Loaded(settings, paths.config_file)))
    assert isinstance(status, int)
    return status


def states(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    strixdesk(data_dir, "list", "--json")
    listed: Sequence[dict[str, str]] = json.loads(capsys.readouterr().out)["models"]
    return {row["name"]: row["state"] for row in listed}


def test_the_list_names_every_model_with_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strixdesk(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "LANGUAGE", "SIZE", "INSTALLED"]
    assert lines[1].split()[:6] == ["small", "recogniser", "en", "0", "MB", "no"]
    assert str(tmp_path / "models") in lines[-1]


def test_a_model_goes_from_absent_to_installed_to_removed(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(tmp_path, capsys) == {"small": "no", "en_XX-anna-low": "no"}
    assert strixdesk(tmp_path, "get", "small", "anna", mirror=server.url) == 0
    said = capsys.readouterr()
    assert f"small is ready in {tmp_path / 'models' / 'recognisers' / 'small'}." in said.out
    assert "small: 100 %" in said.err
    assert states(tmp_path, capsys) == {"small": "installed", "en_XX-anna-low": "installed"}
    assert strixdesk(tmp_path, "remove", "small") == 0
    assert states(tmp_path, capsys) == {"small": "no", "en_XX-anna-low": "installed"}


def test_progress_is_plain_lines_without_a_terminal(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strixdesk(tmp_path, "get", "small", mirror=server.url)
    progress = capsys.readouterr().err
    assert "\r" not in progress
    assert progress.splitlines()[-1].startswith("small: 100 %")


def test_the_mirror_of_the_command_line_wins(server: FileServer, tmp_path: Path) -> None:
    assert strixdesk(tmp_path, "get", "small", "--mirror", server.url) == 0
    assert len(server.requests) == 2


def test_a_damaged_model_is_shown_as_such_and_mended_by_get(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strixdesk(tmp_path, "get", "small", mirror=server.url)
    (tmp_path / "models" / "recognisers" / "small" / "model.bin").write_bytes(b"cut")
    assert states(tmp_path, capsys)["small"] == "damaged"
    strixdesk(tmp_path, "get", "small", mirror=server.url)
    assert states(tmp_path, capsys)["small"] == "installed"


def test_a_failed_fetch_installs_nothing(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = [Fault(status=404)]
    with pytest.raises(ModelError, match="The server has no"):
        strixdesk(tmp_path, "get", "small", mirror=server.url)
    assert states(tmp_path, capsys)["small"] == "no"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("get", "nonsense"), 'no recogniser or voice called "nonsense"'),
        (("remove", "nonsense"), 'no recogniser or voice called "nonsense"'),
        (("remove", "small"), "was never fetched"),
        (("get", "small", "--mirror", "ftp://x"), "is not the address of a mirror"),
    ],
)
def test_mistakes_are_explained(argv: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        strixdesk(tmp_path, *argv)
    assert caught.value.advice


def test_own_files_are_listed_and_never_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "models" / "recognisers" / "mine"
    own.mkdir(parents=True)
    (own / "model.bin").write_bytes(b"weights")
    (own / "config.json").write_bytes(b"{}")
    assert states(tmp_path, capsys)["mine"] == "installed"
    with pytest.raises(ModelError, match="files of your own"):
        strixdesk(tmp_path, "remove", "mine")
    assert (own / "model.bin").exists()


def test_a_name_with_dots_cannot_reach_outside(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no recogniser or voice"):
        strixdesk(tmp_path, "remove", "../..")
    assert tmp_path.exists()
