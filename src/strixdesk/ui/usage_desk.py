"""What costs money: the page of usage, up to date while it is open, and the cloud's switch."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from strixdesk.core.events import Event, UsageChanged
from strixdesk.session.assistant import Assistant
from strixdesk.ui.bridge import EventBridge, Requests
from strixdesk.ui.usage_page import UsagePage


class UsageDesk(QObject):
    def __init__(self, assistant: Assistant, requests: Requests, parent: QWidget) -> None:
        super().__init__(parent)
        self._assistant = assistant
        self._requests = requests
        self._window = parent
        self._page: UsagePage | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._bridge = EventBridge(self)
        self._bridge.happened.connect(self._take)

    def open(self) -> None:
        if self._page is None:
            page = self._page = UsagePage(self._window)
            page.finished.connect(self._closed)
            page.finished.connect(page.deleteLater)
            self._unsubscribe = self._assistant.subscribe(self._bridge.take)
            page.open()
        self._requests.start(self._show())

    def orchestrator_away(self) -> None:
        self._assistant.switch_to_cloud("orchestrator", True)

    def orchestrator_back(self) -> None:
        self._assistant.switch_to_cloud("orchestrator", False)

    async def _show(self) -> None:
        report = await self._assistant.usage()
        if self._page:
            self._page.show_report(report)

    @Slot(object)
    def _take(self, event: Event) -> None:
        if self._page and isinstance(event, UsageChanged):
            self._requests.start(self._show())

    @Slot()
    def _closed(self) -> None:
        self._page = None
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None
