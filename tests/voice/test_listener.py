"""The microphone for real: words are played into a virtual one, and what came out is compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soxr

from strixdesk.core.audio import Samples
from strixdesk.core.errors import AudioInputError, AudioOutputError
from strixdesk.core.events import MicrophoneState
from strixdesk.core.hearing import (
    LevelHeard,
    ListenerEvent,
    MicrophoneMoved,
    SpeechEnded,
    SpeechFrame,
    SpeechPaused,
    SpeechStarted,
)
from strixdesk.voice.listener import MicrophoneListener
from strixdesk.voice.player import SpeakerPlayer
from tests.support.likeness import find
from tests.support.soundcard import SoundCard, read_wav, said

pytestmark = [pytest.mark.sound, pytest.mark.engine]

_E = TypeVar("_E")


class Ears:
    """A listener, and everything it told."""

    def __init__(self, listener: MicrophoneListener) -> None:
        self.listener = listener
        self.events: list[ListenerEvent] = []
        self._news = asyncio.Event()
        listener.subscribe(self._take)

    def _take(self, event: ListenerEvent) -> None:
        self.events.append(event)
        self._news.set()

    def all(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, what: Callable[[], object], timeout_s: float = 60.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not what():
                self._news.clear()
                await self._news.wait()

    async def heard(self, kind: type[_E], count: int = 1) -> _E:
        await self.until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    def state(self) -> MicrophoneState:
        return self.all(MicrophoneMoved)[-1].state

    def sound(self, utterance_id: str) -> Samples:
        frames = [e.frame for e in self.all(SpeechFrame) if e.utterance_id == utterance_id]
        starts = [frame.start_sample for frame in frames]
        assert set(np.diff(starts)) <= {512}
        return np.concatenate([frame.samples for frame in frames])


@pytest.fixture
async def ears(soundcard: SoundCard) -> AsyncGenerator[Ears, None]:
    listener = MicrophoneListener(None, pause_ms=600, keep_warm_s=30)
    yield Ears(listener)
    await listener.close()


def words_of(path: Path) -> Samples:
    """The words alone, silences cut off, at 16 kHz."""
    samples, rate_hz = read_wav(path)
    resampled: Samples = soxr.resample(samples, rate_hz, 16_000)
    loud = np.flatnonzero(np.abs(resampled) > 0.01)
    return resampled[loud[0] : loud[-1] + 1]


async def test_hold_to_talk_keeps_the_first_and_the_last_word(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    wav = said("Computer, what time is it in Lisbon right now? Stop.", tmp_path / "a.wav")
    await ears.listener.press()
    await asyncio.to_thread(soundcard.speak, wav)
    ears.listener.release()
    ended = await ears.heard(SpeechEnded)
    assert ended.heard_speech
    assert find(words_of(wav), ears.sound(ended.utterance_id)).whole
    assert isinstance(ears.events[0], SpeechStarted)


async def test_a_key_pressed_after_the_first_syllable_still_gets_it(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    # Given a microphone that is warm from an earlier press
    await ears.listener.press()
    ears.listener.release()
    await ears.heard(SpeechEnded)
    await ears.until(lambda: ears.state() is MicrophoneState.STANDBY)
    # When the person begins, and presses a fifth of a second into the sentence
    wav = said("Remember to water the plants on Tuesday.", tmp_path / "b.wav", before_s=0.6)
    for presses in range(2, 6):
        with soundcard.speaking(wav) as player:
            began = time.monotonic()
            await asyncio.sleep(0.75)
            await ears.listener.press()
            took_s = time.monotonic() - began
            await asyncio.to_thread(player.wait)
        ears.listener.release()
        ended = await ears.heard(SpeechEnded, presses)
        if took_s < 0.9:  # else this machine stood still, and the key came seconds later
            break
    # Then the sentence is whole
    assert find(words_of(wav), ears.sound(ended.utterance_id)).whole


async def test_hands_free_hears_a_sentence_with_its_beginning_and_ends_at_the_pause(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    await ears.listener.listen(True)
    await ears.until(lambda: ears.state() is MicrophoneState.LISTENING)
    wav = said("How far is it to the moon?", tmp_path / "c.wav", before_s=0.5, after_s=1.0)
    await asyncio.to_thread(soundcard.speak, wav)
    ended = await ears.heard(SpeechEnded)
    assert ears.all(SpeechStarted) == [SpeechStarted(ended.utterance_id, hands_free=True)]
    assert ears.all(SpeechPaused) == [SpeechPaused(ended.utterance_id)]
    heard = ears.sound(ended.utterance_id)
    found = find(words_of(wav), heard)
    assert found.whole
    assert found.begins is not None
    assert found.begins > 0.15 * 16_000
    assert found.ends is not None
    after_s = (len(heard) - found.ends) / 16_000
    assert 0.55 < after_s < 0.85
    assert any(level.speech and level.level_db > -40 for level in ears.all(LevelHeard))


async def test_half_duplex_hears_nothing_while_the_assistant_speaks(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    await ears.listener.listen(True)
    ears.listener.pause(True)
    await ears.until(lambda: ears.state() is MicrophoneState.PAUSED)
    wav = said("This is the assistant, talking to itself.", tmp_path / "d.wav")
    await asyncio.to_thread(soundcard.speak, wav)
    ears.listener.pause(False)
    await ears.until(lambda: ears.state() is MicrophoneState.LISTENING)
    answer = said("And this is a person.", tmp_path / "e.wav", before_s=0.3, after_s=0.9)
    await asyncio.to_thread(soundcard.speak, answer)
    ended = await ears.heard(SpeechEnded)
    assert len(ears.all(SpeechStarted)) == 1
    assert find(words_of(answer), ears.sound(ended.utterance_id)).whole


async def test_a_discarded_utterance_never_ends(ears: Ears) -> None:
    await ears.listener.press()
    await ears.heard(SpeechFrame)
    ears.listener.discard()
    told = len(ears.all(SpeechFrame))
    await ears.until(lambda: ears.state() is MicrophoneState.STANDBY)
    assert ears.all(SpeechEnded) == []
    assert len(ears.all(SpeechFrame)) == told


async def test_without_warmth_the_microphone_closes_after_the_utterance(
    soundcard: SoundCard,
) -> None:
    ears = Ears(MicrophoneListener(None, pause_ms=600, keep_warm_s=0))
    await ears.listener.press()
    ears.listener.release()
    await ears.until(lambda: ears.state() is MicrophoneState.CLOSED)
    assert [moved.state for moved in ears.all(MicrophoneMoved)] == [
        MicrophoneState.RECORDING,
        MicrophoneState.CLOSED,
    ]
    await ears.listener.close()


async def test_a_sound_server_that_dies_ends_the_utterance_and_the_next_press_finds_the_new_one(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    wav = said("Do not lose a single word of this sentence, please.", tmp_path / "f.wav")
    await ears.listener.press()
    await asyncio.to_thread(soundcard.speak, wav)
    # When the server is killed while the key is down
    await asyncio.to_thread(soundcard.kill)
    ended = await ears.heard(SpeechEnded)
    # Then what was said is an utterance, and the microphone is closed with a reason
    assert ended.heard_speech
    assert find(words_of(wav), ears.sound(ended.utterance_id)).whole
    await ears.until(lambda: ears.state() is MicrophoneState.CLOSED)
    assert "went away. Connect it again" in ears.all(MicrophoneMoved)[-1].detail
    # And a press without a server says what is missing
    with pytest.raises(AudioInputError, match="No microphone was found") as refused:
        await ears.listener.press()
    assert refused.value.advice
    # And one after its return records
    await asyncio.to_thread(soundcard.start)
    await ears.listener.press()
    await asyncio.to_thread(soundcard.speak, wav)
    ears.listener.release()
    again = await ears.heard(SpeechEnded, 2)
    assert find(words_of(wav), ears.sound(again.utterance_id)).whole


async def test_a_microphone_that_gives_only_zeros_is_named(
    ears: Ears, soundcard: SoundCard
) -> None:
    await ears.listener.listen(True)
    await ears.until(lambda: ears.all(MicrophoneMoved)[-1].detail)
    assert ears.all(MicrophoneMoved)[-1].detail.startswith("Nothing at all comes from")
    await ears.until(lambda: ears.state() is MicrophoneState.LISTENING)


async def test_a_microphone_that_is_not_there_is_never_replaced_by_another(
    soundcard: SoundCard,
) -> None:
    listener = MicrophoneListener("Studio Mic 9000", pause_ms=600, keep_warm_s=0)
    with pytest.raises(AudioInputError, match='"Studio Mic 9000" is not connected') as refused:
        await listener.press()
    assert "pulse" in refused.value.advice
    await listener.close()


async def test_a_microphone_that_hangs_is_given_up_and_what_was_said_is_kept(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    wav = said("The server is about to freeze.", tmp_path / "g.wav")
    await ears.listener.press()
    await asyncio.to_thread(soundcard.speak, wav)
    with soundcard.frozen():
        ended = await ears.heard(SpeechEnded)
    assert ended.heard_speech
    await ears.until(lambda: ears.state() is MicrophoneState.CLOSED)
    assert "stopped giving sound" in ears.all(MicrophoneMoved)[-1].detail


async def test_looking_for_devices_again_does_not_end_what_is_being_said(
    ears: Ears, soundcard: SoundCard, tmp_path: Path
) -> None:
    # Given an utterance under way
    wav = said("One moment, please. Here is the rest of it.", tmp_path / "h.wav")
    await ears.listener.press()
    await ears.heard(SpeechFrame)
    # When the speaker is not found, so that PortAudio is started again
    with pytest.raises(AudioOutputError, match="is not connected"):
        await SpeakerPlayer("Living Room").open()
    await ears.heard(SpeechFrame, len(ears.all(SpeechFrame)) + 6)  # it hears again
    # Then the microphone goes on
    await asyncio.to_thread(soundcard.speak, wav)
    ears.listener.release()
    ended = await ears.heard(SpeechEnded)
    assert find(words_of(wav), ears.sound(ended.utterance_id)).whole
    assert not any(moved.detail for moved in ears.all(MicrophoneMoved))
