"""One utterance inside the recogniser's process: it grows, and is decoded while it grows."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples
from strixdesk.voice.decode_ahead import LONGEST_PIECE_S, Standing, Step, next_step
from strixdesk.voice.short_window import Decoded, ShortWindowDecoder, believable
from strixdesk.voice.speech_map import FRAME, Detector, SpeechMap, faintest


class LiveUtterance:
    """Feed it, then call `advance` until it has nothing to do."""

    def __init__(
        self, decoder: ShortWindowDecoder, detector: Detector, drafts_wanted: bool
    ) -> None:
        self._decoder = decoder
        self._map = SpeechMap(detector)
        self._drafts_wanted = drafts_wanted
        self._new: list[Samples] = []
        self._piece: Samples = np.zeros(0, np.float32)
        """The sound of the open piece."""
        self._piece_start = 0
        """Its first sample in the utterance; a multiple of FRAME."""
        self._settled: list[str] = []
        self._last: Decoded | None = None
        self._decoded = 0
        """Samples of the piece that the last decode was given."""
        self._finished = False
        self._paused = False
        self._rested_since = 0.0
        self._cost_s = 0.0

    def feed(self, samples: Samples) -> None:
        self._new.append(samples)

    def pause(self) -> None:
        self._paused = True

    def finish(self) -> None:
        self._finished = True

    @property
    def text(self) -> str:
        """As far as it is known."""
        return " ".join(filter(None, [*self._settled, self._open_text()]))

    def advance(self) -> Step:
        """Do the next thing that is worth doing, and say what it was. WAIT: nothing until more is
        fed. ANSWER: `text` is final."""
        self._take_in()
        step = next_step(self._standing())
        self._paused = False
        match step:
            case Step.DECODE:
                self._decode(len(self._piece), self._decoder.quickly)
            case Step.RECONSIDER:
                self._decode(self._decoded, self._decoder.thoroughly)
            case Step.CUT:
                first = self._piece_start // FRAME
                least = first + int(LONGEST_PIECE_S / 2 * SPEECH_RATE_HZ) // FRAME
                last = first + int(LONGEST_PIECE_S * SPEECH_RATE_HZ) // FRAME
                cut = faintest(self._map.probabilities, least, last) * FRAME
                self._decode(cut - self._piece_start, self._decoder.decode)
                self._settle(cut)
            case Step.SETTLE:
                end = self._piece_start + self._speech_end()
                heard = self._piece_start + len(self._piece)
                # Half of the pause belongs to the next piece: its first sound may be very soft.
                self._settle((end + heard) // 2 // FRAME * FRAME)
            case Step.WAIT | Step.ANSWER:
                pass
        return step

    def _take_in(self) -> None:
        if self._new:
            new = np.concatenate(self._new)
            self._new.clear()
            self._map.append(new)
            self._piece = np.concatenate([self._piece, new])

    def _standing(self) -> Standing:
        return Standing(
            heard_s=len(self._piece) / SPEECH_RATE_HZ,
            speech_end_s=self._speech_end() / SPEECH_RATE_HZ,
            decoded_s=self._decoded / SPEECH_RATE_HZ,
            doubtful=self._last is not None and self._last.doubtful,
            finished=self._finished,
            paused=self._paused,
            drafts_wanted=self._drafts_wanted,
            rested_s=time.monotonic() - self._rested_since,
            cost_s=self._cost_s,
        )

    def _speech_end(self) -> int:
        """Samples from the piece's start."""
        return self._map.last_speech(self._piece_start) - self._piece_start

    def _decode(self, length: int, decode: Callable[[Samples], Decoded]) -> None:
        begun = time.monotonic()
        self._last = decode(self._piece[:length])
        self._decoded = length
        self._rested_since = time.monotonic()
        self._cost_s = self._rested_since - begun

    def _open_text(self) -> str:
        if self._last is None or not believable(self._last, self._map.speech_s(self._piece_start)):
            return ""
        return self._last.text

    def _settle(self, cut: int) -> None:
        """The open piece ends at a sample of the utterance; the next begins there."""
        self._settled.append(self._open_text())
        self._piece = self._piece[cut - self._piece_start :].copy()
        self._piece_start = cut
        self._last = None
        self._decoded = 0
