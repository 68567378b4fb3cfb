"""Two scripted tiers, and what is asked of them."""

from __future__ import annotations

from strixdesk.core.chat import ChatEnd
from strixdesk.core.conversation import Message
from strixdesk.core.errors import StreamBroken
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.session import Session
from tests.session.conftest import Stage

END = ChatEnd("stop")
ONE = Tier("one", "http://127.0.0.1:1/v1")
TWO = Tier("two", "http://127.0.0.1:2/v1")
CUT = StreamBroken("The answer of “one” broke off: the connection was cut.", "Ask again.")


def served_by(stage: Stage, name: str, server: str) -> None:
    stage.tiers.status[name] = TierStatus(TierState.READY, 0.0, server=server)


async def answered(stage: Stage, text: str = "Tell me.", tier: str | None = None) -> Message:
    session = await stage.begin()
    runner = session.begin_typed(text, tier=tier)
    await session.finished(runner)
    assert runner.answer is not None
    return runner.answer


async def kept(session: Session) -> Message:
    """The last message as the history has it."""
    conversation = await session.open_conversation(session.conversation_id)
    return conversation.messages[-1]


async def continued(session: Session, answer: Message) -> Message:
    runner = session.begin_continuing(answer.id)
    assert runner is not None
    await session.finished(runner)
    assert runner.answer is not None
    return runner.answer
