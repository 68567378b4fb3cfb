"""The desk behind the window: event loop, session and engines, and the way out in order."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
from typing import TYPE_CHECKING, Any

import qasync
from PySide6.QtWidgets import QApplication

from strixdesk.logs import log_native_crashes, set_up_logging
from strixdesk.paths import Paths
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.deferred import DeferredAssistant
from strixdesk.settings import Loaded, Settings
from strixdesk.settings_file import load, save
from strixdesk.ui.main_window import MainWindow
from strixdesk.ui.single_instance import SingleInstance
from strixdesk.ui.sleep_watch import SleepWatch
from strixdesk.ui.window_shell import WindowShell

if TYPE_CHECKING:
    from strixdesk.session.session import Session

log = logging.getLogger(__name__)


def run_desk(
    application: QApplication,
    shell: WindowShell,
    instance: SingleInstance,
    paths: Paths,
    *,
    verbose: bool = False,
) -> None:
    """Fills the shell and lives until it is closed."""
    set_up_logging(paths.log_dir, verbose)
    log_native_crashes(paths.log_dir)
    loaded = load(paths.config_file)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(application)) as runner:
        runner.run(_live(shell, instance, loaded, paths))


async def _live(shell: WindowShell, instance: SingleInstance, loaded: Loaded, paths: Paths) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    closed: asyncio.Future[None] = loop.create_future()

    def close() -> None:
        if not closed.done():
            closed.set_result(None)

    assistant = DeferredAssistant(AttachmentStore(paths.attachments_dir).path)
    window = MainWindow(
        shell,
        assistant,
        loaded.settings,
        save_settings=_Saver(loaded),
        device_names=_device_names,
    )
    sleep = SleepWatch(window)
    sleep.slept.connect(assistant.set_asleep)
    log.info("window filled")
    shell.closed.connect(close)
    instance.asked_for.connect(shell.come_to_front)
    instance.listen()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(shell.close_now))
    if loaded.problem:
        window.show_problem(loaded.problem.sentence(), loaded.path)
    bringing_up = asyncio.ensure_future(_bring_up(loaded.settings, paths, assistant, window))
    try:
        either: set[asyncio.Future[Any]] = {bringing_up, closed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if bringing_up.done() and (error := bringing_up.exception()):
            log.critical("the session could not be started", exc_info=error)
            window.show_problem(
                f"StrixDesk could not start its engines ({error}). The log in {paths.log_dir} has "
                "the details."
            )
        await closed
    finally:
        shell.hide()
        (session,) = await asyncio.gather(bringing_up, return_exceptions=True)
        if not isinstance(session, BaseException):
            await session.close()
        log.info("closed")


async def _bring_up(
    settings: Settings, paths: Paths, assistant: DeferredAssistant, window: MainWindow
) -> Session:
    """The engines' libraries are loaded on a thread, while the window answers already."""
    await asyncio.to_thread(importlib.import_module, "strixdesk.composition")
    from strixdesk.composition import build_services
    from strixdesk.composition_boxes import take_listed_keys
    from strixdesk.session.session import Session

    await asyncio.to_thread(take_listed_keys, settings)
    services = await build_services(settings, paths)
    session = Session(services, speech_on=settings.voice.enabled)
    assistant.arrived(session)
    window.assistant_arrived()
    await session.start()
    log.info("session up")
    return session


class _Saver:
    """Writes what changed since the last time, and nothing that was changed by hand meanwhile."""

    def __init__(self, loaded: Loaded) -> None:
        self._path = loaded.path
        self._before = loaded.settings

    def __call__(self, settings: Settings) -> None:
        save(self._path, settings, self._before)
        self._before = settings


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
