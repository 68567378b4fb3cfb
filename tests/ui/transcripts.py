"""What stands in a transcript, and how a test finds it."""

from __future__ import annotations

import itertools

from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QScrollArea,
    QScrollBar,
    QTextBrowser,
    QWidget,
)

from strixdesk.core.conversation import Conversation, Message, MessageStatus, Part, Role, Text
from strixdesk.core.events import MessageAdded, TextDelta
from strixdesk.ui.message_view import MessageView
from strixdesk.ui.transcript_answer import AnswerView
from strixdesk.ui.transcript_question import QuestionView
from strixdesk.ui.transcript_view import TranscriptView

USER, ASSISTANT = Role.USER, Role.ASSISTANT
STREAMING, COMPLETE = MessageStatus.STREAMING, MessageStatus.COMPLETE
_ids = itertools.count()


def message(
    role: Role = ASSISTANT,
    text: str = "",
    status: MessageStatus = COMPLETE,
    *parts: Part,
    detail: str | None = None,
    tier: str | None = "coder",
) -> Message:
    said = (Text(text),) if text else ()
    return Message(
        f"m{next(_ids)}",
        role,
        (*parts, *said),
        status,
        created_at=0.0,
        tier=tier if role is ASSISTANT else None,
        reason="It is about code." if role is ASSISTANT else None,
        detail=detail,
    )


def many(count: int) -> Conversation:
    roles = itertools.cycle((USER, ASSISTANT))
    return Conversation(
        "c",
        "",
        tuple(
            message(role, f"Message {n}.\n\nMore.")
            for n, role in zip(range(count), roles, strict=False)
        ),
    )


def add(transcript: TranscriptView, added: Message) -> MessageView:
    transcript.apply(MessageAdded("c", added))
    return views(transcript)[-1]


def views(transcript: TranscriptView) -> list[MessageView]:
    """Those that exist as widgets, oldest first."""
    found = [*transcript.findChildren(QuestionView), *transcript.findChildren(AnswerView)]
    return sorted((view for view in found if not view.isHidden()), key=lambda view: view.y())


def words(view: MessageView) -> str:
    """The visible text of a message, without its labels and buttons."""
    shown = [text for text in view.findChildren(QTextBrowser) if text.isVisibleTo(view)]
    return "\n".join(text.toPlainText() for text in shown)


def labels(view: MessageView) -> str:
    return " ".join(label.text() for label in view.findChildren(QLabel) if label.isVisibleTo(view))


def button(view: QWidget, text: str) -> QAbstractButton | None:
    """The visible button whose words begin like that."""
    for found in view.findChildren(QAbstractButton):
        if found.text().startswith(text) and found.isVisibleTo(view):
            return found
    return None


def press(view: QWidget, text: str) -> None:
    found = button(view, text)
    assert found is not None, f"there is no button {text}"
    found.click()


def bar(transcript: TranscriptView) -> QScrollBar:
    (area,) = transcript.findChildren(QScrollArea)
    return area.verticalScrollBar()


def at_bottom(transcript: TranscriptView) -> bool:
    return bar(transcript).value() == bar(transcript).maximum()


def stream(transcript: TranscriptView, to: Message, text: str) -> None:
    transcript.apply(TextDelta("c", to.id, text))
    transcript.flush()
