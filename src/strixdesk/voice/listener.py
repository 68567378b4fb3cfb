"""The microphone as the session sees it: commands in, events out, on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from strixdesk.core.hearing import (
    ListenerEvent,
    SpeechEnded,
    SpeechFrame,
    SpeechPaused,
    SpeechStarted,
)
from strixdesk.voice.listener_commands import (
    Command,
    Discard,
    Listen,
    Pause,
    Press,
    Release,
    Stop,
)
from strixdesk.voice.portaudio import CLOSE_TIMEOUT_S, PORT_AUDIO, PortAudio
from strixdesk.voice.voice_thread import VoiceThread


class MicrophoneListener:
    """Implements `session.ports.Listener` on a real microphone.

    The device is opened with the first press, or when hands-free is switched on.
    """

    def __init__(
        self,
        device: str | None = None,
        *,
        pause_ms: int = 700,
        keep_warm_s: float = 60.0,
        portaudio: PortAudio = PORT_AUDIO,
    ) -> None:
        self._device = device
        self._pause_ms = pause_ms
        self._keep_warm_s = keep_warm_s
        self._portaudio = portaudio
        self._on_event: Callable[[ListenerEvent], None] = lambda _event: None
        self._thread: VoiceThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived: deque[ListenerEvent | Discard] = deque()
        self._discarding = 0
        """Discards that the voice thread has not answered yet: what it said before is dropped."""

    def subscribe(self, on_event: Callable[[ListenerEvent], None]) -> None:
        self._on_event = on_event

    async def press(self) -> None:
        press = Press()
        self._send(press)
        await self._answered(press.done, Discard())

    def release(self) -> None:
        if self._thread:
            self._send(Release())

    def discard(self) -> None:
        if self._thread:
            self._discarding += 1
            self._send(Discard())

    async def listen(self, on: bool) -> None:
        if not on and not self._thread:
            return
        listen = Listen(on)
        self._send(listen)
        await self._answered(listen.done, Listen(False))

    def pause(self, paused: bool) -> None:
        self._send(Pause(paused))

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread:
            thread.send(Stop())
            await asyncio.to_thread(thread.join, CLOSE_TIMEOUT_S + 1)

    # -- to the voice thread -------------------------------------------------------------------

    def _send(self, command: Command) -> None:
        if self._thread is None or not self._thread.alive:
            self._loop = asyncio.get_running_loop()
            self._discarding = 0
            self._thread = VoiceThread(
                self._portaudio,
                self._device,
                pause_ms=self._pause_ms,
                keep_warm_s=self._keep_warm_s,
                post=self._post,
            )
        self._thread.send(command)

    async def _answered(self, done: Future[None], undo: Discard | Listen) -> None:
        try:
            await asyncio.shield(asyncio.wrap_future(done))
        except asyncio.CancelledError:
            # Whoever asked has gone: nobody would release the key or switch it off again.
            if isinstance(undo, Discard):
                self.discard()
            else:
                self._send(undo)
            raise

    # -- from the voice thread -----------------------------------------------------------------

    def _post(self, events: Sequence[ListenerEvent | Discard]) -> None:
        """On the voice thread. The order of `call_soon` calls is not promised by every loop
        (qasync#123), so they only say that there is something."""
        self._arrived.extend(events)
        if self._loop:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._arrived:
            event = self._arrived.popleft()
            match event:
                case Discard():
                    self._discarding = max(0, self._discarding - 1)
                case SpeechStarted() | SpeechFrame() | SpeechPaused() | SpeechEnded():
                    if not self._discarding:
                        self._on_event(event)
                case _:
                    self._on_event(event)
