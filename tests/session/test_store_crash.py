"""What is left of a conversation when its program is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import Message, MessageStatus, Recording, Role
from strixdesk.core.events import MessageChanged
from strixdesk.session.leftovers import recover_recordings
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from strixdesk.session.store_file import CUT_BY_END
from tests.session.conftest import Stage
from tests.support.eventually import eventually
from tests.support.fakes import FakeTiers, ScriptedChat
from tests.support.scripted_boxes import TIERS, ScriptedBoxes

ROOT = Path(__file__).parents[2]
Child = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Starts `streaming_child.py` on the test's folder; whatever still runs is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.session.streaming_child", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        killed(process)
        assert process.stdout is not None
        process.stdout.close()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


async def opened(folder: Path) -> HistoryStore:
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    return store


async def test_given_kill_9_in_mid_answer_then_all_but_a_blink_of_it_is_back(
    child: Child, tmp_path: Path
) -> None:
    process = child("answer", str(tmp_path))
    said = lines(process)
    began = next(said).strip()
    words = [began]
    while float(words[-1]) <= float(began) + 1.5:
        words.append(next(said).strip())
    killed(process)

    store = await opened(tmp_path)
    (summary,) = await store.conversations()
    question, answer = (await store.conversation(summary.id)).messages
    await store.close()
    assert summary.title == "What time is it?"
    assert (question.text, question.status) == ("What time is it?", MessageStatus.COMPLETE)
    assert (answer.status, answer.detail) == (MessageStatus.INCOMPLETE, CUT_BY_END)
    back = answer.text.split()
    assert back[: len(words)] == words[: len(back)]
    # At most a hundred words a second; counted, since a machine that stands still says none.
    assert len(words) - len(back) < 60, "an answer is written at least four times a second"


async def test_given_a_killed_answer_then_its_words_are_found(child: Child, tmp_path: Path) -> None:
    process = child("answer", str(tmp_path))
    said = lines(process)
    began = next(said).strip()
    next(line for line in said if float(line) > float(began) + 1.0)
    killed(process)

    store = await opened(tmp_path)
    found = await store.search(began)
    await store.close()
    assert len(found) == 1


async def test_given_another_living_process_then_its_open_message_is_left_alone(
    child: Child, tmp_path: Path
) -> None:
    process = child("hold", str(tmp_path))
    next(lines(process))

    store = await opened(tmp_path)
    (held,) = (await store.conversation("c")).messages
    await store.close()
    assert held.status is MessageStatus.STREAMING

    killed(process)
    store = await opened(tmp_path)
    (held,) = (await store.conversation("c")).messages
    await store.close()
    assert held.status is MessageStatus.INCOMPLETE
    assert list((tmp_path / "history.sqlite3-writers").iterdir()) == [], "no lock stays behind"


async def test_given_processes_that_begin_at_once_then_nobody_is_refused(
    child: Child, tmp_path: Path
) -> None:
    writers = [child("write", str(tmp_path), name) for name in ("one", "two", "three")]
    outputs = await asyncio.gather(*(asyncio.to_thread(w.communicate) for w in writers))

    assert [out for out, _ in outputs] == ["done\n"] * 3
    store = await opened(tmp_path)
    counts = {c.id: c.message_count for c in await store.conversations()}
    await store.close()
    assert counts == {"one": 100, "two": 100, "three": 100}


async def test_given_kill_9_in_mid_word_then_the_recording_is_back_as_a_message(
    child: Child, tmp_path: Path
) -> None:
    process = child("record", str(tmp_path))
    assert next(lines(process)) == "said\n"
    file = tmp_path / "recordings" / "spoken.wav"
    # Nothing more comes that would push it to the disk: it goes there by itself.
    await eventually(lambda: file.stat().st_size == 44 + 100 * 1024, within_s=30)
    killed(process)

    recordings = RecordingJournal(tmp_path / "recordings")
    utterance = await recordings.load("spoken")
    assert len(utterance.samples) == 100 * 512, "not a frame is missing"
    store = await opened(tmp_path)
    (summary,) = await recover_recordings(store, recordings)
    (message,) = (await store.conversation(summary.id)).messages
    again = await recover_recordings(store, recordings)
    await recordings.close()
    await store.close()

    assert summary.title == "Recovered recordings"
    assert message.role is Role.USER
    assert message.status is MessageStatus.FAILED
    assert message.recording == Recording("spoken", utterance.duration_s)
    assert again == (), "it is brought back once"


async def after_a_restart(stage: Stage) -> None:
    """The program again, with every tier up."""
    stage.boxes = ScriptedBoxes()
    stage.tiers = FakeTiers(*TIERS)
    stage.chat = ScriptedChat([ChatDelta("Noon."), ChatEnd("stop")])
    await stage.begin()


async def newest_message(stage: Stage) -> Message:
    (summary,) = await stage.session.conversations()
    return (await stage.session.open_conversation(summary.id)).messages[-1]


async def test_given_kill_9_before_the_first_word_of_a_kept_answer_then_it_is_answered_once(
    child: Child, stage: Stage
) -> None:
    process = child("answer-kept", str(stage.folder), "silent")
    assert next(lines(process)) == "asked\n"
    killed(process)

    await after_a_restart(stage)
    await stage.heard.until(
        lambda: any(
            (one.message.text, one.message.status) == ("Noon.", MessageStatus.COMPLETE)
            for one in stage.heard.of(MessageChanged)
        )
    )
    assert (await newest_message(stage)).text == "Noon."
    await stage.session.close()
    await stage.begin()
    assert (await newest_message(stage)).text == "Noon."
    assert [sent[-1].text for _, sent in stage.chat.requests] == ["What time is it?"]


async def test_given_kill_9_in_mid_kept_answer_then_it_is_incomplete_and_not_asked_again(
    child: Child, stage: Stage
) -> None:
    process = child("answer-kept", str(stage.folder), "talking")
    said = lines(process)
    began = float(next(said))
    next(line for line in said if float(line) > began + 1.0)
    killed(process)

    await after_a_restart(stage)
    answer = await newest_message(stage)
    assert (answer.status, answer.detail) == (MessageStatus.INCOMPLETE, CUT_BY_END)
    assert answer.text.startswith(f"{began:.3f}")
    stage.session.begin_continuing(answer.id)
    await stage.heard.until(
        lambda: any(one.message.text.endswith("Noon.") for one in stage.heard.of(MessageChanged))
    )
    assert len(stage.chat.requests) == 1
