"""When to decode an utterance that is still being spoken, as a pure decision.

The aim is that nothing is left to decode when the utterance ends: each time the speaker seems to
pause, everything so far is decoded, and if nothing but silence follows, that was the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

SEEMS_PAUSED_S: Final = 0.16
"""Silence after which it is worth decoding; shorter ones are inside words."""
DRAFT_EVERY_S: Final = 1.2
"""New sound that makes a draft worth its cost, for the eye and the listening indicator."""
DRAFT_REST: Final = 3.0
"""A draft waits for this many times its own cost: at most a quarter of the time is spent so."""
RECONSIDER_AFTER_S: Final = 0.4
"""Silence after which a doubtful text is worth the thorough way, which takes its time."""
SETTLE_AFTER_S: Final = 12.0
"""Speech in one piece after which a pause settles its text, and a new piece begins."""
SETTLE_PAUSE_S: Final = 0.3
LONGEST_SILENCE_S: Final = 3.0
"""Silence before the first word that is kept; the window should not be spent on it."""
LONGEST_PIECE_S: Final = 26.0
"""Then it is cut without a pause: the window holds 30 s."""


class Step(Enum):
    WAIT = "wait"
    DECODE = "decode"
    """Decode what there is, the quick way."""
    RECONSIDER = "reconsider"
    """Decode the same again, the thorough way."""
    SETTLE = "settle"
    """The piece's text stands; go on with a new piece."""
    CUT = "cut"
    """The piece is too long: decode it up to its faintest moment, settle that."""
    ANSWER = "answer"
    """What was decoded last is the final text."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an utterance's open piece has come. Seconds count from the piece's start."""

    heard_s: float
    speech_end_s: float
    """End of the last speech; 0 when there was none."""
    decoded_s: float
    """How much the last decode was given; 0 when there was none."""
    doubtful: bool
    """The last decode was quick and does not look right."""
    finished: bool
    """Nothing more will come."""
    paused: bool
    """Somebody who listens too says that the speaker has paused."""
    drafts_wanted: bool
    rested_s: float
    """Since the last decode."""
    cost_s: float
    """What the last decode took."""


def next_step(standing: Standing) -> Step:
    silence_s = standing.heard_s - standing.speech_end_s
    if standing.speech_end_s > LONGEST_PIECE_S:
        return Step.CUT
    if standing.decoded_s < standing.speech_end_s:
        worth_it = standing.finished or standing.paused or silence_s >= SEEMS_PAUSED_S
        return Step.DECODE if worth_it or _draft_due(standing) else Step.WAIT
    if standing.doubtful and (standing.finished or silence_s >= RECONSIDER_AFTER_S):
        return Step.RECONSIDER
    if standing.finished:
        return Step.ANSWER
    if standing.speech_end_s == 0:
        return Step.SETTLE if standing.heard_s > LONGEST_SILENCE_S else Step.WAIT
    settled = standing.speech_end_s >= SETTLE_AFTER_S and silence_s >= SETTLE_PAUSE_S
    return Step.SETTLE if settled or standing.heard_s > LONGEST_PIECE_S else Step.WAIT


def _draft_due(standing: Standing) -> bool:
    return (
        standing.drafts_wanted
        and standing.heard_s - standing.decoded_s >= DRAFT_EVERY_S
        and standing.rested_s >= DRAFT_REST * standing.cost_s
    )
