"""The desktop app: the window first, then everything that it needs, and the way out in order."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import qasync
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from strixdesk import __version__
from strixdesk.logs import log_native_crashes, set_up_logging
from strixdesk.paths import Paths
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.deferred import DeferredAssistant
from strixdesk.settings import Loaded, Settings
from strixdesk.settings_file import load, save
from strixdesk.ui.main_window import MainWindow
from strixdesk.ui.single_instance import SingleInstance

log = logging.getLogger(__name__)

NO_SCREEN = (
    "strixdesk: there is no screen to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is "
    'set). Without one, try `strixdesk ask "…"`, or `strixdesk --help` for all commands.'
)


def run_app(config_file: Path | None, data_dir: Path | None, *, verbose: bool = False) -> int:
    """Until the window is closed. Returns the exit status."""
    if _no_screen():
        print(NO_SCREEN, file=sys.stderr)  # noqa: T201 — there is nowhere else to say it
        return 1
    paths = Paths.standard(config_file, data_dir)
    set_up_logging(paths.log_dir, verbose)
    log_native_crashes(paths.log_dir)
    loaded = load(paths.config_file)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("StrixDesk")
    application.setApplicationVersion(__version__)
    QGuiApplication.setDesktopFileName("strixdesk")
    paths.data_dir.mkdir(parents=True, exist_ok=True)
    instance = SingleInstance(paths.data_dir)
    if not instance.claim():
        print("StrixDesk is open already; its window was brought to the front.")  # noqa: T201
        return 0
    try:
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(application)) as runner:
            runner.run(_live(loaded, paths, instance))
    finally:
        instance.release()
    return 0


def _no_screen() -> bool:
    return (
        sys.platform == "linux"
        and not os.environ.get("DISPLAY")
        and not os.environ.get("WAYLAND_DISPLAY")
        and os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
        not in ("offscreen", "minimal", "vnc")
    )


async def _live(loaded: Loaded, paths: Paths, instance: SingleInstance) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    closed: asyncio.Future[None] = loop.create_future()
    painted: asyncio.Future[None] = loop.create_future()

    def settle(future: asyncio.Future[None]) -> None:
        if not future.done():
            future.set_result(None)

    assistant = DeferredAssistant(AttachmentStore(paths.attachments_dir).path)
    window = MainWindow(
        assistant,
        loaded.settings,
        save_settings=lambda settings: save(paths.config_file, settings),
        state_file=paths.data_dir / "window.ini",
        device_names=_device_names,
    )
    window.closed.connect(lambda: settle(closed))
    window.first_painted.connect(lambda: settle(painted))
    instance.asked_for.connect(window.come_to_front)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(settle, closed))
    if loaded.problem:
        window.show_problem(loaded.problem.sentence(), loaded.path)
    window.show()
    await painted
    log.info("first paint")
    session = await _bring_up(loaded.settings, paths, assistant, window)
    try:
        await closed
    finally:
        window.hide()
        await session.close()
        log.info("closed")


async def _bring_up(
    settings: Settings, paths: Paths, assistant: DeferredAssistant, window: MainWindow
) -> Any:
    """The engines' libraries are loaded on a thread, while the window answers already."""
    await asyncio.to_thread(importlib.import_module, "strixdesk.composition")
    from strixdesk.composition import build_services
    from strixdesk.session.session import Session

    services = await build_services(settings, paths)
    session = Session(services, speech_on=settings.voice.enabled)
    assistant.arrived(session)
    window.assistant_arrived()
    await session.start()
    found = await services.tiers.discover()
    if found:
        window.show_found(found)
    return session


def _device_names() -> tuple[list[str], list[str]]:
    """Microphones and speakers by name, for the settings dialog; blocks for a moment."""
    from strixdesk.core.errors import StrixError
    from strixdesk.voice.devices import inputs, outputs

    names: list[list[str]] = []
    for devices in (inputs, outputs):
        try:
            names.append([device.name for device in devices()])
        except StrixError as error:
            log.warning("devices: %s", error)
            names.append([])
    return names[0], names[1]


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("event loop: %s", context.get("message"), exc_info=context.get("exception"))
