"""How the program begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from strixdesk import app
from strixdesk.ui.window_shell import WindowShell


def test_a_window_that_nobody_can_see_yet_does_not_hold_up_the_start(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PAINTED_WITHIN_S", 0.05)
    shell = WindowShell(tmp_path / "window.ini")
    qtbot.addWidget(shell)
    app.await_paint(qapp, shell)  # never shown: as behind a locked screen
    assert not shell.painted
    monkeypatch.setattr(app, "PAINTED_WITHIN_S", 60.0)
    with qtbot.waitSignal(shell.first_painted):
        shell.show()
        app.await_paint(qapp, shell)


def test_what_is_heavy_is_not_loaded_before_the_window_is_filled() -> None:
    heavy = ("numpy", "httpx", "yaml", "keyring", "sounddevice", "onnxruntime")
    look = f"import strixdesk.desk, sys; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
