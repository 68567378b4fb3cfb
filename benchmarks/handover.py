"""Answers that are cut at random and continued by another tier, beside joining the two pieces

A hundred answers of two hundred numbered words, from real connections that are reset, closed or
silent in the middle; the second server is given the beginning (prefill) and ends the last
word as it began or begins another one, or repeats the last words, the last sentence or
everything, with or without a preamble, or goes on in mid-word.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

from benchmarks.report import Row
from strixdesk.core.conversation import MessageStatus
from tests.support.handing_over import WHOLE, Case, Result, hand_over, missing, random_cases, twice

_CASES = 100
_AT_ONCE = 8
_SEED = 20


def measure() -> list[Row]:
    logging.getLogger("strixdesk").setLevel(logging.ERROR)
    results = asyncio.run(_all())
    naive = [result.naive for result in results]
    whole = [r for r in results if r.status is MessageStatus.COMPLETE and r.text == WHOLE]
    return [
        Row("answers cut", len(results), None, ""),
        Row("words twice", sum(r.words_twice for r in results), sum(map(twice, naive)), "", 0),
        Row(
            "words missing", sum(r.words_missing for r in results), sum(map(missing, naive)), "", 0
        ),
        Row("answers not whole to the letter", len(results) - len(whole), None, "", 0),
        Row("hand-overs not told", sum(not r.handed_over for r in results), None, "", 0),
    ]


async def _all() -> list[Result]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(case: Case, folder: Path) -> Result:
        async with places:
            return await hand_over(case, folder)

    with tempfile.TemporaryDirectory() as name:
        cases = random_cases(_CASES, seed=_SEED)
        folders = [Path(tempfile.mkdtemp(dir=name)) for _ in cases]
        return list(await asyncio.gather(*map(one, cases, folders)))
