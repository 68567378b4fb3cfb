# ruff: noqa: ASYNC240 — nothing else runs on a test's loop while it looks at a file
"""The history: what goes in comes out, whatever it is and whatever happens to the file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strixdesk.core.conversation import (
    Image,
    Message,
    MessageStatus,
    Recording,
    Role,
    Text,
    Thinking,
)
from strixdesk.core.errors import StoreError
from strixdesk.session.leftovers import recover_recordings
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from strixdesk.session.store_schema import MIGRATIONS
from tests.support.fakes import tone


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[HistoryStore]:
    store = HistoryStore(file)
    await store.open()
    yield store
    await store.close()


async def reopened(store: HistoryStore, file: Path) -> HistoryStore:
    await store.close()
    again = HistoryStore(file)
    await again.open()
    return again


def said(text: str, number: int = 0, role: Role = Role.USER) -> Message:
    return Message(f"m{number}", role, (Text(text),), MessageStatus.COMPLETE, float(number))


# -- what goes in comes out ----------------------------------------------------------------------


async def test_given_every_kind_of_part_then_the_message_comes_back_equal(
    store: HistoryStore, file: Path
) -> None:
    message = Message(
        id="m",
        role=Role.ASSISTANT,
        parts=(
            Thinking("hm\n"),
            Text("a “b” \0 🎉\u2028"),
            Image("ab" * 32, "image/png", 3, 4, "my 'pic'.png"),
            Recording("u1", 1.25),
        ),
        status=MessageStatus.INCOMPLETE,
        created_at=12.5,
        tier="one",
        reason="because",
        detail="cut",
        spoken=True,
    )
    await store.save("c", message)
    again = await reopened(store, file)
    assert (await again.conversation("c")).messages == (message,)
    await again.close()


async def test_given_half_an_emoji_then_the_rest_of_the_words_are_stored(
    store: HistoryStore,
) -> None:
    await store.save("c", said("joined \ud83d\ude00, alone \ud83d!"))
    (message,) = (await store.conversation("c")).messages
    assert message.text == "joined 😀, alone \ufffd!"


async def test_given_messages_of_the_same_moment_then_they_stay_in_order(
    store: HistoryStore,
) -> None:
    for number in range(1000):
        await store.save("c", said(f"message {number}", number % 2 and number))
        if number % 100 == 0:
            await store.save("c", said("message 0, edited", 0))
    messages = (await store.conversation("c")).messages
    numbers = [m.created_at for m in messages]
    assert len(messages) == 501
    assert numbers == sorted(numbers)
    assert messages[0].text.startswith("message ")


async def test_given_conversations_then_the_newest_comes_first_with_its_first_words_as_title(
    store: HistoryStore,
) -> None:
    await store.save("old", said("What is   the\ncapital of France?", 1))
    await store.save("new", said("word " * 40, 2))
    await store.save("old", said("Paris.", 3, Role.ASSISTANT))
    summaries = await store.conversations()
    assert [(s.id, s.message_count) for s in summaries] == [("old", 2), ("new", 1)]
    assert summaries[0].title == "What is the capital of France?"
    assert summaries[1].title.endswith("word…")
    assert len(summaries[1].title) <= 49


async def test_given_a_row_whose_parts_are_broken_then_its_words_are_still_read(
    store: HistoryStore, file: Path
) -> None:
    await store.save("c", said("first", 1))
    await store.save("c", said("second", 2))
    other = sqlite3.connect(file)
    other.execute("UPDATE messages SET parts = '[{\"kind\": \"hologram\"}' WHERE id = 'm1'")
    other.commit()
    other.close()
    assert [m.text for m in (await store.conversation("c")).messages] == ["first", "second"]
    assert await store.recording_ids() == frozenset()


async def test_given_a_conversation_that_is_gone_then_a_sentence_says_so(
    store: HistoryStore,
) -> None:
    with pytest.raises(StoreError, match="not in the history any more"):
        await store.conversation("nowhere")


async def test_given_a_closed_store_then_a_sentence_says_so(store: HistoryStore) -> None:
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.save("c", said("late"))
    await store.close()


# -- search --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        *("said", "he SAID", "wor", 'he "said"', "naïve", "naive", "c++", "NEAR", "NEAR(he said)"),
        *("AND OR NOT", "he AND said", "text:said", "said*", "^he", "🎉", "🎉 said", "*", "--"),
        *("a-b", "said\0he", "{said}", "'said'", "日本語", "\ud83d said"),
    ],
)
async def test_given_any_words_of_a_message_then_it_is_found(
    store: HistoryStore, words: str
) -> None:
    text = (
        'he "said" words in c++: NEAR(he said) text:said NEAR the * AND -- OR NOT text, naïve, '
        "a-b 🎉 日本語 \ufffd {} ^"
    )
    await store.save("c", said(text, 1))
    assert [found.text for found in await store.search(words)] == [text]


@pytest.mark.parametrize("words", ["", "  ", '"', '""', "\0", "unsaid", "said unsaid", "%", "_"])
async def test_given_other_words_then_nothing_is_found(store: HistoryStore, words: str) -> None:
    await store.save("c", said("he said words", 1))
    assert await store.search(words) == ()


async def test_given_an_answer_that_grew_and_changed_then_only_its_last_words_are_found(
    store: HistoryStore,
) -> None:
    for text, status in (
        ("alpha", MessageStatus.STREAMING),
        ("alpha beta", MessageStatus.COMPLETE),
        ("gamma", MessageStatus.STREAMING),
        ("gamma delta", MessageStatus.INCOMPLETE),
        ("epsilon", MessageStatus.COMPLETE),
    ):
        await store.save("c", Message("m", Role.ASSISTANT, (Text(text),), status, 1.0))
    assert await store.search("alpha") == ()
    assert await store.search("gamma") == ()
    assert [found.text for found in await store.search("epsilon")] == ["epsilon"]


# -- rename, remove, restore ---------------------------------------------------------------------


async def test_given_a_removed_conversation_then_it_can_be_restored_until_the_end(
    store: HistoryStore, file: Path
) -> None:
    await store.save("c", said("keep me", 1))
    await store.rename("c", "  A  name ")
    await store.remove("c")
    assert await store.conversations() == ()
    assert await store.search("keep") == ()

    summary = await store.restore("c")
    assert (summary.title, summary.message_count) == ("A name", 1)
    again = await reopened(store, file)
    assert [s.id for s in await again.conversations()] == ["c"]

    await again.remove("c")
    last = await reopened(again, file)
    assert await last.conversations() == ()
    with pytest.raises(StoreError):
        await last.conversation("c")
    await last.close()


async def test_given_another_process_that_removed_it_then_it_can_still_undo_that(
    store: HistoryStore, file: Path
) -> None:
    await store.save("c", said("keep me", 1))
    await store.remove("c")
    other = HistoryStore(file)
    await other.open()
    await other.close()
    assert (await store.restore("c")).message_count == 1


async def test_given_a_removed_conversation_then_its_recording_does_not_come_back(
    store: HistoryStore, file: Path, tmp_path: Path
) -> None:
    recordings = RecordingJournal(tmp_path / "recordings")
    writer = recordings.begin("u1")
    writer.append(tone(0.5))
    await recordings.close()
    failed = Message("m", Role.USER, (Recording("u1", 0.5),), MessageStatus.FAILED, 1.0)
    await store.save("c", failed)
    await store.remove("c")

    again = await reopened(store, file)
    recordings = RecordingJournal(tmp_path / "recordings")
    assert await recover_recordings(again, recordings) == ()
    await recordings.close()
    await again.close()
    assert list((tmp_path / "recordings").iterdir()) == []


# -- the file itself -----------------------------------------------------------------------------


async def test_given_a_file_that_is_no_history_then_it_is_kept_and_a_new_one_begun(
    file: Path,
) -> None:
    file.write_bytes(b"not a database at all, but somebody's words" * 100)
    before = file.read_bytes()
    store = HistoryStore(file)
    await store.open()
    assert store.problem is not None
    assert "damaged" in store.problem.sentence()
    (aside,) = file.parent.glob("history.sqlite3.damaged-*")
    assert aside.read_bytes() == before
    await store.save("c", said("new words", 1))
    assert [s.id for s in await store.conversations()] == ["c"]
    await store.close()


async def test_given_damaged_pages_then_the_file_and_its_log_are_kept(
    store: HistoryStore, file: Path
) -> None:
    for number in range(200):
        await store.save("c", said("words " * 100, number))
    await store.close()
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)
    log = file.with_name(file.name + "-wal")
    log.write_bytes(b"the newest words")

    again = HistoryStore(file)
    await again.open()
    assert again.problem is not None
    await again.save("c", said("new words", 1))
    await again.close()
    kept = sorted(p.name for p in file.parent.glob("history.sqlite3.damaged-*"))
    assert [name for name in kept if not name.endswith(("-wal", "-shm"))]
    assert any(p.read_bytes() == bytes(data) for p in file.parent.glob("*.damaged-*"))


async def test_given_a_file_of_a_newer_version_then_it_is_refused_and_untouched(
    store: HistoryStore, file: Path
) -> None:
    await store.close()
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = file.read_bytes()
    newer = HistoryStore(file)
    with pytest.raises(StoreError, match="newer StrixDesk") as caught:
        await newer.open()
    assert "Update" in caught.value.advice
    await newer.close()
    assert file.read_bytes() == before


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
async def test_given_a_file_of_each_older_version_then_it_is_brought_up_to_date(
    file: Path, version: int
) -> None:
    db = sqlite3.connect(file)
    for script in MIGRATIONS[:version]:
        db.executescript(script)
    if version:
        db.execute("INSERT INTO conversations VALUES ('c', 'Old', 1.0, 0)")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()
    store = HistoryStore(file)
    await store.open()
    assert [s.title for s in await store.conversations()] == (["Old"] if version else [])
    await store.save("c", said("still works", 1))
    assert len(await store.search("works")) == 1
    await store.close()


@pytest.mark.parametrize("below", ["a file", "a folder of that name"])
async def test_given_a_place_that_cannot_hold_a_history_then_a_sentence_says_what_to_do(
    tmp_path: Path, below: str
) -> None:
    if below == "a file":
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "history.sqlite3"
    else:
        path = tmp_path / "history.sqlite3"
        path.mkdir()
    store = HistoryStore(path)
    with pytest.raises(StoreError, match="cannot be written") as caught:
        await store.open()
    assert "--data-dir" in caught.value.advice
    await store.close()


async def test_given_memory_only_then_it_works_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = HistoryStore(Path(":memory:"))
    await store.open()
    await store.save("c", said("fleeting", 1))
    assert len(await store.search("fleeting")) == 1
    await store.close()
    assert list(tmp_path.iterdir()) == []
