"""A disk that is full, and one that has room again: no word is lost in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import Conversation, Message, MessageStatus, Role, Text
from strixdesk.core.errors import AttachmentError, StoreError
from strixdesk.core.events import ConversationChanged, Event, Failed
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.log import ConversationLog
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from tests.session.conftest import Stage
from tests.support.fakes import ScriptedChat, tone
from tests.support.pictures import flat_png


class SmallDisk:
    """Eight megabytes of real file system that can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        assert os.statvfs(self.folder).f_bavail == 0

    def write_protect(self) -> None:
        remount = ["mount", "-o", "remount,ro", str(self.folder)]
        subprocess.run(remount, check=True)

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def message(number: int, words: str = "words " * 5_000) -> Message:
    return Message(f"m{number}", Role.USER, (Text(words),), MessageStatus.COMPLETE, float(number))


async def test_given_a_full_disk_then_messages_wait_in_memory_and_are_written_later(
    disk: SmallDisk,
) -> None:
    store = HistoryStore(disk.folder / "history.sqlite3")
    await store.open()
    events: list[Event] = []
    log = ConversationLog(Conversation("c", ""), store, events.append)
    assert await log.add(message(0))
    disk.fill()
    written = [await log.add(message(number)) for number in range(1, 60)]
    assert not written[-1]
    assert len(log.messages) == 60
    told = [event for event in events if isinstance(event, Failed)]
    assert len(told) == 1, "it is said once, not at every word"
    assert "full" in told[0].message
    assert "kept in memory" in told[0].advice

    disk.free()
    assert await log.add(message(60, "after"))
    assert isinstance(events[-1], ConversationChanged)
    assert events[-1].summary.message_count == 61
    await store.close()
    again = HistoryStore(disk.folder / "history.sqlite3")
    await again.open()
    assert (await again.conversation("c")).messages == log.messages
    await again.close()


async def test_given_a_disk_that_fills_in_mid_answer_then_the_answer_goes_on_in_the_window(
    disk: SmallDisk,
) -> None:
    more = asyncio.Event()
    stage = Stage(disk.folder)
    stage.chat = ScriptedChat(
        [ChatDelta("It begins. "), more, ChatDelta("It ends. " * 20_000), ChatEnd("stop")],
        [ChatDelta("Later."), ChatEnd("stop")],
    )
    session = await stage.begin()
    runner = session.begin_typed("Go on")
    await stage.heard.until(lambda: bool(stage.heard.of(ConversationChanged)))
    disk.fill()
    more.set()
    await session.finished(runner)
    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.COMPLETE
    assert runner.answer.text.endswith("It ends. ")
    assert len(stage.heard.of(Failed)) == 1

    disk.free()
    await session.finished(session.begin_typed("And now?"))
    conversation_id = session.conversation_id
    await session.close()
    again = HistoryStore(disk.folder / "history.sqlite3")
    await again.open()
    stored = (await again.conversation(conversation_id)).messages
    await again.close()
    assert [len(m.text) for m in stored] == [5, len(runner.answer.text), 8, 6]
    assert all(m.status is MessageStatus.COMPLETE for m in stored)


async def test_given_room_again_before_the_end_then_what_waited_is_written_on_the_way_out(
    disk: SmallDisk,
) -> None:
    conversation_id = await told_to_a_full_disk(disk, switch=False)
    again = HistoryStore(disk.folder / "history.sqlite3")
    await again.open()
    stored = (await again.conversation(conversation_id)).messages
    await again.close()
    assert [m.text[:6] for m in stored] == ["Go on", "words "]


async def test_given_another_conversation_opened_meanwhile_then_what_waited_is_not_lost(
    disk: SmallDisk,
) -> None:
    conversation_id = await told_to_a_full_disk(disk, switch=True)
    again = HistoryStore(disk.folder / "history.sqlite3")
    await again.open()
    stored = (await again.conversation(conversation_id)).messages
    await again.close()
    assert [m.text[:6] for m in stored] == ["Go on", "words "]


async def told_to_a_full_disk(disk: SmallDisk, *, switch: bool) -> str:
    """A question whose answer finds no room; then there is room, and the program is closed."""
    stage = Stage(disk.folder)
    stage.chat = ScriptedChat(
        [ChatDelta("words " * 50_000), ChatEnd("stop")], [ChatDelta("Hi."), ChatEnd("stop")]
    )
    session = await stage.begin()
    disk.fill()
    await session.finished(session.begin_typed("Go on"))
    conversation_id = session.conversation_id
    assert stage.heard.of(Failed)
    if switch:
        session.new_conversation()
    disk.free()
    if switch:
        await session.finished(session.begin_typed("Something else"))
    await session.close()
    return conversation_id


async def test_given_a_full_disk_at_the_start_then_a_sentence_says_so(disk: SmallDisk) -> None:
    disk.fill()
    store = HistoryStore(disk.folder / "history.sqlite3")
    with pytest.raises(StoreError, match="is full"):
        await store.open()
    await store.close()


async def test_given_a_full_disk_then_a_recording_is_in_memory_and_written_when_there_is_room(
    disk: SmallDisk,
) -> None:
    recordings = RecordingJournal(disk.folder / "recordings")
    writer = recordings.begin("u1")
    writer.append(tone(1.0))
    await recordings.leftovers()  # the first second is on disk
    disk.fill()
    writer.append(tone(2.0))
    await writer.finish()
    assert writer.problem is not None
    assert "free some space" in writer.problem.advice
    assert (await recordings.load("u1")).duration_s == 3.0

    disk.free()
    await recordings.close()
    assert writer.problem is None
    after = RecordingJournal(disk.folder / "recordings")
    assert (await after.load("u1")).duration_s == 3.0
    await after.close()


async def test_given_a_full_disk_then_a_picture_is_refused_and_nothing_half_is_left(
    disk: SmallDisk,
) -> None:
    pictures = AttachmentStore(disk.folder / "attachments")
    await pictures.add(flat_png((0, 0, 255)))
    disk.fill()
    before = sorted((disk.folder / "attachments").iterdir())
    with pytest.raises(AttachmentError, match="No space left") as caught:
        await pictures.add(flat_png((255, 0, 0)), "red.png")
    assert "red.png" in caught.value.message
    assert caught.value.advice
    assert sorted((disk.folder / "attachments").iterdir()) == before


async def test_given_a_disk_that_became_write_protected_then_a_sentence_says_what_to_do(
    disk: SmallDisk,
) -> None:
    store = HistoryStore(disk.folder / "history.sqlite3")
    await store.open()
    await store.save("c", message(1, "before"))
    await store.close()
    disk.write_protect()
    protected = HistoryStore(disk.folder / "history.sqlite3")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        await protected.open()
    assert "--data-dir" in caught.value.advice
    await protected.close()
