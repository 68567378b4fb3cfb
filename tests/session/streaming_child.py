"""A program of its own that never ends: tests kill it. It prints what it has done so far."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.session import Session
from strixdesk.session.store import HistoryStore
from strixdesk.settings import Settings
from tests.support.fakes import (
    FakeListener,
    FakeRecogniser,
    FakeSink,
    FakeTiers,
    FakeVoice,
    ScriptedChat,
    tone,
)
from tests.support.scripted_boxes import CODER, TIERS, ScriptedBoxes


def tell(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


class EndlessChat(ScriptedChat):
    """Says what time it is, a hundred times a second."""

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = True,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        while True:
            now = f"{time.time():.3f}"
            tell(now)
            yield ChatDelta(f"{now} ")
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Never comes to that."""


async def answer(folder: Path) -> None:
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    session = Session(
        Services(
            settings=Settings(),
            store=store,
            recordings=RecordingJournal(folder / "recordings"),
            attachments=AttachmentStore(folder / "attachments"),
            tiers=FakeTiers(),
            chat=EndlessChat(),
            recogniser=FakeRecogniser(),
            voice=FakeVoice(),
            sink=FakeSink(),
            listener=FakeListener(),
        ),
        speech_on=False,
    )
    await session.finished(session.begin_typed("What time is it?"))


class SilentChat(ScriptedChat):
    """Is asked and says nothing."""

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = True,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        tell("asked")
        await asyncio.Event().wait()
        yield ChatEnd("stop")


async def answer_kept(folder: Path) -> None:
    """A question that waited for its box is being answered."""
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    tiers = FakeTiers(*TIERS)
    tiers.status = {tier.name: TierStatus(TierState.UNREACHABLE, 0.0) for tier in TIERS}
    session = Session(
        Services(
            settings=Settings(),
            store=store,
            recordings=RecordingJournal(folder / "recordings"),
            attachments=AttachmentStore(folder / "attachments"),
            tiers=tiers,
            chat=EndlessChat() if sys.argv[3] == "talking" else SilentChat(),
            recogniser=FakeRecogniser(),
            voice=FakeVoice(),
            sink=FakeSink(),
            listener=FakeListener(),
            boxes=ScriptedBoxes(),
        ),
        speech_on=False,
    )
    await session.finished(session.begin_typed("What time is it?"))
    tiers.status[CODER.name] = TierStatus(TierState.READY, 1.0)
    assert tiers.on_change
    tiers.on_change(CODER, tiers.status[CODER.name])
    await asyncio.Event().wait()


async def record(folder: Path) -> None:
    """A hundred frames of sound; then nothing is said, and nothing is ended either."""
    writer = RecordingJournal(folder / "recordings").begin("spoken")
    for _ in range(100):
        writer.append(tone(0.032))
        await asyncio.sleep(0.005)
    tell("said")
    await asyncio.Event().wait()


async def hold(folder: Path) -> None:
    """Leaves a message open, and lives on."""
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    status = MessageStatus.STREAMING
    await store.save("c", Message("held", Role.ASSISTANT, (Text("so far"),), status, 1.0))
    tell("open")
    await asyncio.Event().wait()


async def write_many(folder: Path) -> None:
    """A hundred messages, beside whoever else writes."""
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    name = sys.argv[3]
    for number in range(100):
        words = (Text(f"{name} {number}"),)
        message = Message(f"{name}-{number}", Role.USER, words, MessageStatus.COMPLETE, number)
        await store.save(name, message)
    await store.close()
    tell("done")


if __name__ == "__main__":
    works = {
        "answer": answer,
        "answer-kept": answer_kept,
        "record": record,
        "hold": hold,
        "write": write_many,
    }
    asyncio.run(works[sys.argv[1]](Path(sys.argv[2])))
