"""Is this speech? Silero's detector, frame by frame, with its state carried along.

`faster_whisper` brings the model as package data, but its own wrapper is for whole files and
forgets its state on each call; and importing the package would load the recogniser's library.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strixdesk.core.audio import Samples
from strixdesk.core.errors import ModelError

FRAME_SAMPLES = 512
"""32 ms at 16 kHz: the only length the model takes."""
_CONTEXT_SAMPLES = 64
"""The end of the previous frame, which the model wants before each new one."""
_ASSET = Path("assets") / "silero_vad_v6.onnx"


def find_vad_model() -> Path:
    """Raises ModelError when the file is not installed."""
    spec = importlib.util.find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / _ASSET).is_file():
            return path
    raise ModelError(
        "The model that tells speech from noise is not installed.",
        "It comes with the package faster-whisper: install StrixDesk again.",
    )


class SileroVad:
    """A streaming detector: one instance per microphone stream. Not thread-safe."""

    def __init__(self, model: Path | None = None) -> None:
        self._model = model
        self._session: Any = None
        self._input = np.zeros((1, _CONTEXT_SAMPLES + FRAME_SAMPLES), dtype=np.float32)
        self._h: NDArray[np.float32]
        self._c: NDArray[np.float32]
        self.reset()

    def load(self) -> None:
        """Idempotent; takes 0.1 s the first time. Raises ModelError."""
        if self._session is not None:
            return
        import onnxruntime  # 0.1 s, which an opening microphone need not wait for

        path = self._model or find_vad_model()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no public base
            raise ModelError(
                f"The model that tells speech from noise cannot be read ({path.name}).",
                "It comes with the package faster-whisper: install StrixDesk again.",
            ) from error

    def reset(self) -> None:
        """What follows does not continue what was heard before."""
        self._input[:] = 0
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)

    def probability(self, frame: Samples) -> float:
        """That there is speech in this frame of 512 samples at 16 kHz, 0 to 1."""
        self.load()
        self._input[0, :_CONTEXT_SAMPLES] = self._input[0, -_CONTEXT_SAMPLES:]
        self._input[0, _CONTEXT_SAMPLES:] = frame
        probability, self._h, self._c = self._session.run(
            None, {"input": self._input, "h": self._h, "c": self._c}
        )
        return float(probability.reshape(-1)[0])
