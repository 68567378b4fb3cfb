"""Speech to text, in a process of its own: the `Recogniser` of a turn."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.core.errors import RecogniserError, WorkerError
from strixdesk.core.hearing import Transcript
from strixdesk.voice.wire import WireMessage
from strixdesk.voice.worker_process import READY_WITHIN_S, Link, Request, WorkerProcess

_log = logging.getLogger(__name__)

PATIENCE_S: Final = 12.0
"""At the least, before a silent worker counts as hung."""
PATIENCE_DECODES: Final = 25.0
"""So many full-window decodes of this model on this machine, if that is longer."""
_KEPT: Final = "The recording is kept; it can be transcribed again."


class SpeechRecogniser:
    """A Whisper model. What is fed is decoded while it is fed, so the final text comes at once."""

    def __init__(
        self,
        model_dir: Path,
        *,
        language: str = "en",
        threads: int = 0,
        patience_s: float | None = None,
    ) -> None:
        """`language`: a code such as `en`, or `auto` to listen for it each time. `threads` 0:
        chosen from the processor count. `patience_s`: how long the worker may be silent while it
        owes an answer; None: by the speed it showed when it was warmed."""
        threads = threads or default_threads()
        args = ["--model", str(model_dir), "--language", language, "--threads", str(threads)]
        self._worker = WorkerProcess("stt", args, name="The recogniser", threads=threads)
        self._patience_s = patience_s

    @property
    def worker_pid(self) -> int | None:
        return self._worker.pid

    async def ensure_ready(self) -> None:
        """Load and warm the model. Raises ModelError or WorkerError."""
        await self._worker.ensure_ready()

    def begin(
        self, utterance_id: str, on_partial: Callable[[str], None] | None = None
    ) -> LiveRecognition:
        """Start hearing an utterance, whether or not the worker is up already. Call it on the
        event loop."""
        return LiveRecognition(self, self._worker, utterance_id, on_partial)

    async def transcribe(
        self, utterance: Utterance, on_progress: Callable[[float], None] | None = None
    ) -> Transcript:
        """A whole recording of any length. `on_progress` hears the fraction done. A worker that
        dies or hangs is started anew and asked once more. Raises ModelError, WorkerError or
        RecogniserError."""
        if utterance.rate_hz != SPEECH_RATE_HZ:
            raise ValueError("utterances are 16 kHz; see read_recording")
        asked_at = time.monotonic()
        try:
            text = await self._transcribe_once(utterance, on_progress)
        except WorkerError as error:
            _log.warning("transcribing once more after: %s", error.message)
            text = await self._transcribe_once(utterance, on_progress)
        return Transcript(text, (time.monotonic() - asked_at) * 1000)

    async def close(self) -> None:
        await self._worker.close()

    async def _transcribe_once(
        self, utterance: Utterance, on_progress: Callable[[float], None] | None
    ) -> str:
        await self.ensure_ready()
        link = await self._worker.link()
        request = link.open(utterance.id)
        answer: WireMessage | None = None
        try:
            request.send("transcribe", _bytes(utterance.samples))
            while True:
                answer = await request.next(self.patience_s(link))
                if answer.kind == "progress":
                    if on_progress is not None:
                        on_progress(float(answer.fields["done"]))
                elif answer.kind in ("final", "error"):
                    return _text(answer)
        finally:
            if answer is None or answer.kind not in ("final", "error"):
                request.send("cancel")
            request.close()

    def patience_s(self, link: Link) -> float:
        """How long this worker may be silent while it owes an answer."""
        if not link.ready.done() or link.ready.exception() is not None:
            return READY_WITHIN_S
        if self._patience_s is not None:
            return self._patience_s
        return max(PATIENCE_S, PATIENCE_DECODES * float(link.ready.result()["decode_s"]))


class LiveRecognition:
    """One utterance on its way; see session.ports.Recognition."""

    def __init__(
        self,
        recogniser: SpeechRecogniser,
        worker: WorkerProcess,
        utterance_id: str,
        on_partial: Callable[[str], None] | None,
    ) -> None:
        self._recogniser = recogniser
        self._worker = worker
        self._id = utterance_id
        self._on_partial = on_partial
        self._request: Request | None = None
        self._link: Link | None = None
        self._outbox: list[tuple[str, bytes]] = []
        """What was said before there was a worker to hear it."""
        self._task = asyncio.create_task(self._listen())
        self._task.add_done_callback(_retrieved)

    def feed(self, samples: Samples) -> None:
        self._send("feed", _bytes(samples))

    def pause(self) -> None:
        self._send("pause")

    async def finish(self) -> Transcript:
        asked_at = time.monotonic()
        self._send("finish")
        try:
            text = await self._text_in_time()
        finally:
            self.cancel()
        return Transcript(text, (time.monotonic() - asked_at) * 1000)

    def cancel(self) -> None:
        if not self._task.done():
            self._send("cancel")
            self._task.cancel()

    def _send(self, kind: str, payload: bytes = b"") -> None:
        if self._request is not None:
            self._request.send(kind, payload)
        else:
            self._outbox.append((kind, payload))

    async def _listen(self) -> str:
        link = await self._worker.link()
        self._link = link
        request = link.open(self._id)
        try:
            request.send("begin", drafts=self._on_partial is not None)
            for kind, payload in self._outbox:
                request.send(kind, payload)
            self._outbox.clear()
            self._request = request
            await asyncio.shield(link.ready)
            shown = ""
            while True:
                answer = await request.next()
                if answer.kind != "partial":
                    return _text(answer)
                text = str(answer.fields["text"])
                if self._on_partial is not None and text != shown:
                    self._on_partial(text)
                    shown = text
        finally:
            request.close()

    async def _text_in_time(self) -> str:
        """The final text. A worker that owes it and says nothing for too long is killed."""
        asked_at = time.monotonic()
        while not self._task.done():
            link, left_s = self._link, None
            if link is not None and not link.gone.is_set():
                patience_s = self._recogniser.patience_s(link)
                left_s = max(asked_at, link.heard_at) + patience_s - time.monotonic()
                if left_s <= 0:
                    link.kill_hung(patience_s)
                    left_s = None
            await asyncio.wait({self._task}, timeout=left_s)
        return await self._task


def default_threads() -> int:
    """Half of the processors, at most four: the language model and the window want some too."""
    return max(1, min(4, (os.cpu_count() or 2) // 2))


def _bytes(samples: Samples) -> bytes:
    return np.ascontiguousarray(samples, np.float32).tobytes()


def _text(answer: WireMessage) -> str:
    if answer.kind == "error":
        raise RecogniserError(str(answer.fields["message"]), _KEPT)
    return str(answer.fields["text"])


def _retrieved(task: asyncio.Task[str]) -> None:
    """So that an utterance nobody asked about does not complain when it is collected."""
    if not task.cancelled():
        task.exception()
