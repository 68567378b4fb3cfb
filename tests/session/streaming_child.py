"""A program of its own that never ends: tests kill it. It prints what it has done so far."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.tier import Tier
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


async def record(folder: Path) -> None:
    """A frame of sound in each step."""
    writer = RecordingJournal(folder / "recordings").begin("spoken")
    for number in range(1, 100_000):
        writer.append(tone(0.032))
        await asyncio.sleep(0.005)
        tell(number)


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
    work = {"answer": answer, "record": record, "hold": hold, "write": write_many}[sys.argv[1]]
    asyncio.run(work(Path(sys.argv[2])))
