"""The window: it sends requests to the assistant and shows the events that come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from strixdesk.core.conversation import Image
from strixdesk.core.errors import StrixError
from strixdesk.session.assistant import Assistant
from strixdesk.settings import Settings
from strixdesk.ui.bridge import EventBridge, Requests
from strixdesk.ui.cockpit import Cockpit
from strixdesk.ui.conversation_desk import ConversationDesk
from strixdesk.ui.drafts import Drafts
from strixdesk.ui.icons import app_icon
from strixdesk.ui.pictures import pictures_in
from strixdesk.ui.style import palette, style_sheet, theme_for
from strixdesk.ui.talk_key import TalkKey
from strixdesk.ui.tier_desk import TierDesk
from strixdesk.ui.tray import Tray
from strixdesk.ui.usage_desk import UsageDesk
from strixdesk.ui.window_events import WindowEvents
from strixdesk.ui.window_menus import Entry, Menu, fill_menu_bar, menu_keys, shortcut_rows
from strixdesk.ui.window_parts import WindowParts
from strixdesk.ui.window_shell import HIDE_LEFT_BELOW, HIDE_RIGHT_BELOW, WindowShell


class MainWindow(QObject):
    """Fills a shell with the panes, and stands between them and the assistant."""

    def __init__(
        self,
        shell: WindowShell,
        assistant: Assistant,
        settings: Settings,
        *,
        save_settings: Callable[[Settings], None],
        device_names: Callable[[], tuple[list[str], list[str]]] = lambda: ([], []),
    ) -> None:
        super().__init__(shell)
        self._shell = shell
        self._assistant = assistant
        self._settings = settings
        self._save_settings = save_settings
        self._device_names = device_names
        self._theme = theme_for(settings.ui.theme)
        self._wanted: dict[QWidget, bool] = {}
        """Panes that the user showed or hid: the width does not decide for them any more."""
        self._requests = Requests(self._refused)

        shell.setWindowIcon(app_icon())
        parts = WindowParts(self._theme, settings.ui.talk_key, assistant.attachment_path)
        self._parts = parts
        self._conversations, self._tiers, self._bar = parts.conversations, parts.tiers, parts.bar
        self._notices, self._empty, self._transcript = parts.notices, parts.empty, parts.transcript
        self._voice_bar, self._composer = parts.voice_bar, parts.composer
        self._tray = Tray(app_icon(), shell)
        self._cockpit = Cockpit(
            assistant, self._requests, parts.tiers, parts.confirm, parts.notices, self._theme, shell
        )
        self._desk = ConversationDesk(
            assistant,
            self._requests,
            Drafts(shell.state, self),
            conversations=self._conversations,
            transcript=self._transcript,
            composer=self._composer,
            bar=self._bar,
            notices=self._notices,
            parent=self,
        )
        self._talk_key = TalkKey(settings.ui.talk_key, self)
        shell.setCentralWidget(parts.body)
        self._tier_desk = TierDesk(
            assistant, self._tiers, self._notices, lambda: self._settings, self._store, shell
        )
        self._usage = UsageDesk(assistant, self._requests, shell)
        self._menus = self._make_menus()
        fill_menu_bar(shell, self._menus)
        self._connect()
        self._apply_theme()

        self._events = WindowEvents(
            parts, self._desk, self._cockpit, self._tray, lambda: self._settings.ui.talk_key
        )
        self._bridge = EventBridge(self)
        self._bridge.happened.connect(self._events.take)
        self._unsubscribe = assistant.subscribe(self._bridge.take)
        self._bar.show_speech(settings.voice.enabled)
        self._desk.begin()
        self._fit_panes()
        self._composer.field.setFocus()

    # -- building ------------------------------------------------------------------------------

    def _make_menus(self) -> list[Menu]:
        return [
            (
                "&Conversation",
                [
                    Entry("&New conversation", "Ctrl+N", self._desk.begin_new),
                    Entry("&Find a conversation", "Ctrl+K", self._find_conversation),
                    None,
                    Entry("&Settings", "Ctrl+,", self.open_settings),
                    Entry("&Quit", "Ctrl+Q", self._shell.close),
                ],
            ),
            (
                "&Talk",
                [
                    Entry("&Hands-free on or off", "Ctrl+M", self._bar.hands_free.click),
                    Entry("&Read answers aloud on or off", "Ctrl+Shift+S", self._bar.speech.click),
                    Entry("&Stop", "Esc", self._stop),
                    Entry("Say &yes to what is asked", "Ctrl+Y", self._parts.confirm.accept),
                    None,
                    Entry("Go to the &question field", "Ctrl+L", self._composer.field.setFocus),
                ],
            ),
            (
                "&View",
                [
                    Entry("&Conversations", "Ctrl+B", self._bar.left.click),
                    Entry("&Tiers", "Ctrl+T", self._bar.right.click),
                ],
            ),
            (
                "&Box",
                [
                    Entry("&Ask all tiers how they are", "F5", self._assistant.refresh_tiers),
                    Entry("&Go to the tiers", "Ctrl+Shift+T", self._go_to_tiers),
                    None,
                    Entry("Add a &machine", "Ctrl+Shift+M", self._tier_desk.set_up_box),
                ],
            ),
            (
                "C&loud",
                [
                    Entry("&Usage and cost", "Ctrl+U", self._usage.open),
                    None,
                    Entry("&Orchestrator to the cloud", "", self._usage.orchestrator_away),
                    Entry("Orchestrator &back", "", self._usage.orchestrator_back),
                ],
            ),
            ("&Help", [Entry("&Keys", "F1", self._show_keys)]),
        ]

    def _connect(self) -> None:
        self._bar.left.clicked.connect(self._toggle_left)
        self._bar.right.clicked.connect(self._toggle_right)
        self._bar.settings.clicked.connect(self.open_settings)
        self._bar.hands_free.toggled.connect(self._assistant.set_hands_free)
        self._bar.speech.toggled.connect(self._assistant.set_speech)
        self._tiers.tier_chosen.connect(self._assistant.set_tier)
        self._tray.window_asked.connect(self._shell.come_to_front)
        self._tray.talk_asked.connect(self._toggle_talk)
        self._tray.silence_asked.connect(self._stop)
        self._tray.quit_asked.connect(self._shell.close)
        self._transcript.answer_again_requested.connect(self._assistant.answer_again)
        self._transcript.continue_requested.connect(self._assistant.continue_answer)
        self._transcript.drop_requested.connect(self._assistant.drop_waiting)
        self._transcript.other_tier_requested.connect(self._ask_other_tier)
        self._transcript.without_pictures_requested.connect(self._ask_without_pictures)
        self._transcript.transcribe_again_requested.connect(self._assistant.transcribe_again)
        self._transcript.image_opened.connect(self._open_image)
        self._empty.example_chosen.connect(self._ask_example)
        self._composer.submitted.connect(self._ask)
        self._composer.stop_requested.connect(self._assistant.stop)
        self._composer.talk_pressed.connect(self._talk_key.press)
        self._composer.talk_released.connect(self._talk_key.release)
        self._composer.pictures_given.connect(self._attach)
        self._talk_key.pressed.connect(self._press_talk)
        self._talk_key.released.connect(self._release_talk)
        for watched in (self._shell, self._composer.field):
            watched.installEventFilter(self._talk_key)
        self._shell.may_close = self._cockpit.closing.may_close
        self._shell.wanted.connect(self._cockpit.closing.stay)
        self._cockpit.box_settings_asked.connect(self._tier_desk.edit_box)
        self._shell.closing.connect(self._close)
        self._shell.resized.connect(self._fit_panes)
        self._shell.sight_changed.connect(self._watch)
        self._shell.dropped.connect(self._drop)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    # -- what is told ---------------------------------------------------------------------------

    def show_problem(self, text: str, path: Path | None = None) -> None:
        """Something that was wrong at the start."""
        if path:
            url = QUrl.fromLocalFile(str(path))
            self._notices.warn(text, "Open the file", lambda: _open_url(url))
        else:
            self._notices.warn(text)

    def assistant_arrived(self) -> None:
        """The engines' libraries are loaded: the past can be listed."""
        self._desk.list_all()

    def _refused(self, error: StrixError) -> None:
        self._notices.warn(error.sentence())

    # -- asking --------------------------------------------------------------------------------

    def _ask(self, text: str, images: tuple[Image, ...]) -> None:
        self._assistant.ask(text, images)

    def _ask_example(self, text: str) -> None:
        self._assistant.ask(text)
        self._composer.field.setFocus()

    def _ask_other_tier(self, message_id: str, tier: str) -> None:
        self._assistant.answer_again(message_id, tier=tier)

    def _ask_without_pictures(self, message_id: str) -> None:
        self._assistant.answer_again(message_id, without_pictures=True)

    def _attach(self, pictures: list[Path | bytes]) -> None:
        self._requests.start(self._attach_all(pictures))

    async def _attach_all(self, pictures: list[Path | bytes]) -> None:
        for picture in pictures:
            try:
                name = picture.name if isinstance(picture, Path) else "pasted picture"
                self._composer.attach(await self._assistant.attach(picture, name))
            except StrixError as error:
                self._refused(error)
        self._composer.field.setFocus()

    def _open_image(self, image: Image) -> None:
        path = self._assistant.attachment_path(image)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _drop(self, data: QMimeData) -> None:
        if given := pictures_in(data):
            self._attach(given)

    # -- talking -------------------------------------------------------------------------------

    def _press_talk(self) -> None:
        self._assistant.press_talk()

    def _release_talk(self) -> None:
        self._assistant.release_talk()

    def _toggle_talk(self) -> None:
        """From the tray, where no key can be held: the second time sends."""
        if self._voice_bar.recording:
            self._assistant.release_talk()
        else:
            self._assistant.press_talk()

    def _stop(self) -> None:
        self._parts.confirm.decline()
        self._assistant.stop()

    def _find_conversation(self) -> None:
        self._set_pane(self._conversations, True)
        self._conversations.filter.setFocus()
        self._conversations.filter.selectAll()

    # -- settings and looks --------------------------------------------------------------------

    def open_settings(self) -> None:
        from strixdesk.ui.settings_dialog import SettingsDialog  # not before it is wanted

        dialog = SettingsDialog(
            self._settings,
            save=self._save_settings,
            device_names=self._device_names,
            taken_keys=menu_keys(self._menus),
            parent=self._shell,
        )
        dialog.saved.connect(self._settings_saved)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _settings_saved(self, settings: Settings) -> None:
        from strixdesk.ui.settings_words import needs_restart

        if needs_restart(self._settings, settings):
            self._notices.tell("Saved. Some of it takes effect at the next start.")
        self._settings = settings
        self._talk_key.set_key(settings.ui.talk_key)
        self._composer.show_recording(False, settings.ui.talk_key)
        self._apply_theme()

    def _store(self, settings: Settings) -> bool:
        try:
            self._save_settings(settings)
        except StrixError as error:
            self._refused(error)
            return False
        self._settings = settings
        return True

    # -- panes and the window itself -----------------------------------------------------------

    def _go_to_tiers(self) -> None:
        self._set_pane(self._tiers, True)
        self._tiers.focus_first()

    def _apply_theme(self) -> None:
        self._theme = theme_for(self._settings.ui.theme)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setStyle("Fusion")
            application.setPalette(palette(self._theme))
            application.setStyleSheet(style_sheet(self._theme))
        self._shell.remember_colours(self._theme.window, self._theme.surface)
        self._parts.set_theme(self._theme)
        self._cockpit.set_theme(self._theme)

    def _show_keys(self) -> None:
        from strixdesk.ui.shortcuts_sheet import ShortcutsSheet

        sheet = ShortcutsSheet(shortcut_rows(self._menus, self._settings.ui.talk_key), self._shell)
        sheet.finished.connect(sheet.deleteLater)
        sheet.open()

    def _toggle_left(self) -> None:
        self._set_pane(self._conversations, not self._conversations.isVisible())

    def _toggle_right(self) -> None:
        self._set_pane(self._tiers, not self._tiers.isVisible())

    def _set_pane(self, pane: QWidget, shown: bool) -> None:
        self._wanted[pane] = shown
        pane.setVisible(shown)
        if shown and pane is self._tiers and self._shell.width() < HIDE_RIGHT_BELOW:
            self._conversations.setVisible(False)  # there is no room for both
        self._watch()

    def _fit_panes(self) -> None:
        width = self._shell.width()
        for pane, least in (
            (self._conversations, HIDE_LEFT_BELOW),
            (self._tiers, HIDE_RIGHT_BELOW),
        ):
            pane.setVisible(self._wanted.get(pane, width >= least))
        self._watch()

    def _watch(self) -> None:
        self._cockpit.set_watched(self._shell.in_sight and not self._tiers.isHidden())

    def _close(self) -> None:
        self._talk_key.release()
        self._tray.hide()
        self._desk.save_drafts()
        self._requests.cancel()
        self._unsubscribe()


def _open_url(url: QUrl) -> None:
    QDesktopServices.openUrl(url)
