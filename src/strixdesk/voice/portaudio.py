"""The one PortAudio of this process, on a thread of its own.

Opening and closing a stream may block for seconds, and on macOS it may deadlock with a callback
(portaudio#1174); so nobody calls PortAudio but this thread, and whoever asks waits with a limit.
PortAudio lists the devices only once (portaudio#158): to see a device, or a sound server, that
came later it has to be started again, which closes every open stream. Their owners are told and
open them anew.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, TypeVar

from strixdesk.core.errors import AudioInputError, AudioOutputError
from strixdesk.voice.device_lookup import DeviceKind, NoSuchDevice, find_device, load_sounddevice

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 3.0

_T = TypeVar("_T")
Callback = Callable[[Any, int, Any, Any], None]
"""PortAudio's own: buffer, frames, times, status."""


class StreamEnd(Enum):
    LOST = "lost"
    """The device or the sound server went away."""
    RETIRED = "retired"
    """PortAudio was started again: open it anew."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What to ask a device for; earlier ones are better."""

    rate_hz: int
    channels: int
    block: int
    """Frames per callback; 0: as the device likes."""


class OpenStream:
    """A running stream. `end` is set when it stopped without being asked to."""

    def __init__(self, device: str, shape: Shape) -> None:
        self.device = device
        """The device's name."""
        self.shape = shape
        self.latency_s = 0.0
        self.end: StreamEnd | None = None
        self.on_end: Callable[[], None] | None = None
        """Called once, on any thread; must not call PortAudio."""
        self.raw: Any = None
        self.closing = False

    def ended(self, end: StreamEnd) -> None:
        if not self.closing and self.end is None:
            self.end = end
            if self.on_end:
                self.on_end()


class PortAudio:
    """Every call waits for its turn on the one thread; a call that hangs is left behind."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._live: list[OpenStream] = []
        self._stale = False
        """A stream was lost: the list of devices is out of date."""

    # -- for any thread ------------------------------------------------------------------------

    def submit(self, job: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # whoever asked gets it
                future.set_exception(error)

        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, args=(self._jobs,), name="portaudio", daemon=True
                )
                self._thread.start()
            self._jobs.put(run)
        return future

    def call(self, job: Callable[[], _T], timeout_s: float) -> _T:
        """Raises TimeoutError when the job hangs; later calls then go to a fresh thread."""
        jobs = self._jobs
        future = self.submit(job)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            log.error("PortAudio did not come back within %.0f s; it is left behind", timeout_s)
            future.cancel()
            with self._lock:
                if self._jobs is jobs:
                    self._jobs, self._thread = queue.SimpleQueue(), None
            raise

    def open(
        self,
        kind: DeviceKind,
        device: str | None,
        shapes: Callable[[dict[str, Any]], list[Shape]],
        callback: Callable[[OpenStream], Callback],
        *,
        latency_s: float | str,
        on_end: Callable[[], None],
    ) -> OpenStream:
        """Open and start a stream in the first shape that the device takes.

        Raises AudioInputError or AudioOutputError, after its kind.
        """
        wrong = AudioInputError if kind is DeviceKind.INPUT else AudioOutputError

        def job() -> OpenStream:
            sounddevice = load_sounddevice(kind)
            if self._stale:
                self._rescan(sounddevice)
            try:
                return self._open(sounddevice, kind, device, shapes, callback, latency_s, on_end)
            except (NoSuchDevice, sounddevice.PortAudioError, ValueError) as first:
                log.info("no %s at first, looking again: %s", kind.value, first)
                self._rescan(sounddevice)
            try:
                return self._open(sounddevice, kind, device, shapes, callback, latency_s, on_end)
            except NoSuchDevice as error:
                self._stale = True
                raise wrong(error.message, error.advice) from error
            except (sounddevice.PortAudioError, ValueError) as error:
                self._stale = True
                raise wrong(
                    f"The {kind.value} could not be opened ({_plain(error)}).",
                    "Another program may hold it: close that, or choose another in the settings.",
                ) from error

        try:
            return self.call(job, OPEN_TIMEOUT_S)
        except TimeoutError as error:
            raise wrong(
                f"The {kind.value} did not answer within {OPEN_TIMEOUT_S:.0f} seconds.",
                "Connect it again or restart the computer's sound service, then try once more.",
            ) from error

    def close(self, stream: OpenStream) -> None:
        """Silent at once; never raises, never hangs."""
        stream.closing = True
        try:
            self.call(lambda: self._close(stream), CLOSE_TIMEOUT_S)
        except TimeoutError:
            log.warning("a stream of %s did not close", stream.device)

    # -- on the PortAudio thread ---------------------------------------------------------------

    @staticmethod
    def _work(jobs: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            jobs.get()()

    def _open(
        self,
        sounddevice: ModuleType,
        kind: DeviceKind,
        device: str | None,
        shapes: Callable[[dict[str, Any]], list[Shape]],
        callback: Callable[[OpenStream], Callback],
        latency_s: float | str,
        on_end: Callable[[], None],
    ) -> OpenStream:
        info = find_device(sounddevice, kind, device)
        make = (
            sounddevice.RawInputStream if kind is DeviceKind.INPUT else sounddevice.RawOutputStream
        )
        refused: Exception | None = None
        for shape in shapes(info):
            stream = OpenStream(str(info["name"]), shape)
            try:
                stream.raw = make(
                    samplerate=shape.rate_hz,
                    blocksize=shape.block,
                    device=info["index"],
                    channels=shape.channels,
                    dtype="float32",
                    latency=latency_s,
                    callback=callback(stream),
                    finished_callback=lambda stream=stream: self._finished(stream),
                )
            except sounddevice.PortAudioError as error:
                refused = error
                continue
            stream.latency_s = float(stream.raw.latency)
            stream.on_end = on_end
            try:
                stream.raw.start()
            except sounddevice.PortAudioError:
                stream.closing = True
                stream.raw.close(ignore_errors=True)
                raise
            self._live.append(stream)
            return stream
        raise refused or ValueError("it offers no usable format")

    def _finished(self, stream: OpenStream) -> None:
        """PortAudio's finished_callback. Closing the stream here would hang (sounddevice#78)."""
        if not stream.closing and stream.end is None:
            self._stale = True
        stream.ended(StreamEnd.LOST)

    def _close(self, stream: OpenStream) -> None:
        if stream in self._live:
            self._live.remove(stream)
            stream.raw.close(ignore_errors=True)

    def _rescan(self, sounddevice: ModuleType) -> None:
        for stream in list(self._live):
            stream.ended(StreamEnd.RETIRED)
            self._close(stream)
        sounddevice._terminate()
        sounddevice._initialize()
        self._stale = False

    def rescan(self) -> None:
        """Look for devices again, unless a stream is open. Raises what `load_sounddevice` does."""

        def job() -> None:
            if not self._live:
                self._rescan(load_sounddevice(DeviceKind.INPUT))

        self.call(job, OPEN_TIMEOUT_S)


def _plain(error: Exception) -> str:
    """PortAudio's own words, without its numbers."""
    return str(error).split("[PaErrorCode")[0].split(": ")[-1].strip() or type(error).__name__


PORT_AUDIO = PortAudio()
"""PortAudio's state belongs to the process, so there is one of these; pass another in tests."""
