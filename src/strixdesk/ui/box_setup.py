"""The first-run page of a box: where it is, the look there hop by hop, what was read, and Save."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Coroutine, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.box import Box
from strixdesk.core.box_setup import HostKey, Peer, Survey
from strixdesk.core.errors import StrixError
from strixdesk.core.stack import Engine, Service, Stack
from strixdesk.core.tier import ControlKind
from strixdesk.session.box_tools import BoxTools
from strixdesk.settings import BoxSettings, ControlSettings, TierSettings
from strixdesk.ui.box_words import context_words, short_model
from strixdesk.ui.field_style import field_style
from strixdesk.ui.hop_chain import HopChain
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme

HERE = "This machine"
OTHER = "Another host name or address …"
COLUMNS = ("Role", "Engine", "Model", "Port", "Context", "Memory")


class BoxSetup(QDialog):
    """Open with `open()`, on a running event loop. `taken`: names that are in use already."""

    saved = Signal(object, object)
    """BoxSettings and a tuple of TierSettings."""

    def __init__(
        self,
        tools: BoxTools,
        theme: Theme,
        taken: frozenset[str] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._tools = tools
        self._taken = taken
        self._survey: Survey | None = None
        self._task: asyncio.Task[None] | None = None
        self.setWindowTitle("Add a machine")
        self.resize(760, 600)
        self.setStyleSheet(field_style())
        self._make_place()
        self._make_found(theme)
        self.save = push("Save", self._save, name="primary")
        self._can_save(False)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(plain("Saved as ordinary TOML, which you can edit by hand.", "muted"), 1)
        foot.addWidget(push("Cancel", self.reject))
        foot.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 24, 28, 20)
        column.setSpacing(14)
        column.addWidget(plain("Which machine runs your model servers?", "headline"))
        column.addWidget(
            plain(
                "StrixDesk goes there with the ssh that you use already and reads everything else "
                "from the stack itself. Nothing is changed there.",
                "muted",
                wrap=True,
            )
        )
        column.addLayout(self._form)
        column.addWidget(self.progress)
        column.addWidget(self.hops)
        column.addWidget(self._key)
        column.addWidget(self._result, 1)
        column.addStretch(0)
        column.addLayout(foot)
        self.place.currentIndexChanged.connect(self._elsewhere)
        self.host.textEdited.connect(self._elsewhere)
        self.user.textEdited.connect(self._elsewhere)
        self.folder.activated.connect(self._elsewhere)
        if line := self.folder.lineEdit():
            line.textEdited.connect(self._elsewhere)
        self._run(self._list_peers())

    def _make_place(self) -> None:
        self.place = QComboBox()
        self.place.setAccessibleName("Machine")
        self.place.addItem(HERE, None)
        self.place.addItem(OTHER, "")
        self.place.currentIndexChanged.connect(self._place_chosen)
        self.host = QLineEdit()
        self.host.setAccessibleName("Host name or address")
        self.host.setPlaceholderText("strix.local")
        self.user = QLineEdit()
        self.user.setAccessibleName("User there")
        self.user.setPlaceholderText(f"{getpass.getuser()} (as in your ssh settings)")
        self.folder = QComboBox()
        self.folder.setAccessibleName("Folder of the stack")
        self.folder.setEditable(True)
        if line := self.folder.lineEdit():
            line.setPlaceholderText("looked for")
            line.setAccessibleName("Folder of the stack")
        self.look = push("Look there", self._look)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(8)
        self._form.addRow(plain("Machine"), self.place)
        self._host_label = plain("Host")
        self._form.addRow(self._host_label, self.host)
        self._user_label = plain("User")
        self._form.addRow(self._user_label, self.user)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.folder, 1)
        row.addWidget(self.look)
        self._form.addRow(plain("Stack folder"), row)
        self._place_chosen()

    def _make_found(self, theme: Theme) -> None:
        self.progress = plain("", "muted", wrap=True)
        self.hops = HopChain(theme)
        self.hops.hide()
        self._key = QFrame()
        self._key.setObjectName("confirm")
        self._key_words = plain("", "", wrap=True)
        self._key_words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._key_words.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.trust = push("It is this machine: trust it", self._trust)
        row = QHBoxLayout(self._key)
        row.setContentsMargins(12, 10, 10, 10)
        row.addWidget(self._key_words, 1)
        row.addWidget(self.trust)
        self._key.hide()
        self._result = QWidget()
        self._found = plain("", "paneTitle", wrap=True)
        self.services = QTableWidget(0, len(COLUMNS))
        self.services.setHorizontalHeaderLabels(COLUMNS)
        self.services.setAccessibleName("Services that were read")
        self.services.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.services.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.services.setTabKeyNavigation(False)
        self.services.setShowGrid(False)
        self.services.verticalHeader().hide()
        header = self.services.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self._left_out = plain("", "trouble", wrap=True)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the box")
        naming = QHBoxLayout()
        naming.addWidget(plain("Call it"))
        naming.addWidget(self.name, 1)
        column = QVBoxLayout(self._result)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._found, self.services, self._left_out):
            column.addWidget(widget)
        column.addLayout(naming)
        self._result.hide()

    # -- where ---------------------------------------------------------------------------------

    async def _list_peers(self) -> None:
        for place, peer in enumerate(await self._tools.peers()):
            self.place.insertItem(place, _peer_words(peer), peer.host)
        self.place.setCurrentIndex(0)

    def _place_chosen(self) -> None:
        host = self.place.currentData()
        for widget in (self._host_label, self.host):
            widget.setVisible(host == "")
        for widget in (self._user_label, self.user):
            widget.setVisible(host is not None)

    @property
    def box(self) -> Box:
        chosen = self.place.currentData()
        host = chosen if chosen != "" else self.host.text().strip()
        user = self.user.text().strip() if host else ""
        name = self.name.text().strip() or (host or "here").split(".", 1)[0]
        return Box(name, host, user or None, self.folder.currentText().strip())

    # -- looking -------------------------------------------------------------------------------

    def _look(self) -> None:
        if self.place.currentData() == "" and not self.host.text().strip():
            self.progress.setText("Give a host name or an address first.")
            self.host.setFocus()
            return
        self._run(self._survey_it())

    async def _survey_it(self) -> None:
        self.look.setEnabled(False)
        self._can_save(False)
        try:
            survey = await self._tools.survey(self.box, self.progress.setText)
        finally:
            self.look.setEnabled(True)
        self._show(survey)

    def _show(self, survey: Survey) -> None:
        self._survey = survey
        self.progress.setText(survey.problem)
        self.hops.show_hops(survey.hops)
        self.hops.show()
        self._key.setVisible(survey.key is not None)
        if survey.key:
            self._show_key(survey.key)
        chosen = self.folder.currentText()
        self.folder.clear()
        self.folder.addItems(list(survey.stacks))
        if chosen:
            self.folder.setCurrentText(chosen)
        self._result.setVisible(survey.stack is not None)
        if survey.stack:
            self._show_stack(survey.stack)
        self._can_save(survey.stack is not None and survey.broken is None)

    def _elsewhere(self) -> None:
        """What was found there says nothing of here."""
        self._key.hide()
        self._can_save(False)

    def _can_save(self, can: bool) -> None:
        """Enter does the next step."""
        self.save.setEnabled(can)
        (self.save if can else self.look).setDefault(True)

    def _show_key(self, key: HostKey) -> None:
        if key.changed:
            self._key_words.setText(
                "Its host key is another one than before: this may be another machine. "
                f"Known: {key.known}. Now: {key.fingerprint}. If you set it up anew, take the old "
                "key out of ~/.ssh/known_hosts."
            )
        else:
            self._key_words.setText(
                f"This machine is new. Its {key.kind} key is {key.fingerprint}. Compare it with "
                "what “ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub” says there."
            )
        self.trust.setVisible(not key.changed)

    def _trust(self) -> None:
        if self._survey and self._survey.key:
            self._run(self._trust_it(self._survey.key))

    async def _trust_it(self, key: HostKey) -> None:
        await self._tools.trust(self.box, key)
        await self._survey_it()

    def _show_stack(self, stack: Stack) -> None:
        count = len(stack.services)
        self._found.setText(f"{count} services in {stack.directory}")
        self.services.setRowCount(count)
        for row, service in enumerate(stack.services):
            for column, text in enumerate(_cells(service)):
                self.services.setItem(row, column, QTableWidgetItem(text))
        self._left_out.setText(" ".join(stack.left_out))
        self._left_out.setVisible(bool(stack.left_out))
        if not self.name.text():
            self.name.setText(self.box.name)

    # -- saving --------------------------------------------------------------------------------

    def _save(self) -> None:
        survey = self._survey
        if survey is None or survey.stack is None:
            return
        box = self.box
        if box.name in self._taken:
            self.progress.setText(f"There is a “{box.name}” already: call it something else.")
            self.name.setFocus()
            return
        settings = BoxSettings(
            name=box.name,
            host=box.host,
            user=box.user,
            stack=survey.stack.directory,
            mac=survey.mac,
        )
        tiers = tiers_of(box, survey.stack.services, self._taken, survey.address)
        self.saved.emit(settings, tiers)
        self.accept()

    def done(self, result: int) -> None:
        if self._task:
            self._task.cancel()
        super().done(result)

    def _run(self, request: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._told(request))

    async def _told(self, request: Coroutine[Any, Any, None]) -> None:
        try:
            await request
        except StrixError as error:
            self.progress.setText(error.sentence())


def tiers_of(
    box: Box, services: Sequence[Service], taken: frozenset[str], address: str | None = None
) -> tuple[TierSettings, ...]:
    """A tier for each server with a port; a name that is taken gets the box's name added."""
    made: list[TierSettings] = []
    host = address or box.host or "127.0.0.1"
    for service in services:
        if service.engine is Engine.OTHER or service.port is None:
            continue
        name = service.role or service.name
        if name in taken or name in [one.name for one in made]:
            name = f"{name} on {box.name}"
        made.append(
            TierSettings(
                name=name,
                base_url=f"http://{f'[{host}]' if ':' in host else host}:{service.port}/v1",
                role=service.role,
                control=ControlSettings(kind=ControlKind.COMPOSE, box=box.name, unit=service.name),
            )
        )
    return tuple(made)


def _peer_words(peer: Peer) -> str:
    if peer.online is None:
        return f"{peer.name} (from your ssh settings)"
    system = f", {peer.system}" if peer.system else ""
    return f"{peer.name} ({'online' if peer.online else 'offline'}{system})"


def _cells(service: Service) -> tuple[str, ...]:
    if service.gpu_fraction is not None:
        memory = f"{service.gpu_fraction:.0%} of the memory"
    else:
        memory = "its file" if service.engine is Engine.LLAMA_CPP else ""
    return (
        service.role or service.name,
        service.engine.value,
        short_model(service.model or ""),
        str(service.port or ""),
        context_words(service.context_tokens) if service.context_tokens else "",
        memory,
    )
