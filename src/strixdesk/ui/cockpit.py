"""Between the boxes and what shows them: what the user wants of a box, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from strixdesk.core.box import Box, Deed
from strixdesk.core.errors import NotEnoughMemory
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.memory import Forecast, Remedy
from strixdesk.core.tier import ControlKind
from strixdesk.session.assistant import Assistant
from strixdesk.session.ports import Boxes
from strixdesk.ui.box_section import BoxSection, runs_on
from strixdesk.ui.bridge import Requests
from strixdesk.ui.closing import ClosingGuard
from strixdesk.ui.confirm_strip import ConfirmStrip
from strixdesk.ui.notices import Notices
from strixdesk.ui.theme import Theme
from strixdesk.ui.tiers_pane import TiersPane

NOT_YET = "The engines are still being loaded: try again in a moment."


class Cockpit(QObject):
    box_settings_asked = Signal(str)
    """A box's name."""

    def __init__(
        self,
        assistant: Assistant,
        requests: Requests,
        pane: TiersPane,
        confirm: ConfirmStrip,
        notices: Notices,
        theme: Theme,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._assistant = assistant
        self._requests = requests
        self._pane = pane
        self._confirm = confirm
        self._notices = notices
        self._theme = theme
        self._window = window
        self._watched: bool | None = None
        """None: not told yet."""
        self._questions: dict[str, Callable[[], None]] = {}
        """What is done after a yes to a question of the window's own."""
        self.closing = ClosingGuard(assistant.boxes, window, self.cancel)
        pane.deed_asked.connect(self._deed)
        pane.log_asked.connect(self._open_log)
        confirm.answered.connect(self._answered)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme

    def set_watched(self, watched: bool) -> None:
        """Somebody can see the pane: then tiers and boxes are looked at more often."""
        if watched != self._watched:
            self._watched = watched
            self._assistant.set_watched(watched)

    # -- what is told --------------------------------------------------------------------------

    def take(self, event: BoxChanged | BoxesChanged) -> None:
        boxes = self._boxes
        if boxes is None:
            return
        if isinstance(event, BoxChanged):
            self._pane.show_box(event.box, event.status, boxes.stack_of(event.box))
            self.closing.look()
            return
        for section in self._pane.show_boxes(event.boxes, self._what_if):
            _Levers(self, section)
        for box in event.boxes:
            self._pane.show_box(box, boxes.status_of(box), boxes.stack_of(box))
        if self._watched is not None:
            self._assistant.set_watched(self._watched)

    @property
    def _boxes(self) -> Boxes | None:
        return self._assistant.boxes()

    def _what_if(self, box: Box, services: Sequence[str]) -> Forecast | None:
        return self._boxes.forecast(box, services) if self._boxes else None

    # -- starting and stopping -----------------------------------------------------------------

    def _deed(self, name: str, deed: Deed) -> None:
        tier, boxes = self._pane.tier(name), self._boxes
        if tier is None or tier.control is None:
            return
        if tier.control.kind is not ControlKind.COMPOSE:
            self._assistant.control_tier(name, deed)
            return
        for box in boxes.all() if boxes else ():
            if runs_on(tier, box):
                self.do(box, deed, (tier.control.unit,))

    def start_mode(self, box: Box, name: str) -> None:
        self.do(box, Deed.START, mode=name)

    def do(
        self,
        box: Box,
        deed: Deed,
        services: Sequence[str] = (),
        *,
        mode: str | None = None,
        override: bool = False,
    ) -> None:
        """A start that does not fit is talked over first."""
        self._requests.start(self._do(box, deed, tuple(services), mode, override))

    async def _do(
        self, box: Box, deed: Deed, services: tuple[str, ...], mode: str | None, override: bool
    ) -> None:
        if boxes := self._boxes:
            try:
                with self.closing.working():
                    await boxes.do(box, deed, services, mode=mode, override=override)
            except NotEnoughMemory as error:
                self._talk_over(box, services, mode, error)

    def _talk_over(
        self, box: Box, services: tuple[str, ...], mode: str | None, error: NotEnoughMemory
    ) -> None:
        boxes = self._boxes
        stack = boxes.stack_of(box) if boxes else None
        wanted = stack.mode(mode) if stack and mode else None
        forecast = self._what_if(box, wanted.services if wanted else services)
        if forecast is None:
            self._notices.warn(error.sentence())
            return
        from strixdesk.ui.start_dialog import StartDialog  # not before it is wanted

        what = f"the mode {mode}" if mode else ", ".join(services)
        dialog = StartDialog(what, forecast, self._theme, self._window)
        plan = _Plan(self, box, services, mode, dialog)
        dialog.started_anyway.connect(plan.start_anyway)
        dialog.remedy_chosen.connect(plan.follow)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def do_after_stop(
        self, box: Box, stop: tuple[str, ...], services: tuple[str, ...], mode: str | None
    ) -> None:
        self._requests.start(self._stop_then_start(box, stop, services, mode))

    async def _stop_then_start(
        self, box: Box, stop: tuple[str, ...], services: tuple[str, ...], mode: str | None
    ) -> None:
        if boxes := self._boxes:
            with self.closing.working():
                await boxes.do(box, Deed.STOP, stop)
            await self._do(box, Deed.START, services, mode, False)

    # -- the box as a whole --------------------------------------------------------------------

    def stop_all(self, box: Box) -> None:
        question = f"stop-all {box.name}"
        self._questions[question] = lambda: self.do(box, Deed.STOP)
        self._confirm.ask(question, f"Stop everything that the stack runs on {box.name}?")

    def cancel(self, box: Box) -> None:
        if boxes := self._boxes:
            boxes.cancel(box)

    def pull(self, box: Box) -> None:
        self.do(box, Deed.PULL)

    def wake(self, box: Box) -> None:
        if boxes := self._boxes:
            self._requests.start(self._wake(boxes, box))

    async def _wake(self, boxes: Boxes, box: Box) -> None:
        await boxes.wake(box)
        self._notices.tell(f"A wake-up packet was sent to {box.name}. It may take a minute.")

    def read_again(self, box: Box) -> None:
        if boxes := self._boxes:
            self._requests.start(self._read(boxes, box))

    async def _read(self, boxes: Boxes, box: Box) -> None:
        await boxes.refresh(box)

    def edit_env(self, box: Box, changes: Sequence[tuple[str, str]] = ()) -> None:
        tools = self._assistant.box_tools()
        if tools is None:
            self._notices.tell(NOT_YET)
            return
        from strixdesk.ui.env_dialog import EnvDialog

        dialog = EnvDialog(box, tools, dict(changes), parent=self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def examine(self, box: Box) -> None:
        tools = self._assistant.box_tools()
        if tools is None:
            self._notices.tell(NOT_YET)
            return
        from strixdesk.ui.box_doctor_dialog import BoxDoctorDialog

        dialog = BoxDoctorDialog(box, tools, self._theme, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # -- confirmations -------------------------------------------------------------------------

    def _answered(self, question: str, yes: bool) -> None:
        own = self._questions.pop(question, None)
        if own is None:
            self._assistant.confirm(question, yes)
        elif yes:
            own()

    # -- logs ----------------------------------------------------------------------------------

    def _open_log(self, name: str) -> None:
        tier, boxes = self._pane.tier(name), self._boxes
        if tier is None or tier.control is None or boxes is None:
            return
        box = next((one for one in boxes.all() if runs_on(tier, one)), None)
        if box is None:
            return
        from strixdesk.ui.box_log import BoxLog

        panel = BoxLog(tier.control.unit, box.name, self._window)
        panel.follow_lines(boxes.log_lines(box, tier.control.unit))
        panel.finished.connect(panel.deleteLater)
        panel.show()


class _Levers(QObject):
    """Connects the buttons of one box's header."""

    def __init__(self, cockpit: Cockpit, section: BoxSection) -> None:
        super().__init__(section)
        self._cockpit = cockpit
        self._box = section.box
        header = section.header
        header.mode_asked.connect(self._start_mode)
        header.stop_asked.connect(self._stop_all)
        header.cancel_asked.connect(self._cancel)
        header.pull_asked.connect(self._pull)
        header.wake_asked.connect(self._wake)
        header.read_asked.connect(self._read)
        header.env_asked.connect(self._edit_env)
        header.doctor_asked.connect(self._examine)
        header.settings_asked.connect(self._settings)

    def _start_mode(self, name: str) -> None:
        self._cockpit.start_mode(self._box, name)

    def _stop_all(self) -> None:
        self._cockpit.stop_all(self._box)

    def _cancel(self) -> None:
        self._cockpit.cancel(self._box)

    def _pull(self) -> None:
        self._cockpit.pull(self._box)

    def _wake(self) -> None:
        self._cockpit.wake(self._box)

    def _read(self) -> None:
        self._cockpit.read_again(self._box)

    def _edit_env(self) -> None:
        self._cockpit.edit_env(self._box)

    def _examine(self) -> None:
        self._cockpit.examine(self._box)

    def _settings(self) -> None:
        self._cockpit.box_settings_asked.emit(self._box.name)


class _Plan(QObject):
    """A start that did not fit, and the ways on from there."""

    def __init__(
        self,
        cockpit: Cockpit,
        box: Box,
        services: tuple[str, ...],
        mode: str | None,
        dialog: QDialog,
    ) -> None:
        super().__init__(dialog)
        self._cockpit = cockpit
        self._box = box
        self._services = services
        self._mode = mode

    def start_anyway(self) -> None:
        self._cockpit.do(self._box, Deed.START, self._services, mode=self._mode, override=True)

    def follow(self, remedy: Remedy) -> None:
        if remedy.stop:
            self._cockpit.do_after_stop(self._box, remedy.stop, self._services, self._mode)
        elif remedy.variable:
            self._cockpit.edit_env(self._box, ((remedy.variable, remedy.value),))
