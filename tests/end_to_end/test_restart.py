"""What the program knows again after a restart."""

from __future__ import annotations

import time
from pathlib import Path

from strixdesk.composition import build_services
from strixdesk.core.usage import AnswerOutcome, AnswerRecord
from strixdesk.paths import Paths
from strixdesk.session.session import Session
from strixdesk.settings import Settings, TierSettings


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
