"""The command line as its users meet it: exit statuses and sentences, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from strixdesk import __version__
from strixdesk.__main__ import main as program
from strixdesk.cli.main import main


def strixdesk(
    *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Without a screen, on a data folder and a settings file of its own."""
    (folder / "strixdesk.toml").touch()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    return subprocess.run(
        [
            *(sys.executable, "-m", "strixdesk", "--data-dir", str(folder / "data")),
            *("--config", str(folder / "strixdesk.toml"), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**kept, **environment},
        cwd=folder,
        check=False,
    )


def test_given_version_then_it_is_all_that_is_printed(tmp_path: Path) -> None:
    done = strixdesk("--version", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"strixdesk {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["config", "path"], ["ask", "Hello"], ["tiers"]])
def test_given_a_named_settings_file_that_is_not_there_then_nothing_is_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    file = tmp_path / "my other.toml"
    common = ["--config", str(file), "--data-dir", str(tmp_path / "data")]

    assert main([*common, *arguments]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"There is no settings file {file}." in shown.err
    assert f"`touch '{file}'`" in shown.err
    assert not (tmp_path / "data").exists()


def test_given_a_settings_file_in_no_folder_then_the_way_to_make_it_makes_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "strixdesk.toml"
    command = ["--config", str(file), "--data-dir", str(tmp_path / "data"), "config", "check"]
    assert main(command) == 2
    _, advised, _ = capsys.readouterr().err.split("`")

    subprocess.run(["sh", "-c", advised], check=True)

    assert main(command) == 0


def test_given_no_settings_file_in_the_usual_place_then_the_defaults_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["--data-dir", str(tmp_path / "data"), "config", "check"]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("; the defaults hold.\n")
    assert shown.err == ""


def test_given_help_then_every_command_is_named(tmp_path: Path) -> None:
    done = strixdesk("--help", folder=tmp_path)
    assert done.returncode == 0
    commands = ["ask", "transcribe", "say", "tiers", "route", "models", "config", "doctor"]
    assert [name for name in commands if name not in done.stdout] == []
    assert "Without a command, the desktop app starts" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["sing"], ["--loud"], ["config"], ["config", "burn"], ["say"], ["ask", "--tier"]]
)
def test_given_a_wrong_command_line_then_the_status_is_2(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = strixdesk(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("strixdesk")
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_given_no_screen_then_one_sentence_says_what_to_run_instead(tmp_path: Path) -> None:
    done = strixdesk(folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "no screen" in line
    assert "strixdesk ask" in line


@pytest.mark.parametrize("command", [["ask", "--audio"], ["transcribe"]])
def test_given_a_recording_that_is_not_there_then_a_sentence_says_so(
    tmp_path: Path, command: list[str]
) -> None:
    done = strixdesk(*command, "gone.wav", folder=tmp_path)
    assert done.returncode == 1
    assert "There is no file gone.wav" in done.stderr
    assert "Traceback" not in done.stderr


def test_given_nothing_to_ask_then_a_sentence_says_so(tmp_path: Path) -> None:
    done = strixdesk("ask", "  ", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "strixdesk: There is nothing to ask. Give a text, or a recording with --audio.\n"
    )


def test_given_a_place_that_takes_no_sound_then_nothing_is_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        (tmp_path / "strixdesk.toml").write_text(
            f'[starter]\nenabled = "never"\n[[tiers]]\nname = "x"\nbase_url = "{address}"\n'
        )
        done = strixdesk("ask", "Hello", "--speak", "nowhere/out.wav", folder=tmp_path)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert done.returncode == 1
    assert "nowhere/out.wav (No such file or directory)" in done.stderr
    assert not (tmp_path / "data" / "history.sqlite3").exists()


def test_given_a_picture_that_is_none_then_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "strixdesk.toml").write_text(
        '[starter]\nenabled = "never"\n[[tiers]]\nname = "x"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    done = strixdesk("ask", "What is this?", "--image", "notes.txt", folder=tmp_path)
    assert done.returncode == 1
    assert "notes.txt is not a picture that can be sent." in done.stderr
    assert "Traceback" not in done.stderr


def test_given_broken_settings_then_a_command_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "strixdesk.toml").write_text("[voice]\nspeed = 9\n")
    done = strixdesk("config", "show", folder=tmp_path)
    assert done.returncode == 0
    assert "speed = 1.0" in done.stdout
    assert "line 2 (voice.speed)" in done.stderr


def test_given_broken_settings_then_no_box_is_told_to_be_none_without_the_reason(
    tmp_path: Path,
) -> None:
    (tmp_path / "strixdesk.toml").write_text("boxes = 3\n")
    done = strixdesk("box", "--json", folder=tmp_path)
    assert json.loads(done.stdout) == {"boxes": []}
    assert "line 1 (boxes)" in done.stderr


def test_given_json_is_asked_for_then_a_failure_is_json_too(tmp_path: Path) -> None:
    done = strixdesk("stack", "up", "gpu", "--json", folder=tmp_path)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["error"] == "No box is configured."
    assert "[[boxes]]" in told["advice"]
    assert done.stderr == f"strixdesk: {told['error']} {told['advice']}\n"


def test_given_a_box_that_cannot_be_read_then_its_tiers_are_not_just_missing(
    tmp_path: Path,
) -> None:
    (tmp_path / "strixdesk.toml").write_text(
        '[starter]\nenabled = "never"\n[[boxes]]\nname = "desk"\nstack = "/nowhere"\n'
    )
    done = strixdesk("tiers", "--json", folder=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["tiers"], list(told["problems"])) == (1, [], ["desk"])
    assert done.stderr == f"strixdesk: desk: {told['problems']['desk']}\n"
    assert "No tier is configured" not in strixdesk("tiers", folder=tmp_path).stdout
    assert told["problems"]["desk"] in strixdesk("tiers", "start", "coder", folder=tmp_path).stderr


def test_given_a_terminal_without_unicode_then_what_it_lacks_is_a_question_mark(
    tmp_path: Path,
) -> None:
    (tmp_path / "strixdesk.toml").write_text('[[boxes]]\nname = "Stück"\nstack = "/nowhere"\n')
    done = strixdesk("box", folder=tmp_path, PYTHONIOENCODING="ascii")
    assert done.stdout.startswith("St?ck  this machine\n")
    assert "Traceback" not in done.stderr


def test_given_an_interrupt_then_the_status_is_130_and_there_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(argv: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["strixdesk.cli.main"], "main", interrupted)
    monkeypatch.setattr(sys, "argv", ["strixdesk", "tiers"])
    assert program() == 130
    assert capsys.readouterr().err == "strixdesk: stopped.\n"


def test_given_a_worker_that_there_is_none_of_then_the_status_is_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "strixdesk", "--worker", "cook"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "strixdesk --worker: no such worker: cook\n")


def test_given_a_reader_that_has_seen_enough_then_nothing_is_complained_about(
    tmp_path: Path,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "strixdesk", "--data-dir", str(tmp_path), "models", "list"],
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")
