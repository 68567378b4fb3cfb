"""Text to sound, in a process of its own: the `Voice` of a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import numpy as np

from strixdesk.core.audio import AudioFrame
from strixdesk.core.errors import VoiceError
from strixdesk.core.ids import new_id
from strixdesk.voice.worker_process import WorkerProcess

SILENT_WITHIN_S: Final = 20.0
"""A worker that says nothing for so long while it owes sound hangs; a piece takes under 3 s."""


class SpeechVoice:
    """A Piper voice. Frames of at most 80 ms come as soon as their sentence is synthesised."""

    def __init__(
        self,
        model: Path,
        *,
        speed: float = 1.0,
        threads: int = 1,
        steady: bool = False,
        silent_within_s: float = SILENT_WITHIN_S,
    ) -> None:
        """`model` is the .onnx file; its .json stands beside it. `steady`: no random variation,
        so that the same words always give the same samples."""
        threads = threads or 1
        args = ["--model", str(model), "--threads", str(threads)]
        if steady:
            args.append("--steady")
        self._worker = WorkerProcess("tts", args, name="The voice", threads=threads)
        self._speed = speed
        self._silent_within_s = silent_within_s
        self._rate_hz = 0

    @property
    def rate_hz(self) -> int:
        """Of the voice's frames. Known once `ensure_ready` has returned; 0 before."""
        return self._rate_hz

    @property
    def worker_pid(self) -> int | None:
        return self._worker.pid

    async def ensure_ready(self) -> None:
        """Load and warm the voice. Raises ModelError or WorkerError."""
        self._rate_hz = int((await self._worker.ensure_ready())["rate_hz"])

    async def speak(self, text: str, turn_id: str) -> AsyncGenerator[AudioFrame, None]:
        """Sound for `text`; none when there is nothing to say. Closing the generator stops the
        synthesis. Raises VoiceError, ModelError or WorkerError."""
        await self.ensure_ready()
        rate_hz = self._rate_hz
        request = (await self._worker.link()).open(new_id())
        ended = False
        start = 0
        try:
            request.send("speak", text=text, speed=self._speed)
            while True:
                answer = await request.next(self._silent_within_s)
                if answer.kind == "frame":
                    samples = np.frombuffer(answer.payload, dtype=np.float32)
                    yield AudioFrame(samples, rate_hz, start, turn_id)
                    start += len(samples)
                    continue
                ended = True
                if answer.kind == "error":
                    raise VoiceError(str(answer.fields["message"]), "The answer can still be read.")
                return
        finally:
            if not ended:
                request.send("cancel")
            request.close()

    async def close(self) -> None:
        await self._worker.close()
