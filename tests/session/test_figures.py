"""Under an answer stands what it took: as it was counted, and of all of it."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import TierUnreachable
from strixdesk.core.events import TextDelta, UsageChanged
from strixdesk.core.figures import Figures
from strixdesk.core.turn import Usage
from strixdesk.settings import Settings, UsageSettings
from tests.session.conftest import Stage
from tests.session.two_tiers import CUT, ONE, TWO, answered, continued, kept
from tests.support.fakes import FakeTiers, ScriptedChat

COUNTED = ChatEnd("stop", Usage(1204, 86))


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(ONE, TWO)
    return stage


def tokens(figures: Figures | None) -> tuple[int | None, int | None, bool]:
    assert figures is not None
    return figures.prompt_tokens, figures.completion_tokens, figures.estimated


async def test_the_figures_of_an_answer_are_those_in_the_book(stage: Stage) -> None:
    words = [ChatDelta(f"{number} ") for number in range(40)]
    pause = asyncio.Event()
    stage.chat = ScriptedChat([*words, pause, ChatDelta("end."), COUNTED])
    session = await stage.begin()
    runner = session.begin_typed("Tell me.")
    await stage.heard.until(lambda: len(stage.heard.of(TextDelta)) == len(words))
    asyncio.get_running_loop().call_later(0.05, pause.set)
    await session.finished(runner)
    answer = runner.answer
    assert answer
    await stage.heard.until(lambda: bool(stage.heard.of(UsageChanged)))
    (booked,) = (await stage.session.usage()).tiers

    assert tokens(answer.figures) == (1204, 86, False)
    assert answer.figures
    assert answer.figures.tokens_per_s == pytest.approx(booked.tokens_per_s, rel=0.5)
    assert booked.ttft_ms
    assert answer.figures.ttft_ms == pytest.approx(booked.ttft_ms.average, abs=100)


async def test_figures_are_kept_in_the_history(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One."), COUNTED])
    answer = await answered(stage)
    assert (await kept(stage.session)).figures == answer.figures


async def test_what_no_server_counted_is_an_estimate(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two three."), ChatEnd("stop")])
    answer = await answered(stage)
    assert answer.figures
    assert answer.figures.estimated
    assert answer.figures.completion_tokens == 5


async def test_tiers_that_were_only_out_of_reach_took_nothing(stage: Stage) -> None:
    stage.chat = ScriptedChat([TierUnreachable("gone")], [ChatDelta("One."), COUNTED])
    assert tokens((await answered(stage)).figures) == (1204, 86, False)


async def test_an_answer_that_nobody_gave_has_none(stage: Stage) -> None:
    stage.chat = ScriptedChat([TierUnreachable("gone")], [TierUnreachable("gone too")])
    answer = await answered(stage)
    assert answer.status is MessageStatus.FAILED
    assert answer.figures is None


async def test_both_tiers_of_a_hand_over_are_counted(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two "), CUT], [ChatDelta("three."), COUNTED])
    answer = await answered(stage)
    prompt, completion, estimated = tokens(answer.figures)
    assert estimated, "the first was cut before it counted"
    assert prompt
    assert prompt > 1204
    assert completion
    assert completion > 86


async def test_a_stopped_answer_took_what_had_come(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two three."), asyncio.Event()])
    session = await stage.begin()
    runner = session.begin_typed("Tell me.")
    await stage.heard.until(lambda: bool(stage.heard.of(TextDelta)))
    session.stop()
    await session.finished(runner)
    assert runner.answer
    assert runner.answer.status is MessageStatus.INCOMPLETE
    assert runner.answer.figures
    assert runner.answer.figures.completion_tokens == 5


async def test_a_continued_answer_took_all_of_it_even_after_a_restart(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One, two,"), ChatEnd("length", Usage(100, 10))])
    answer = await answered(stage)
    conversation = stage.session.conversation_id
    await stage.session.close()

    stage.chat = ScriptedChat([ChatDelta("One, two, three."), ChatEnd("stop", Usage(120, 5))])
    session = await stage.begin()
    await session.open_conversation(conversation)
    whole = await continued(session, answer)
    assert tokens(whole.figures) == (220, 15, False)
    assert (await kept(session)).figures == whole.figures


async def test_an_answer_from_the_cache_took_nothing(stage: Stage) -> None:
    stage.settings = Settings(usage=UsageSettings(cache=True))
    stage.chat = ScriptedChat([ChatDelta("One."), COUNTED])
    await answered(stage)
    stage.session.new_conversation()
    runner = stage.session.begin_typed("Tell me.")
    await stage.session.finished(runner)
    assert runner.answer
    assert "From the cache" in (runner.answer.reason or "")
    assert runner.answer.figures is None
