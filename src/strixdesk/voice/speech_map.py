"""Where in a recording somebody speaks: Silero's probabilities, kept as the recording grows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples

FRAME: Final = 512
"""Samples per probability: 32 ms."""
_CONTEXT: Final = 64
SPEECH: Final = 0.5
"""A frame at or over this is speech."""
MAYBE: Final = 0.25
"""A frame under this is not; between the two it counts as speech that is fading."""


LEAST_SPEECH_S: Final = 0.06
"""Less than this is a click or a cough, not a word."""


class SpeechMap:
    """Feeds new samples to the detector; 0.2 ms per frame, many frames in one call."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._state = detector.fresh()
        self._rest: Samples = np.zeros(0, np.float32)
        self._context: Samples = np.zeros(_CONTEXT, np.float32)
        self._probabilities: NDArray[np.float32] = np.zeros(0, np.float32)

    def append(self, samples: Samples) -> None:
        samples = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(samples) // FRAME * FRAME
        self._rest = np.array(samples[whole:], np.float32)
        if not whole:
            return
        frames = samples[:whole].reshape(-1, FRAME)
        before = np.concatenate([self._context[None], frames[:-1, -_CONTEXT:]])
        self._context = np.array(frames[-1, -_CONTEXT:])
        new, self._state = self._detector.run(np.concatenate([before, frames], 1), self._state)
        self._probabilities = np.concatenate([self._probabilities, new])

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of every whole frame so far."""
        return self._probabilities

    def speech_s(self, start: int = 0) -> float:
        """Seconds of speech from a sample on."""
        return int((self._probabilities[start // FRAME :] >= SPEECH).sum()) * FRAME / SPEECH_RATE_HZ

    def last_speech(self, start: int = 0) -> int:
        """The sample after the last that may be speech; `start` when there was none after it."""
        if self.speech_s(start) < LEAST_SPEECH_S:
            return start
        heard = np.flatnonzero(self._probabilities[start // FRAME :] >= MAYBE)
        return (start // FRAME + int(heard[-1]) + 1) * FRAME


_State = tuple[NDArray[np.float32], NDArray[np.float32]]


class Detector:
    """The Silero model that faster-whisper brings, with its memory in the caller's hands."""

    def __init__(self) -> None:
        import onnxruntime
        from faster_whisper.utils import get_assets_path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(Path(get_assets_path()) / "silero_vad_v6.onnx"),
            providers=["CPUExecutionProvider"],
            sess_options=options,
        )

    def fresh(self) -> _State:
        return np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)

    def run(self, frames: Samples, state: _State) -> tuple[NDArray[np.float32], _State]:
        """`frames`: (n, 64 + 512), consecutive."""
        found, h, c = self._session.run(None, {"input": frames, "h": state[0], "c": state[1]})
        return np.asarray(found, np.float32).reshape(-1), (h, c)


def spans(probabilities: NDArray[np.float32], longest_s: float) -> list[tuple[int, int]]:
    """Speech as spans of samples of at most `longest_s`, cut in pauses where there are any.

    A span begins and ends a quarter of a second outside its speech; neighbours are joined as long
    as they fit; speech without a pause is cut where it is faintest.
    """
    longest = int(longest_s * SPEECH_RATE_HZ) // FRAME
    margin = SPEECH_RATE_HZ // 4 // FRAME
    heard = np.flatnonzero(probabilities >= MAYBE)
    if int((probabilities >= SPEECH).sum()) * FRAME / SPEECH_RATE_HZ < LEAST_SPEECH_S:
        return []
    breaks = np.flatnonzero(np.diff(heard) > 2 * margin)
    starts = [int(heard[0]), *(int(heard[i + 1]) for i in breaks)]
    ends = [*(int(heard[i]) + 1 for i in breaks), int(heard[-1]) + 1]
    runs: list[tuple[int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        start, end = max(0, start - margin), min(len(probabilities), end + margin)
        while end - start > longest:
            cut = faintest(probabilities, start + longest // 2, start + longest)
            runs.append((start, cut))
            start = cut
        if runs and end - runs[-1][0] <= longest:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return [(start * FRAME, end * FRAME) for start, end in runs]


def faintest(probabilities: NDArray[np.float32], start: int, end: int) -> int:
    """The frame in [start, end) around which there is least speech."""
    smooth = np.convolve(probabilities[start:end], np.ones(7, np.float32) / 7, mode="valid")
    return start + 3 + int(smooth.argmin())
