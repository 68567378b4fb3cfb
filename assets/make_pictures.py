"""Takes the README's pictures: the real program under Xvfb, spoken to and typed to.

Run it as `.venv/bin/python -m assets.make_pictures` after `scripts/test` has set everything up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.desktop import program, screen, wait_for
from tests.support.soundcard import SoundCard

PICTURES = Path(__file__).parent / "pictures"
QUESTION = Path(__file__).parent.parent / "benchmarks" / "data" / "question.wav"
TYPED = "List three things that a local language model is good for."


def take(theme: str) -> None:
    with tempfile.TemporaryDirectory() as folder, screen("1200x820") as desktop:
        data = Path(folder) / "data"
        config = Path(folder) / "settings.toml"
        config.write_text(f'[ui]\ntheme = "{theme}"\n[chat]\ntemperature = 0.0\n')
        card = SoundCard(Path(folder))
        card.start()
        log = data / "logs" / "strixdesk.log"
        environment = desktop.environment | card.environment
        try:
            with program(data, environment, "--config", str(config)):
                wait_for(lambda: log.exists() and "session up" in log.read_text(), 60)
                window = desktop.window("StrixDesk")
                desktop.key("windowsize", "--sync", window, "1180", "760")
                time.sleep(4)  # the engines warm up; their cards settle
                desktop.picture(PICTURES / f"empty-{theme}.png", window)
                desktop.key("keydown", "F9")
                time.sleep(0.3)  # a person takes breath
                with card.speaking(QUESTION):
                    time.sleep(2.5)
                    desktop.picture(PICTURES / f"listening-{theme}.png", window)
                    time.sleep(1.5)
                desktop.key("keyup", "F9")
                wait_for(lambda: ": done," in log.read_text(), 60)
                desktop.key("type", "--delay", "5", TYPED)
                desktop.key("key", "Return")
                time.sleep(5)
                desktop.picture(PICTURES / f"window-{theme}.png", window)
        finally:
            card.kill()


if __name__ == "__main__":
    for theme in ("light", "dark"):
        take(theme)
    with screen("1400x1200") as desktop:
        subprocess.run(
            [sys.executable, "-m", "assets.cockpit_picture"],
            env=os.environ | desktop.environment,
            check=True,
        )
