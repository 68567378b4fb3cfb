"""Takes the pictures of the cockpit: the window with a box whose tiers follow a script.

Run it as `.venv/bin/python -m assets.cockpit_picture [FOLDER]`; it needs a screen.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import qasync
from PySide6.QtWidgets import QApplication

from strixdesk.core.events import BoxChanged, BoxesChanged, TierChanged, TiersChanged
from strixdesk.settings import Settings, UiSettings
from strixdesk.ui.main_window import MainWindow
from strixdesk.ui.window_shell import WindowShell
from tests.support.scripted_assistant import ScriptedAssistant
from tests.support.scripted_boxes import (
    BOX,
    STATUSES,
    TIERS,
    ScriptedBoxes,
    operation,
    samples,
)
from tests.support.scripted_tools import ScriptedTools

PICTURES = Path(__file__).parent / "pictures"


class Set:
    """A window with the box in it."""

    def __init__(self, theme: str, folder: Path, width: int, height: int) -> None:
        self.assistant = ScriptedAssistant(folder / "pictures")
        self.boxes = ScriptedBoxes()
        self.assistant.known_boxes = self.boxes
        self.assistant.tools = ScriptedTools()
        self.shell = WindowShell(folder / f"window-{theme}-{width}.ini")
        self.main = MainWindow(
            self.shell,
            self.assistant,
            Settings(ui=UiSettings.model_validate({"theme": theme})),
            save_settings=lambda _: None,
        )
        self.shell.resize(width, height)
        self.shell.show()
        assistant = self.assistant
        assistant.say(BoxesChanged((BOX,)), TiersChanged(TIERS))
        for tier in TIERS:
            for status in samples(STATUSES[tier.name]):
                assistant.say(TierChanged(tier, status))
        self.boxes.step(BOX, operation())
        assistant.say(BoxChanged(BOX, self.boxes.status_of(BOX)))

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.shell.grab().save(str(path))


async def take(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        for theme in ("light", "dark"):
            one = Set(theme, Path(place), 1240, 1120)
            await asyncio.sleep(0.4)
            one.picture(folder / f"cockpit-{theme}.png")
            one.shell.close()


if __name__ == "__main__":
    application = QApplication([])
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(application)) as runner:
        runner.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES))
