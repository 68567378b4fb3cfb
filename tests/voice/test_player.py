"""The speaker for real: what comes out of a virtual one is recorded and compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import numpy as np
import pytest
import soxr

from strixdesk.core.audio import AudioFrame, Samples
from strixdesk.core.errors import AudioOutputError
from strixdesk.voice.player import QUEUE_S, SpeakerPlayer
from tests.support.likeness import find, likeness
from tests.support.soundcard import Heard, SoundCard

pytestmark = pytest.mark.sound
VOICE_RATE_HZ = 22_050
HEARD_RATE_HZ = 16_000


def murmur(seconds: float, seed: int = 1) -> Samples:
    """Noise in the band of speech at the voice's rate: it aligns with itself alone."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 0.15, round(seconds * 8_000)).astype(np.float32)
    out: Samples = soxr.resample(coarse, 8_000, VOICE_RATE_HZ)
    return out


def as_heard(samples: Samples) -> Samples:
    out: Samples = soxr.resample(samples, VOICE_RATE_HZ, HEARD_RATE_HZ)
    return out


def frame(samples: Samples, turn_id: str = "turn") -> AudioFrame:
    return AudioFrame(samples, VOICE_RATE_HZ, 0, turn_id)


async def heard_until(heard: Heard, samples: int) -> Samples:
    """Once the recording is that long."""
    async with asyncio.timeout(60):
        while len(so_far := heard.samples()) < samples:  # noqa: ASYNC110 — a file tells nobody
            await asyncio.sleep(0.02)
    return so_far


@pytest.fixture
async def player(soundcard: SoundCard) -> AsyncGenerator[SpeakerPlayer, None]:
    player = SpeakerPlayer()
    await player.open()
    yield player
    await player.close()


async def test_a_sentence_comes_out_as_it_went_in(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    said = murmur(2.5)
    with soundcard.hear() as heard:
        for at in range(0, len(said), 4000):
            await player.write(frame(said[at : at + 4000]))
        await player.drain()
        recorded = await heard_until(heard, len(heard.samples()) + HEARD_RATE_HZ // 4)
    assert find(as_heard(said), recorded).whole
    assert player.played_s("turn") == pytest.approx(2.5, abs=0.001)


async def test_sound_that_comes_too_late_is_counted(player: SpeakerPlayer) -> None:
    await player.write(frame(murmur(0.2)))
    async with asyncio.timeout(60):
        while not player.underflows:  # noqa: ASYNC110 — nothing else tells it
            await asyncio.sleep(0.02)
    await player.write(frame(murmur(0.2)))
    await player.drain()
    assert player.played_s("turn") == pytest.approx(0.4, abs=0.001)


async def test_turns_are_counted_apart(player: SpeakerPlayer) -> None:
    await player.write(frame(murmur(0.4), "first"))
    await player.write(frame(murmur(0.3), "second"))
    await player.drain()
    assert player.played_s("first") == pytest.approx(0.4, abs=0.001)
    assert player.played_s("second") == pytest.approx(0.3, abs=0.001)
    assert player.played_s("third") == 0.0


async def test_writing_waits_while_enough_is_queued(player: SpeakerPlayer) -> None:
    began = time.monotonic()
    await player.write(frame(murmur(QUEUE_S + 1.0)))
    left_s = QUEUE_S + 1.0 - player.played_s("turn")
    assert time.monotonic() - began > 0.8
    # What is not heard yet is what is queued, and what the device holds.
    assert left_s == pytest.approx(QUEUE_S, abs=0.2)


async def test_a_flush_is_silent_at_once_and_only_what_was_heard_counts(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    said = murmur(1.2)
    with soundcard.hear() as heard:
        await player.write(frame(said))
        await heard_until(heard, len(heard.samples()) + HEARD_RATE_HZ * 6 // 10)
        at_flush = len(heard.samples())
        player.flush()
        recorded = await heard_until(heard, at_flush + HEARD_RATE_HZ // 2)
    last_sound = np.flatnonzero(np.abs(recorded) > 0.003)[-1]
    # The recording itself arrives in blocks of 20 ms.
    assert (last_sound - at_flush) / HEARD_RATE_HZ < 0.12
    _, begins = likeness(as_heard(said[: VOICE_RATE_HZ // 4]), recorded)
    really_heard_s = (last_sound - begins) / HEARD_RATE_HZ
    assert player.played_s("turn") == pytest.approx(really_heard_s, abs=0.03)


async def test_played_follows_the_sound_while_it_plays(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    said = murmur(1.2)
    told = []
    with soundcard.hear() as heard:
        await player.write(frame(said))
        async with asyncio.timeout(60):
            while player.played_s("turn") < 1.1:
                told.append((len(heard.samples()), player.played_s("turn")))
                await asyncio.sleep(0.05)
        recorded = heard.samples()
    _, begins = likeness(as_heard(said[: VOICE_RATE_HZ // 2]), recorded)
    errors = [played - (at - begins) / HEARD_RATE_HZ for at, played in told if played > 0]
    # Compared with the recording's clock, which runs some 20 to 60 ms late.
    assert abs(float(np.median(errors))) < 0.08
    assert sorted(played for _, played in told) == [played for _, played in told]


async def test_after_a_flush_the_next_turn_begins_at_once(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    with soundcard.hear() as heard:
        await player.write(frame(murmur(1.2, seed=1), "old"))
        player.flush()
        new = murmur(0.5, seed=2)
        await player.write(frame(new, "new"))
        await player.drain()
        recorded = await heard_until(heard, len(heard.samples()) + HEARD_RATE_HZ // 4)
    assert find(as_heard(new), recorded).whole
    assert player.played_s("new") == pytest.approx(0.5, abs=0.001)
    assert player.played_s("old") < 0.3


async def test_a_write_that_waits_is_dropped_by_a_flush(player: SpeakerPlayer) -> None:
    writing = asyncio.create_task(player.write(frame(murmur(20.0))))
    async with asyncio.timeout(60):
        while not player.played_s("turn"):  # noqa: ASYNC110 — nothing else tells it
            await asyncio.sleep(0.01)
    player.flush()
    await asyncio.wait_for(writing, 10)
    await asyncio.wait_for(player.drain(), 10)
    assert player.played_s("turn") < 10  # far from 20


async def test_a_speaker_that_went_away_is_told_and_found_again(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    await player.write(frame(murmur(0.2)))
    await asyncio.to_thread(soundcard.kill)
    with pytest.raises(AudioOutputError, match="went away") as lost:
        await asyncio.wait_for(player.write(frame(murmur(20.0))), 60)
    assert "Connect it again" in lost.value.advice
    with pytest.raises(AudioOutputError, match="No speaker was found"):
        await player.open()
    await asyncio.to_thread(soundcard.start)
    await player.open()
    said = murmur(0.6, seed=3)
    with soundcard.hear() as heard:
        await player.write(frame(said, "again"))
        await player.drain()
        recorded = await heard_until(heard, len(heard.samples()) + HEARD_RATE_HZ // 4)
    assert find(as_heard(said), recorded).whole
    assert player.played_s("again") == pytest.approx(0.6, abs=0.001)


async def test_a_speaker_that_hangs_is_given_up(
    player: SpeakerPlayer, soundcard: SoundCard
) -> None:
    with soundcard.frozen(), pytest.raises(AudioOutputError, match="went away"):
        await asyncio.wait_for(player.write(frame(murmur(20.0))), 60)
