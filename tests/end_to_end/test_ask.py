"""`strixdesk ask` as a person runs it: real engines, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strixdesk.backends.starter import find_starter_model
from tests.support.colour_projector import make_colour_projector
from tests.support.llama import LlamaServer, start_llama
from tests.support.pictures import flat_png

pytestmark = pytest.mark.engine


def strixdesk(
    data_dir: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "strixdesk", "--data-dir", str(data_dir), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "XDG_CONFIG_HOME": str(data_dir), **environment},
        check=False,
    )


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c.isspace() else " " for c in text.lower()).split()


def test_given_no_box_and_no_settings_then_a_recorded_voice_is_heard_and_answered_aloud(
    tmp_path: Path, human_speech: Path
) -> None:
    spoken = tmp_path / "answer.wav"
    done = strixdesk(
        tmp_path, "ask", "--audio", str(human_speech), "--speak", str(spoken), "--json"
    )
    result = report(done)

    # The smallest of models may ramble up to its limit; then it must not be called complete.
    assert result["status"] in ("complete", "incomplete"), done.stderr
    assert done.returncode == (0 if result["status"] == "complete" else 1)
    assert words(result["transcript"]) == words(
        "And so, my fellow Americans, ask not what your country can do for you, "
        "ask what you can do for your country."
    )
    assert result["tier"] == "This computer"
    assert result["text"]
    assert result["usage"]["completion_tokens"] > 0
    assert "length limit" in result.get("error", "length limit")
    assert set(result["timings_ms"]) == {"stt", "route", "ttft", "first_audio", "total"}
    assert all(value is not None for value in result["timings_ms"].values())
    with wave.open(str(spoken)) as sound:
        assert sound.getnframes() / sound.getframerate() > 0.3


def test_given_what_it_says_then_it_hears_the_same_words(tmp_path: Path) -> None:
    spoken = tmp_path / "said.wav"
    text = "The quick brown fox jumps over the lazy dog."
    said = strixdesk(tmp_path, "say", text, "--out", str(spoken))
    assert said.returncode == 0, said.stderr
    heard = strixdesk(tmp_path, "transcribe", str(spoken), "--json")
    assert words(report(heard)["text"]) == words(text)


@pytest.fixture(scope="module")
def seeing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A real llama-server with a real projector, which knows flat colours."""
    model = find_starter_model()
    assert model is not None
    projector = tmp_path_factory.mktemp("eyes") / "mmproj-colour.gguf"
    server = start_llama(alias="seer", projector=make_colour_projector(model, projector))
    yield server
    server.close()


def settings_for(server: LlamaServer, folder: Path) -> Path:
    """The two lines of the README, and answers that are the same each time."""
    file = folder / "settings.toml"
    file.write_text(
        f'[chat]\nsystem_prompt = ""\ntemperature = 0.0\n\n'
        f'[[tiers]]\nname = "utility"\nbase_url = "{server.base_url}"\n'
    )
    return file


def test_given_a_configured_llama_server_then_a_recorded_voice_is_answered_by_it(
    tmp_path: Path, human_speech: Path, seeing_server: LlamaServer
) -> None:
    config = settings_for(seeing_server, tmp_path)
    done = strixdesk(
        tmp_path, "--config", str(config), "ask", "--audio", str(human_speech), "--json"
    )
    result = report(done)

    assert done.returncode == 0, done.stderr
    assert (result["tier"], result["model"], result["status"]) == ("utility", "seer", "complete")
    assert "country" in result["transcript"]
    assert result["timings_ms"]["first_audio"] is None, "nothing was to be spoken"


@pytest.mark.parametrize(
    ("colour", "rgb"), [("red", (255, 0, 0)), ("blue", (0, 0, 255)), ("yellow", (255, 255, 0))]
)
def test_given_a_picture_then_a_tier_with_vision_really_looks_at_it(
    tmp_path: Path, seeing_server: LlamaServer, colour: str, rgb: tuple[int, int, int]
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(flat_png(rgb))
    config = settings_for(seeing_server, tmp_path)
    done = strixdesk(
        tmp_path,
        *("--config", str(config), "ask", "The picture is what colour?"),
        *("--image", str(picture), "--json"),
    )
    result = report(done)

    assert done.returncode == 0, done.stderr
    assert colour in result["text"].lower()
    assert "picture" in result["reason"]


def test_given_a_recording_that_is_cut_off_then_that_is_told_and_the_rest_is_answered(
    tmp_path: Path, human_speech: Path, seeing_server: LlamaServer
) -> None:
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    subprocess.run(["sox", str(human_speech), "-b", "16", str(whole)], check=True)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 11])
    warning = f"{cut} says it holds 11.0 s, 6.0 s are there: the recording is cut off"
    config = settings_for(seeing_server, tmp_path)

    asked = strixdesk(tmp_path, "--config", str(config), "ask", "--audio", str(cut), "--json")
    heard = strixdesk(tmp_path, "transcribe", str(cut), "--json")

    assert heard.returncode == 0
    for done in (asked, heard):
        assert done.stderr.startswith(f"strixdesk: {warning}")
        assert report(done)["warning"].startswith(warning)
    assert "fellow americans" in report(asked)["transcript"].lower()
    assert report(asked)["text"]


def test_given_a_recording_of_silence_then_it_is_said_that_no_speech_was_heard(
    tmp_path: Path,
) -> None:
    silence = tmp_path / "silence.wav"
    subprocess.run(
        ["sox", "-n", "-r", "16000", "-b", "16", str(silence), "trim", "0", "2"], check=True
    )
    told = "strixdesk: No speech was heard.\n"

    done = strixdesk(tmp_path, "transcribe", str(silence))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)

    done = strixdesk(tmp_path, "transcribe", str(silence), "--json")
    assert (done.returncode, done.stderr) == (1, told)
    assert (report(done)["text"], report(done)["error"]) == ("", "No speech was heard.")


def test_given_a_picture_and_no_tier_that_sees_then_it_is_said_and_nothing_is_asked(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(flat_png((255, 0, 0)))
    done = strixdesk(tmp_path, "ask", "What is this?", "--image", str(picture), "--json")
    result = report(done)

    assert done.returncode == 1
    assert result["status"] == "failed"
    assert "picture" in result["error"]


def test_given_a_tier_that_refuses_then_the_failure_is_told_and_the_status_is_not_zero(
    tmp_path: Path,
) -> None:
    config = tmp_path / "dead.toml"
    config.write_text('[[tiers]]\nname = "dead"\nbase_url = "http://127.0.0.1:9/v1"\n')
    done = strixdesk(tmp_path, "--config", str(config), "ask", "Hello", "--json")
    result = report(done)

    assert done.returncode == 1
    assert result["status"] == "failed"
    assert "dead" in result["error"]


def test_given_a_place_where_no_sound_can_be_written_then_it_is_said_and_the_status_is_not_zero(
    tmp_path: Path,
) -> None:
    done = strixdesk(tmp_path, "ask", "Say hello.", "--speak", str(tmp_path))
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_given_a_file_that_is_not_sound_then_a_sentence_says_so(tmp_path: Path) -> None:
    wrong = tmp_path / "letter.wav"
    wrong.write_text("Dear reader, this is not a recording.")
    done = strixdesk(tmp_path, "ask", "--audio", str(wrong))

    assert done.returncode == 1
    assert done.stdout == ""
    assert "letter.wav" in done.stderr
    assert "Traceback" not in done.stderr
