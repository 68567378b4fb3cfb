"""Answers of two hundred numbered words that are cut at a random place, and a second server that
goes on with them in one of the ways in which servers and models do that."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from strixdesk.backends.chat import ChatClient
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.ports import Chat, Tiers
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.session import Session
from strixdesk.session.store import HistoryStore
from strixdesk.settings import ChatSettings, Settings
from tests.support.fakes import FakeListener, FakeRecogniser, FakeSink, FakeTiers, FakeVoice
from tests.support.fault_server import DONE, read_request, says

WORDS = [f"w{number}" for number in range(1, 201)]
WHOLE = " ".join(WORDS)
CUTS = ("reset", "end", "stall")
WAYS = (
    *("prefill", "last words", "from the beginning", "mid-word", "last sentence", "preamble"),
    *("one word", "prefill, other word"),
)
SILENT_S = 1.0
"""How long a stalled server is waited for, where nothing else is said."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    cut_at: int
    """Characters of the whole answer that come before the cut."""
    cut: str
    way: str
    seed: int


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    text: str
    status: MessageStatus
    handed_over: bool
    naive: str
    """What simply putting the two pieces together would have given."""

    @property
    def words_twice(self) -> int:
        return twice(self.text)

    @property
    def words_missing(self) -> int:
        return missing(self.text)


def twice(text: str) -> int:
    return sum(count - 1 for count in Counter(text.split()).values())


def missing(text: str) -> int:
    return len(set(WORDS) - set(text.split()))


def random_cases(count: int, seed: int = 1) -> list[Case]:
    chance = random.Random(seed)
    return [
        Case(
            chance.randrange(1, len(WHOLE) - 1),
            CUTS[number % len(CUTS)],
            WAYS[number % len(WAYS)],
            chance.randrange(1 << 30),
        )
        for number in range(count)
    ]


class _Servers:
    """Two real sockets: one that begins the answer, one that goes on with it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.chance = random.Random(case.seed)
        self.said = ""
        """By the second one."""

    async def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            await read_request(reader)
            writer.write(_HEAD)
            await self._say(writer, WHOLE[: self.case.cut_at])
            match self.case.cut:
                case "reset":
                    reset = struct.pack("ii", 1, 0)
                    connection = writer.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    # What was sent must arrive first: a reset overtakes it.
                    await asyncio.sleep(0.05)
                    writer.transport.abort()
                case "stall":
                    await reader.read()

    async def go_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            request = await read_request(reader)
            if request is None:
                return
            messages = request.json["messages"]
            answers = (m["content"] for m in reversed(messages) if m["role"] == "assistant")
            begun = next(answers, "")
            assert WHOLE.startswith(begun)
            self.said = self._continuation(begun)
            in_word = begun != WHOLE[: self.case.cut_at].rstrip()
            if self.case.way == "prefill, other word" and in_word:
                self.said = " otherwise"
            writer.write(_HEAD)
            await self._say(writer, self.said)
            writer.write(says(finish="stop") + DONE)
            await writer.drain()

    def _continuation(self, begun: str) -> str:
        words = begun.split()
        if not words:  # nothing had come
            return WHOLE
        match self.case.way:
            case "prefill" | "prefill, other word":
                return WHOLE[len(begun) :]
            case "mid-word":
                return WHOLE[len(begun) :].lstrip()
            case "from the beginning":
                return WHOLE
            case "one word":
                again = 1
            case "last sentence":
                again = 20
            case _:
                again = self.chance.randrange(2, 13)
        start = len(" ".join(words[:-again])) + 1 if len(words) > again else 0
        opening = "Sure, continuing from where it was cut off:\n\n"
        return (opening if self.case.way == "preamble" else "") + WHOLE[start:]

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        at = 0
        while at < len(text):
            size = self.chance.randrange(1, 12)
            writer.write(says(text[at : at + size]))
            at += size
        await writer.drain()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    except ConnectionError:
        pass
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def hand_over(case: Case, folder: Path, *, silent_s: float = SILENT_S) -> Result:
    """The whole way: a question, an answer that breaks off, and whoever goes on with it."""
    servers = _Servers(case)
    async with contextlib.AsyncExitStack() as stack:
        tiers = []
        for name, serve in (("first", servers.begin), ("second", servers.go_on)):
            server = await stack.enter_async_context(
                await asyncio.start_server(serve, "127.0.0.1", 0)
            )
            port = server.sockets[0].getsockname()[1]
            tiers.append(Tier(name, f"http://127.0.0.1:{port}/v1", model="words"))
        prefills = case.way.startswith("prefill")
        session = await _session(tiers, folder, prefills=prefills, silent_s=silent_s)
        try:
            runner = session.begin_typed("Count to two hundred.")
            await session.finished(runner)
        finally:
            await session.close()
    answer = runner.answer
    assert answer is not None
    return Result(
        case,
        answer.text,
        answer.status,
        bool(answer.hand_overs),
        WHOLE[: case.cut_at] + servers.said,
    )


async def _session(tiers: list[Tier], folder: Path, *, prefills: bool, silent_s: float) -> Session:
    watched = FakeTiers(*tiers)
    watched.status["second"] = TierStatus(
        TierState.READY, 0.0, server="llama.cpp" if prefills else "another"
    )
    settings = Settings(chat=ChatSettings(between_tokens_timeout_s=silent_s, retries=0))
    chat = ChatClient(settings.chat, lambda tier: watched.status.get(tier.name))
    return await session_of(watched, chat, settings, folder)


async def session_of(tiers: Tiers, chat: Chat, settings: Settings, folder: Path) -> Session:
    """A session without sound, on a history of its own."""
    store = HistoryStore(folder / "history.sqlite3")
    await store.open()
    session = Session(
        Services(
            settings=settings,
            store=store,
            recordings=RecordingJournal(folder / "recordings"),
            attachments=AttachmentStore(folder / "attachments"),
            tiers=tiers,
            chat=chat,
            recogniser=FakeRecogniser(),
            voice=FakeVoice(),
            sink=FakeSink(),
            listener=FakeListener(),
        ),
        speech_on=False,
    )
    await session.start()
    return session
