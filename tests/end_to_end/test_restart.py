"""What the program knows again after a restart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from strixdesk.composition import build_services
from strixdesk.core.usage import AnswerOutcome, AnswerRecord
from strixdesk.paths import Paths
from strixdesk.session.session import Session
from strixdesk.settings import ChatSettings, Settings, TierSettings
from tests.support.llama import start_llama


async def test_given_answers_before_a_restart_then_their_tier_is_as_fast_as_it_was(
    tmp_path: Path,
) -> None:
    paths = Paths.standard(tmp_path / "settings.toml", tmp_path)
    settings = Settings(tiers=(TierSettings(name="coder", base_url="http://127.0.0.1:9/v1"),))

    first = await build_services(settings, paths)
    assert first.tiers.statuses()["coder"].tokens_per_s is None
    assert first.usage
    for speed in (1.0, 40.0, 42.0):
        record = AnswerRecord("coder", time.time(), AnswerOutcome.COMPLETE, tokens_per_s=speed)
        await first.usage.add(record)
    await Session(first, speech_on=False).close()

    second = await build_services(settings, paths)
    assert second.tiers.statuses()["coder"].tokens_per_s == 40.0
    await Session(second, speech_on=False).close()


@pytest.mark.engine
async def test_given_a_real_answer_before_a_restart_then_it_is_still_known_what_it_took(
    tmp_path: Path,
) -> None:
    paths = Paths.standard(tmp_path / "settings.toml", tmp_path)
    server = start_llama()
    try:
        tier = TierSettings(name="coder", base_url=server.tier().base_url)
        settings = Settings(tiers=(tier,), chat=ChatSettings(max_answer_tokens=48))
        session = Session(await build_services(settings, paths), speech_on=False)
        runner = session.begin_typed("Count from one to twenty, in words.")
        await session.finished(runner)
        conversation = session.conversation_id
        await session.close()
    finally:
        server.close()
    assert runner.answer
    told = runner.answer.figures
    assert told
    assert runner.usage
    assert told.prompt_tokens == runner.usage.prompt_tokens
    assert told.completion_tokens == runner.usage.completion_tokens
    assert not told.estimated
    assert told.tokens_per_s
    assert told.ttft_ms

    again = Session(await build_services(settings, paths), speech_on=False)
    assert (await again.open_conversation(conversation)).messages[-1].figures == told
    (booked,) = (await again.usage()).tiers
    assert booked.completion_tokens == told.completion_tokens
    await again.close()
