"""A session on a real history, with scripted engines around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from strixdesk.core.events import TurnChanged
from strixdesk.core.turn import TurnState
from strixdesk.session.accounted_chat import AccountedChat
from strixdesk.session.answer_cache import AnswerCache
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.ports import Boxes, Chat, Controls, Tiers
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.session import Session
from strixdesk.session.store import HistoryStore
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import Settings
from tests.support.fakes import (
    FakeListener,
    FakeRecogniser,
    FakeSink,
    FakeTiers,
    FakeVoice,
    Heard,
    ScriptedChat,
)


@dataclass
class Stage:
    """Everything a test may script before `begin`, and look at after."""

    folder: Path
    chat: ScriptedChat = field(default_factory=ScriptedChat)
    tiers: FakeTiers = field(default_factory=FakeTiers)
    recogniser: FakeRecogniser = field(default_factory=FakeRecogniser)
    voice: FakeVoice = field(default_factory=FakeVoice)
    sink: FakeSink = field(default_factory=FakeSink)
    listener: FakeListener = field(default_factory=FakeListener)
    heard: Heard = field(default_factory=Heard)
    settings: Settings = field(default_factory=Settings)
    real_tiers: Tiers | None = None
    """In place of `tiers`."""
    real_chat: Chat | None = None
    """In place of `chat`."""
    boxes: Boxes | None = None
    controls: Controls | None = None
    speeds: list[tuple[str, float]] = field(default_factory=list)
    """Tiers and how fast they were, as it was told."""

    async def begin(self, *, speech_on: bool = False) -> Session:
        store = HistoryStore(self.folder / "history.sqlite3")
        await store.open()
        usage = UsageBook(store, self.settings.usage)
        self.recordings = RecordingJournal(self.folder / "recordings")
        self.session = Session(
            Services(
                settings=self.settings,
                store=store,
                usage=usage,
                recordings=self.recordings,
                attachments=AttachmentStore(self.folder / "attachments"),
                tiers=self.real_tiers or self.tiers,
                chat=AccountedChat(
                    self.real_chat or self.chat,
                    usage,
                    AnswerCache(store, self.settings.usage),
                    self.settings.chat,
                    lambda tier: self.tiers.status.get(tier.name),
                    on_speed=lambda tier, speed: self.speeds.append((tier, speed)),
                ),
                recogniser=self.recogniser,
                voice=self.voice,
                sink=self.sink,
                listener=self.listener,
                boxes=self.boxes,
                controls=self.controls,
            ),
            speech_on=speech_on,
        )
        self.session.subscribe(self.heard.take)
        await self.session.start()
        return self.session

    def states(self) -> list[TurnState]:
        """The states that turns went through, repeats left out."""
        states = [event.turn.state for event in self.heard.of(TurnChanged)]
        return [s for i, s in enumerate(states) if i == 0 or states[i - 1] is not s]

    async def until(self, *states: TurnState) -> None:
        await self.heard.until(lambda: self.states()[-len(states) :] == list(states))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    if hasattr(stage, "session"):
        await stage.session.close()
