"""Two real llama-servers: one is killed in the middle of its answer, the other goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.events import TextDelta
from strixdesk.settings import ChatSettings, Settings
from tests.support.fakes import Heard
from tests.support.handing_over import session_of
from tests.support.llama import LlamaServer, start_llama

pytestmark = pytest.mark.slow


@pytest.fixture
def servers() -> Iterator[tuple[LlamaServer, LlamaServer]]:
    both = start_llama(), start_llama()
    yield both
    for server in both:
        server.close()


async def test_given_a_server_that_is_killed_then_the_other_completes_its_answer(
    tmp_path: Path, servers: tuple[LlamaServer, LlamaServer]
) -> None:
    first, second = servers
    watch = TierWatch([first.tier("coder"), second.tier("utility")])
    settings = Settings(chat=ChatSettings(max_answer_tokens=400))
    chat = ChatClient(settings.chat, watch.status_of)
    session = await session_of(Inventory(watch), chat, settings, tmp_path)
    heard = Heard()
    session.subscribe(heard.take)
    runner = session.begin_typed("Tell me a long story about a fox, a river and a winter night.")

    def words() -> str:
        return "".join(delta.text for delta in heard.of(TextDelta))

    await heard.until(lambda: len(words().split()) >= 12, within_s=60)
    before = words()
    await asyncio.to_thread(first.kill)
    await session.finished(runner)

    answer = runner.answer
    assert answer is not None
    assert answer.text.startswith(before)
    assert len(answer.text) > len(before)
    assert answer.text == words()
    assert answer.text.count(before) == 1
    assert "length limit" in (answer.detail or "") or answer.status is MessageStatus.COMPLETE
    (joint,) = answer.hand_overs
    assert (joint.begun_by, joint.continued_by) == ("coder", "utility")
    # where the two meet, one word begins with one space
    around = answer.text[joint.at_chars - 30 : joint.at_chars + 30]
    assert "  " not in around
    kept = await session.open_conversation(session.conversation_id)
    assert kept.messages[-1].hand_overs == answer.hand_overs
    await session.close()
