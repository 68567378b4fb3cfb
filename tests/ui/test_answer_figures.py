"""Above an answer that has ended stands what it took."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication

from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.figures import Figures
from strixdesk.ui.message_view import Look
from strixdesk.ui.theme import LIGHT
from strixdesk.ui.transcript_answer import AnswerView
from strixdesk.ui.transcript_header import TierLine
from tests.support.patient_bot import PatientBot

ANSWER = Message(
    "m",
    Role.ASSISTANT,
    (Text("Forty-two."), Figures(1204, 86, False, 312.0, 42.3)),
    MessageStatus.COMPLETE,
    created_at=0.0,
    tier="coder",
    reason="It is about code.",
)
TOOK = "42 tokens per second, first word after 0.31 s, 1,204 tokens in, 86 tokens out."


@pytest.fixture
def view(qtbot: PatientBot) -> AnswerView:
    view = AnswerView(ANSWER, Look.of(LIGHT, QGuiApplication.font()), {"coder": "Qwen Coder"})
    qtbot.addWidget(view)
    return view


def line(view: AnswerView) -> TierLine:
    found = view.findChild(TierLine)
    assert found
    return found


def test_its_line_tells_all_of_it_to_who_points_at_it_or_listens(view: AnswerView) -> None:
    assert line(view).toolTip() == f"Qwen Coder: It is about code.\n{TOOK}"
    assert line(view).accessibleName() == f"Qwen Coder  ·  It is about code.  ·  {TOOK}"


def test_its_line_shows_them(view: AnswerView) -> None:
    header = line(view)
    header.resize(700, header.sizeHint().height())
    with_figures = header.grab().toImage()
    view.set_message(replace(ANSWER, parts=(Text("Forty-two."),)))
    header.resize(700, header.sizeHint().height())
    assert header.grab().toImage() != with_figures
    assert "tokens" not in header.toolTip()


def test_while_it_goes_on_nothing_is_told_yet(view: AnswerView) -> None:
    view.set_message(replace(ANSWER, status=MessageStatus.STREAMING))
    assert "tokens" not in line(view).toolTip()
    view.set_message(replace(ANSWER, status=MessageStatus.INCOMPLETE, detail="It broke off."))
    assert TOOK in line(view).toolTip()
