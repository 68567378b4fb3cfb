"""What was written but not sent, for each conversation; the texts survive a restart."""

from __future__ import annotations

import json

from PySide6.QtCore import QObject, QSettings, QTimer

from strixdesk.ui.composer import Draft

SAVE_AFTER_MS = 400


class Drafts(QObject):
    def __init__(self, state: QSettings, parent: QObject) -> None:
        super().__init__(parent)
        self._state = state
        self._drafts: dict[str, Draft] = {}
        try:
            kept = json.loads(str(state.value("drafts") or "{}"))
            self._drafts = {str(key): Draft(str(text)) for key, text in kept.items()}
        except (ValueError, AttributeError):
            pass  # a damaged state file costs the drafts, not the start
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save)

    def last(self) -> Draft:
        """What stood in the field when the program ended."""
        return self._drafts.get("", Draft())

    def of(self, conversation_id: str) -> Draft:
        return self._drafts.get(conversation_id, Draft())

    def keep(self, conversation_id: str, draft: Draft) -> None:
        self._drafts[conversation_id] = draft
        self._drafts[""] = draft
        self._timer.start()

    def save(self) -> None:
        texts = {key: one.text for key, one in self._drafts.items() if one.text.strip()}
        self._state.setValue("drafts", json.dumps(texts))
