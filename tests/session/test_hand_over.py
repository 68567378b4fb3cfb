"""Two tiers on real connections: one dies in mid-answer, the other goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from strixdesk.core.conversation import MessageStatus
from tests.support.handing_over import WHOLE, hand_over, random_cases

SILENT_S = 6.0
"""Longer than a busy machine makes a healthy server wait."""


async def test_answers_cut_at_random_places_lose_no_word_and_repeat_none(tmp_path: Path) -> None:
    cases = random_cases(21)
    folders = [tmp_path / str(number) for number in range(len(cases))]
    for folder in folders:
        folder.mkdir()
    results = await asyncio.gather(
        *(
            hand_over(case, folder, silent_s=SILENT_S)
            for case, folder in zip(cases, folders, strict=True)
        )
    )
    for result in results:
        assert result.text == WHOLE, result.case
        assert result.status is MessageStatus.COMPLETE
        assert result.handed_over
