"""The whole loop as a person meets it: a real window, real keys, a microphone that is spoken into
and a speaker that is listened to."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.audio import Utterance
from strixdesk.voice.stt import SpeechRecogniser
from tests.support.desktop import Screen, program, screen, wait_for
from tests.support.soundcard import SoundCard, read_wav, write_wav
from tests.support.speech import recogniser_dir, words

pytestmark = [pytest.mark.engine, pytest.mark.sound, pytest.mark.timeout(420)]

QUESTION = Path(__file__).parents[2] / "benchmarks" / "data" / "question.wav"


@pytest.fixture
def desktop() -> Iterator[Screen]:
    with screen() as one:
        yield one


def question(folder: Path) -> Path:
    """It is asked after a moment of silence, in which the program comes to listen."""
    samples, rate_hz = read_wav(QUESTION)
    silence = np.zeros(4 * rate_hz, dtype=np.float32)
    return write_wav(folder / "question.wav", np.concatenate((silence, samples)), rate_hz)


class History:
    """What the program has written, read beside it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "history.sqlite3"

    def messages(self) -> list[tuple[str, str, str]]:
        """Role, text and status, oldest first."""
        if not self._file.exists():
            return []
        with contextlib.closing(
            sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=60)
        ) as db:
            rows: list[tuple[str, str, str]] = db.execute(
                "SELECT role, text, status FROM messages ORDER BY number"
            ).fetchall()
        return rows

    def answered(self) -> bool:
        return [m[2] for m in self.messages() if m[0] == "assistant"][-1:] == ["complete"]


def ready(desktop: Screen, data_dir: Path, start: int = 1) -> None:
    """The window has the focus, and the session is up, for the first time or a later one."""
    log = data_dir / "logs" / "strixdesk.log"
    wait_for(lambda: log.exists() and log.read_text().count("session up") == start, 60)
    desktop.window("StrixDesk")


def children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


async def test_given_a_held_key_and_a_spoken_question_then_it_answers_aloud(
    tmp_path: Path, desktop: Screen, soundcard: SoundCard
) -> None:
    history = History(tmp_path)
    environment = desktop.environment | soundcard.environment
    settings = tmp_path / "strixdesk.toml"
    settings.write_text("[chat]\ntemperature = 0.0\n")  # the same answer each time
    arguments = ("--config", str(settings))
    with program(tmp_path, environment, *arguments), soundcard.hear() as heard:
        ready(desktop, tmp_path)
        log = tmp_path / "logs" / "strixdesk.log"
        desktop.key("keydown", "F9")
        # The first press opens the device; a person speaks when the window says "Listening".
        wait_for(lambda: "open at" in log.read_text(), 60)
        soundcard.speak(question(tmp_path))
        desktop.key("keyup", "F9")
        wait_for(history.answered, 60)
        wait_for(lambda: ": done," in log.read_text(), 30)

    (_, asked, _), (_, answer, _) = history.messages()
    assert words(asked) == words("What is the capital of France? Tell me in one sentence.")
    assert "Paris" in answer
    recogniser = SpeechRecogniser(recogniser_dir(), language="en")
    try:
        transcript = await recogniser.transcribe(Utterance("speaker", heard.samples()))
    finally:
        await recogniser.close()
    assert "paris" in words(transcript.text)
    assert not list((tmp_path / "recordings").glob("*")), "its transcript is stored"
    assert "Paris" not in log.read_text(), "no word of a conversation is in the log"
    assert log.read_text().rstrip().endswith("closed"), "everything was closed, in order"


def test_given_a_window_closed_right_after_it_opened_then_the_program_ends_in_order(
    tmp_path: Path, desktop: Screen
) -> None:
    log = tmp_path / "logs" / "strixdesk.log"
    with program(tmp_path, desktop.environment) as process:
        wait_for(lambda: log.exists() and "session up" in log.read_text(), 60)
        process.terminate()
        assert process.wait(60) == 0
    assert log.read_text().rstrip().endswith("closed")


def test_given_hands_free_then_a_pause_sends_the_question_and_it_listens_again_after(
    tmp_path: Path, desktop: Screen, soundcard: SoundCard
) -> None:
    history = History(tmp_path)
    log = tmp_path / "logs" / "strixdesk.log"
    with program(tmp_path, desktop.environment | soundcard.environment):
        ready(desktop, tmp_path)
        desktop.key("key", "ctrl+m")
        wait_for(lambda: "microphone" in log.read_text(), 60)
        soundcard.speak(question(tmp_path))
        wait_for(lambda: ": done," in log.read_text(), 60)
        # The question once more proves that it listens again, and counts what came between.
        soundcard.speak(question(tmp_path))
        wait_for(lambda: log.read_text().count(": done,") == 2, 60)

    questions = [words(text) for role, text, _ in history.messages() if role == "user"]
    assert questions == [words("What is the capital of France? Tell me in one sentence.")] * 2


def test_given_a_kill_in_mid_answer_then_the_conversation_is_back_and_the_part_is_labelled(
    tmp_path: Path, desktop: Screen, soundcard: SoundCard
) -> None:
    history = History(tmp_path)
    environment = desktop.environment | soundcard.environment
    with program(tmp_path, environment) as process:
        ready(desktop, tmp_path)
        desktop.key("type", "Write a long story about a fox and a hen.")
        desktop.key("key", "Return")
        wait_for(lambda: any(len(m[1]) > 40 for m in history.messages() if m[0] == "assistant"), 60)
        wait_for(lambda: len(children(process.pid)) == 3, 30)  # recogniser, voice and starter
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = history.messages()[1][1]
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 60)

    with program(tmp_path, environment):
        ready(desktop, tmp_path, start=2)
        (_, asked, _), (_, answer, status) = history.messages()
    assert asked == "Write a long story about a fox and a hen."
    assert (answer, status) == (before, "incomplete")


def test_given_a_second_start_then_it_says_so_and_the_first_stays(
    tmp_path: Path, desktop: Screen
) -> None:
    with program(tmp_path, desktop.environment) as first:
        ready(desktop, tmp_path)
        second = subprocess.run(
            [sys.executable, "-m", "strixdesk", "--data-dir", str(tmp_path)],
            env=os.environ | desktop.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 0
        assert "open already" in second.stdout
        assert first.poll() is None


def test_given_no_screen_then_one_sentence_says_what_to_run_instead(tmp_path: Path) -> None:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-m", "strixdesk", "--data-dir", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "strixdesk ask" in done.stderr
