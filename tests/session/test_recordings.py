# ruff: noqa: ASYNC240 — nothing else runs on a test's loop while it looks at a file
"""Utterances on disk until their transcript is stored."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.conversation import Message, MessageStatus, Recording, Role
from strixdesk.core.errors import StoreError
from strixdesk.session.leftovers import recover_recordings
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from tests.support.fakes import tone


async def kept(folder: Path, *utterance_ids: str, seconds: float = 0.5) -> None:
    """Recordings of an earlier run."""
    recordings = RecordingJournal(folder)
    for utterance_id in utterance_ids:
        writer = recordings.begin(utterance_id)
        writer.append(tone(seconds))
        await writer.finish()
    await recordings.close()


async def test_given_a_finished_recording_then_any_player_can_play_it(tmp_path: Path) -> None:
    await kept(tmp_path, "u1", seconds=0.5)
    with wave.open(str(tmp_path / "u1.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 8_000)


async def test_given_a_recording_then_it_is_loaded_as_it_was_said(tmp_path: Path) -> None:
    await kept(tmp_path, "u1")
    recordings = RecordingJournal(tmp_path)
    loaded = await recordings.load("u1")
    await recordings.close()
    assert loaded.id == "u1"
    assert np.abs(loaded.samples - tone(0.5)).max() < 1e-4


async def test_given_sound_beyond_the_scale_then_the_rest_is_kept(tmp_path: Path) -> None:
    recordings = RecordingJournal(tmp_path)
    writer = recordings.begin("u1")
    writer.append(np.array([0.5, np.nan, np.inf, -np.inf, 2.0, -0.5], np.float32))
    await recordings.close()
    loaded = await RecordingJournal(tmp_path).load("u1")
    assert loaded.samples == pytest.approx([0.5, 0.0, 1.0, -1.0, 1.0, -0.5], abs=1e-4)


async def test_given_sound_after_the_end_then_the_recording_stays_whole(tmp_path: Path) -> None:
    recordings = RecordingJournal(tmp_path)
    writer = recordings.begin("u1")
    writer.append(tone(0.5))
    await writer.finish()
    writer.append(tone(0.1))
    await writer.finish()
    await recordings.close()
    after = RecordingJournal(tmp_path)
    assert (await after.load("u1")).duration_s == 0.5


async def test_given_a_discard_while_it_is_still_written_then_no_file_is_left(
    tmp_path: Path,
) -> None:
    recordings = RecordingJournal(tmp_path)
    writer = recordings.begin("u1")
    for _ in range(200):
        writer.append(tone(0.032))
    recordings.discard("u1")
    writer.append(tone(0.032))
    await recordings.close()
    assert list(tmp_path.iterdir()) == []


async def test_given_a_discard_then_others_are_left_alone(tmp_path: Path) -> None:
    await kept(tmp_path, "u1", "u2")
    recordings = RecordingJournal(tmp_path)
    recordings.discard("u1")
    recordings.discard("never")
    assert await recordings.leftovers() == (("u2", 0.5),)
    await recordings.close()


@pytest.mark.parametrize(
    "name", ["../victim", "/etc/victim", "a/b", "..", "", "a\0b", "u1.wav", "x" * 300, "ü"]
)
async def test_given_a_name_that_leads_elsewhere_then_it_is_refused(
    tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim.wav"
    victim.write_bytes(b"mine")
    recordings = RecordingJournal(tmp_path / "recordings")
    with pytest.raises(StoreError):
        recordings.discard(name)
    with pytest.raises(StoreError):
        await recordings.load(name)
    with pytest.raises(StoreError):
        recordings.begin(name)
    await recordings.close()
    assert victim.read_bytes() == b"mine"


async def test_given_a_recording_that_is_gone_then_a_sentence_says_so(tmp_path: Path) -> None:
    recordings = RecordingJournal(tmp_path)
    with pytest.raises(StoreError, match="could not be read"):
        await recordings.load("gone")
    await recordings.close()


async def test_given_a_place_that_cannot_be_written_then_the_sound_is_still_in_memory(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    recordings = RecordingJournal(tmp_path / "file" / "recordings")
    writer = recordings.begin("u1")
    writer.append(tone(1.0))
    await writer.finish()
    assert writer.problem is not None
    assert (await recordings.load("u1")).duration_s == 1.0
    assert await recordings.leftovers() == ()
    await recordings.close()


# -- after a crash -------------------------------------------------------------------------------


async def test_given_files_that_hold_no_sound_then_they_are_not_brought_back(
    tmp_path: Path,
) -> None:
    await kept(tmp_path, "good")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "header.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:44])
    (tmp_path / "odd.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:-1])
    (tmp_path / "notes.txt").write_text("not ours")
    recordings = RecordingJournal(tmp_path)
    assert [name for name, _ in await recordings.leftovers()] == ["good", "odd"]
    assert len((await recordings.load("odd")).samples) == 7_999
    await recordings.close()
    assert (tmp_path / "notes.txt").exists()


async def test_given_an_utterance_under_way_then_it_is_no_leftover(tmp_path: Path) -> None:
    await kept(tmp_path, "earlier")
    recordings = RecordingJournal(tmp_path)
    recordings.begin("now").append(tone(1.0))
    assert [name for name, _ in await recordings.leftovers()] == ["earlier"]
    await recordings.close()


async def test_given_recordings_that_messages_know_then_only_the_others_come_back(
    tmp_path: Path,
) -> None:
    await kept(tmp_path / "recordings", "known", "lost-1", "lost-2")
    store = HistoryStore(tmp_path / "history.sqlite3")
    await store.open()
    await store.save(
        "c", Message("m", Role.USER, (Recording("known", 0.5),), MessageStatus.FAILED, 1.0)
    )
    recordings = RecordingJournal(tmp_path / "recordings")
    (summary,) = await recover_recordings(store, recordings)
    messages = (await store.conversation(summary.id)).messages
    await asyncio.gather(recordings.close(), store.close())
    assert [m.recording for m in messages] == [Recording("lost-1", 0.5), Recording("lost-2", 0.5)]
    assert all(m.detail and "safe" in m.detail for m in messages)


async def test_given_a_history_that_takes_nothing_then_the_recordings_wait_on_disk(
    tmp_path: Path,
) -> None:
    await kept(tmp_path, "lost")
    closed = HistoryStore(tmp_path / "history.sqlite3")
    recordings = RecordingJournal(tmp_path)
    assert await recover_recordings(closed, recordings) == ()
    assert await recordings.leftovers() == (("lost", 0.5),)
    await recordings.close()
    await closed.close()
