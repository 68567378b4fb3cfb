"""Summaries in the history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.summary import Summary
from strixdesk.session.store import HistoryStore

SUMMARY = Summary("They spoke of \ud83d boats.", "m1", 12, 5200, 310, "utility", 1.5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[HistoryStore]:
    store = HistoryStore(tmp_path / "history.sqlite3")
    await store.open()
    message = Message("m1", Role.USER, (Text("hello"),), MessageStatus.COMPLETE, 1.0)
    await store.save("c", message)
    yield store
    await store.close()


def test_what_was_saved_is_told_in_one_sentence() -> None:
    assert SUMMARY.sentence() == ("12 older messages summarised by “utility”: 5,200 → 310 tokens.")


async def test_a_summary_comes_back_with_its_conversation(store: HistoryStore) -> None:
    assert (await store.conversation("c")).summary is None
    await store.save_summary("c", SUMMARY)
    back = (await store.conversation("c")).summary
    assert back == replace(SUMMARY, text="They spoke of \ufffd boats.")


async def test_a_newer_summary_takes_the_place_of_the_one_before(store: HistoryStore) -> None:
    newer = replace(SUMMARY, text="And of harbours.", messages=20)
    await store.save_summary("c", SUMMARY)
    await store.save_summary("c", newer)
    assert (await store.conversation("c")).summary == newer


async def test_a_summary_goes_with_its_conversation(store: HistoryStore, tmp_path: Path) -> None:
    await store.save_summary("c", SUMMARY)
    await store.remove("c")
    await store.close()
    again = HistoryStore(tmp_path / "history.sqlite3")
    await again.open()
    await again.save("c", Message("m2", Role.USER, (Text("a"),), MessageStatus.COMPLETE, 2.0))
    assert (await again.conversation("c")).summary is None
    await again.close()
