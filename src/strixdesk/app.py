"""The desktop app. The window's frame is painted first; then comes everything that fills it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from strixdesk import __version__
from strixdesk.paths import Paths
from strixdesk.ui.main_thread_gc import MainThreadCollector
from strixdesk.ui.single_instance import SingleInstance
from strixdesk.ui.window_shell import WindowShell

NO_SCREEN = (
    "strixdesk: there is no screen to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is "
    'set). Without one, try `strixdesk ask "…"`, or `strixdesk --help` for all commands.'
)
PAINTED_WITHIN_S = 2.0
NO_SCREEN_NEEDED = ("offscreen", "minimal", "vnc")


def run_app(config_file: Path | None, data_dir: Path | None, *, verbose: bool = False) -> int:
    """Until the window is closed. Returns the exit status."""
    if _no_screen():
        print(NO_SCREEN, file=sys.stderr)  # noqa: T201 — there is nowhere else to say it
        return 1
    paths = Paths.standard(config_file, data_dir)
    try:
        paths.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(  # noqa: T201
            f"strixdesk: {paths.data_dir} cannot be used: {error.strerror}. "
            "Check its permissions, or choose another folder with --data-dir.",
            file=sys.stderr,
        )
        return 1
    application = QApplication(sys.argv[:1])
    # The session is closed after the window: Qt must not end the event loop before that.
    application.setQuitOnLastWindowClosed(False)
    application.setApplicationName("StrixDesk")
    application.setApplicationVersion(__version__)
    QGuiApplication.setDesktopFileName("strixdesk")
    instance = SingleInstance(paths.data_dir)
    if not instance.claim():
        instance.ask_for_window()
        print("StrixDesk is open already; its window was brought to the front.")  # noqa: T201
        return 0
    collector = MainThreadCollector(application)  # before there is any other thread
    try:
        shell = WindowShell(paths.data_dir / "window.ini")
        shell.show()
        await_paint(application, shell)
        if verbose:
            print("first paint", file=sys.stderr, flush=True)  # noqa: T201

        from strixdesk.desk import run_desk  # everything else is loaded from here on

        run_desk(application, shell, instance, paths, verbose=verbose)
    finally:
        instance.release()
        collector.stop()
    return 0


def await_paint(application: QApplication, shell: WindowShell) -> None:
    """Not for ever: behind a locked screen or on another desktop it is not painted yet."""
    until = time.monotonic() + PAINTED_WITHIN_S
    alarm = QTimer()  # an event at the latest then, to be woken by
    alarm.start(int(PAINTED_WITHIN_S * 1000) + 1)
    while not shell.painted and time.monotonic() < until:
        application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def _no_screen() -> bool:
    return (
        sys.platform == "linux"
        and not os.environ.get("DISPLAY")
        and not os.environ.get("WAYLAND_DISPLAY")
        and os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] not in NO_SCREEN_NEEDED
    )
