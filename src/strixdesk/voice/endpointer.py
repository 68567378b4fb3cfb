"""Where speech begins, pauses and ends: a pure decision over probabilities, in samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from strixdesk.core.audio import SPEECH_RATE_HZ


class SpeechState(Enum):
    QUIET = "quiet"
    STARTING = "starting"
    """Something that may be speech; too short yet to be sure."""
    SPEAKING = "speaking"
    STOPPING = "stopping"
    """Silence after speech; it may be a pause or the end."""


class Mark(Enum):
    """What a frame decided, beyond the state."""

    STARTED = "started"
    DISMISSED = "dismissed"
    """It was no speech after all: a click, a cough."""
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class EndpointerSettings:
    speech_probability: float = 0.5
    """At and above it a frame is speech."""
    silence_probability: float = 0.35
    """Below it a frame is silence; between the two, things stay as they are."""
    start_ms: int = 160
    """This much speech on end, dips of one frame forgiven, starts an utterance: longer than a
    click, shorter than "stop"."""
    notice_ms: int = 200
    """This much silence is reported as a pause."""
    pause_ms: int | None = 700
    """This much silence ends the utterance; None: it never does (a key decides)."""


class Endpointer:
    """Feed it one probability per frame; it says what that means."""

    def __init__(self, settings: EndpointerSettings, rate_hz: int = SPEECH_RATE_HZ) -> None:
        self._settings = settings
        self._per_ms = rate_hz / 1000
        self.reset()

    def reset(self) -> None:
        self.state = SpeechState.QUIET
        self.onset_sample = 0
        """Where the speech of now began; meaningful unless QUIET."""
        self.silent_samples = 0
        """Length of the silence of now; 0 while speaking."""
        self.voiced_samples = 0
        """Speech since the onset, silences left out."""
        self._dips = 0

    def take(self, probability: float, start_sample: int, n: int) -> Mark | None:
        """The next frame: `n` samples from `start_sample` on. Frames follow without gaps."""
        settings = self._settings
        speech = probability >= settings.speech_probability
        silence = probability < settings.silence_probability
        if speech:
            self.voiced_samples += n
        match self.state:
            case SpeechState.QUIET:
                if not speech:
                    return None
                self.state = SpeechState.STARTING
                self.onset_sample = start_sample
                self.voiced_samples, self._dips = n, 0
                return self._sure()
            case SpeechState.STARTING:
                if speech:
                    self._dips = 0
                    return self._sure()
                self._dips += 1
                if self._dips > 1:
                    self.reset()
                    return Mark.DISMISSED
                return None
            case SpeechState.SPEAKING:
                if silence:
                    self.state = SpeechState.STOPPING
                    self.silent_samples = n
            case SpeechState.STOPPING:
                if speech:
                    self.state = SpeechState.SPEAKING
                    self.silent_samples = 0
                else:
                    self.silent_samples += n
                    return self._silent(n)
        return None

    def _sure(self) -> Mark | None:
        if self.voiced_samples < self._settings.start_ms * self._per_ms:
            return None
        self.state = SpeechState.SPEAKING
        return Mark.STARTED

    def _silent(self, n: int) -> Mark | None:
        """Whether the silence has just become long enough for something."""
        settings = self._settings
        silent_ms = self.silent_samples / self._per_ms
        if settings.pause_ms is not None and silent_ms >= settings.pause_ms:
            return Mark.ENDED
        before_ms = (self.silent_samples - n) / self._per_ms
        return Mark.PAUSED if before_ms < settings.notice_ms <= silent_ms else None
