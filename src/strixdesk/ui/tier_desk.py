"""What the user decides about tiers and machines: it is kept, and takes effect at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QWidget

from strixdesk.core.tier import Tier
from strixdesk.session.assistant import Assistant
from strixdesk.settings import BoxSettings, Settings, TierSettings, decorated, decorations
from strixdesk.ui.cockpit import NOT_YET
from strixdesk.ui.notices import Notices
from strixdesk.ui.style import theme_for
from strixdesk.ui.tiers_pane import TiersPane


class TierDesk(QObject):
    def __init__(
        self,
        assistant: Assistant,
        pane: TiersPane,
        notices: Notices,
        settings: Callable[[], Settings],
        store: Callable[[Settings], bool],
        window: QWidget,
    ) -> None:
        """`store` says whether they could be saved; why not, it has told."""
        super().__init__(window)
        self._assistant = assistant
        self._pane = pane
        self._notices = notices
        self._settings = settings
        self._store = store
        self._window = window
        pane.tier_adopted.connect(self._adopt)
        pane.favourite_asked.connect(self._favour)
        pane.rename_asked.connect(self._ask_label)
        pane.setup_asked.connect(self.set_up_box)

    def _adopt(self, tier: Tier) -> None:
        added = TierSettings(name=tier.name, base_url=tier.base_url, role=tier.role)
        settings = self._settings()
        self._store(settings.model_copy(update={"tiers": (*settings.tiers, added)}))
        self._assistant.adopt_tier(tier)  # for today, even if it could not be saved

    # -- how a tier is shown -------------------------------------------------------------------

    def _favour(self, name: str, on: bool) -> None:
        self._decorate(decorated(self._settings(), name, favourite=on))

    def _ask_label(self, name: str) -> None:
        tier = self._pane.tier(name)
        if tier is None:
            return
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Rename")
        dialog.setLabelText(f"What {name} is called in StrixDesk; empty: its own name.")
        dialog.setTextValue(tier.title)
        dialog.textValueSelected.connect(_Renaming(self, name, dialog).rename)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def rename(self, name: str, label: str) -> None:
        label = " ".join(label.split())
        self._decorate(decorated(self._settings(), name, label="" if label == name else label))

    def _decorate(self, settings: Settings) -> None:
        """A star that could not be saved goes back to what it was with the next list."""
        self._store(settings)
        self._assistant.decorate_tiers(*decorations(self._settings()))

    # -- machines ------------------------------------------------------------------------------

    def set_up_box(self) -> None:
        tools = self._assistant.box_tools()
        if tools is None:
            self._notices.tell(NOT_YET)
            return
        from strixdesk.ui.box_setup import BoxSetup  # not before it is wanted

        settings = self._settings()
        taken = frozenset(
            [one.name for one in settings.boxes] + [one.name for one in settings.tiers]
        )
        setup = BoxSetup(tools, theme_for(settings.ui.theme), taken, self._window)
        setup.saved.connect(self._save_box)
        setup.finished.connect(setup.deleteLater)
        setup.open()

    def _save_box(self, box: BoxSettings, tiers: tuple[TierSettings, ...]) -> None:
        settings = self._settings()
        update = {"boxes": (*settings.boxes, box), "tiers": (*settings.tiers, *tiers)}
        if self._store(settings.model_copy(update=update)):
            self._assistant.save_box(box, [one.tier() for one in tiers])

    def edit_box(self, name: str) -> None:
        box = self._box(name)
        boxes = self._assistant.boxes()
        if box is None or boxes is None:
            return
        if any(one.name == name and boxes.status_of(one).busy for one in boxes.all()):
            self._notices.tell(f"{name} is being worked on: change its settings when that is over.")
            return
        from strixdesk.ui.box_settings_dialog import BoxSettingsDialog

        dialog = BoxSettingsDialog(box, self._save_changed_box, self._window)
        dialog.remove_asked.connect(self._remove_box)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _box(self, name: str) -> BoxSettings | None:
        return next((one for one in self._settings().boxes if one.name == name), None)

    def _save_changed_box(self, box: BoxSettings) -> bool:
        settings = self._settings()
        boxes = tuple(box if one.name == box.name else one for one in settings.boxes)
        saved = self._store(settings.model_copy(update={"boxes": boxes}))
        if saved:
            self._assistant.save_box(box, ())
        return saved

    def _remove_box(self, name: str) -> None:
        box, settings = self._box(name), self._settings()
        if box is None:
            return
        there = tuple(t for t in settings.tiers if t.control and t.control.box == name)
        update = {
            "boxes": tuple(one for one in settings.boxes if one != box),
            "tiers": tuple(one for one in settings.tiers if one not in there),
        }
        if self._store(settings.model_copy(update=update)):
            self._assistant.remove_box(name)
            self._notices.tell(
                f"{name} was taken out. What runs there runs on.",
                "Undo",
                lambda: self._save_box(box, there),
            )


class _Renaming(QObject):
    """Holds which tier the open dialog is about."""

    def __init__(self, desk: TierDesk, name: str, dialog: QInputDialog) -> None:
        super().__init__(dialog)
        self._desk = desk
        self._name = name

    def rename(self, label: str) -> None:
        self._desk.rename(self._name, label)
