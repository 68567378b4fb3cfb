"""A window on a scripted assistant; asynchronous tests run on Qt's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import qasync
from PySide6.QtWidgets import QApplication

from strixdesk.core.conversation import Conversation
from strixdesk.settings import Settings, UiSettings
from strixdesk.ui.main_thread_gc import MainThreadCollector
from strixdesk.ui.main_window import MainWindow
from strixdesk.ui.theme import LIGHT
from strixdesk.ui.transcript_view import TranscriptView
from strixdesk.ui.window_shell import WindowShell
from tests.support.patient_bot import PATIENCE_S, PatientBot
from tests.support.pictures import flat_png
from tests.support.scripted_assistant import ScriptedAssistant


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Callable[[], Any]]:
    return {"qasync": lambda: qasync.QEventLoop(QApplication.instance() or QApplication([]))}


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    return PatientBot(request)


@pytest.fixture(autouse=True, scope="module")
def _collected_on_this_thread(qapp: QApplication) -> Iterator[None]:
    """As in the program. Here it matters more: every test leaves an event loop, in a cycle with its
    timers."""
    collector = MainThreadCollector(qapp)
    yield
    collector.stop()


@dataclass
class Desk:
    """The window, what fills it, the assistant behind it, and what was saved."""

    window: WindowShell
    main: MainWindow
    assistant: ScriptedAssistant
    saved: list[Settings] = field(default_factory=list)


@pytest.fixture
def make_desk(qtbot: PatientBot, tmp_path: Path) -> Callable[..., Desk]:
    def make(theme: str = "light", width: int = 1180, height: int = 780) -> Desk:
        assistant = ScriptedAssistant(tmp_path / "pictures")
        saved: list[Settings] = []
        window = WindowShell(tmp_path / "window.ini")
        main = MainWindow(
            window,
            assistant,
            Settings(ui=UiSettings.model_validate({"theme": theme})),
            save_settings=saved.append,
        )
        qtbot.addWidget(window)
        window.resize(width, height)
        qtbot.show(window)
        return Desk(window, main, assistant, saved)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


async def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Asked on the window's own thread, while its event loop runs."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 — nothing tells of it
            await asyncio.sleep(0.01)


@pytest.fixture
def transcript(qtbot: PatientBot, tmp_path: Path) -> TranscriptView:
    picture = tmp_path / "picture.png"
    picture.write_bytes(flat_png((200, 60, 20)))
    view = TranscriptView(LIGHT, lambda _image: picture)
    qtbot.addWidget(view)
    view.resize(800, 600)
    qtbot.show(view)
    view.show_conversation(Conversation("c", ""))
    return view
