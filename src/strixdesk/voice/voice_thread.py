"""The thread that owns the microphone: opens it, reads it, closes it, tells what it heard."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, AudioFrame
from strixdesk.core.errors import AudioInputError, StrixError
from strixdesk.core.events import MicrophoneState
from strixdesk.core.hearing import LevelHeard, ListenerEvent, MicrophoneMoved
from strixdesk.core.loudness import SILENCE_DB
from strixdesk.voice.capture import Microphone
from strixdesk.voice.cutter import UtteranceCutter
from strixdesk.voice.device_lookup import zeros_advice
from strixdesk.voice.listener_commands import (
    Command,
    Discard,
    Listen,
    Pause,
    Press,
    Release,
    Stop,
)
from strixdesk.voice.portaudio import PortAudio, StreamEnd
from strixdesk.voice.vad import SileroVad

log = logging.getLogger(__name__)

STALLED_S = 3.0
"""A microphone that is open and gives nothing for so long is taken for lost."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """The microphone has something, or has ended."""


@dataclass(frozen=True, slots=True)
class _Stalled:
    """The microphone is open, and nothing came for long."""


_SOUND = _Sound()
_HEARING = frozenset({MicrophoneState.LISTENING, MicrophoneState.RECORDING})


class VoiceThread:
    """Commands and sound come through one inbox, so everything has an order."""

    def __init__(
        self,
        portaudio: PortAudio,
        device: str | None,
        *,
        pause_ms: int,
        keep_warm_s: float,
        post: Callable[[Sequence[ListenerEvent | Discard]], None],
    ) -> None:
        self._portaudio = portaudio
        self._device = device
        self._keep_warm = round(keep_warm_s * SPEECH_RATE_HZ)
        self._post = post
        self._vad = SileroVad()
        self._cutter = UtteranceCutter(self._vad, pause_ms=pause_ms)
        self._inbox: queue.SimpleQueue[Command | _Sound] = queue.SimpleQueue()
        self._microphone: Microphone | None = None
        self._moved = MicrophoneMoved(MicrophoneState.CLOSED)
        """What was last told."""
        self._now = 0
        """Samples heard so far."""
        self._problem = ""
        """Why it is closed."""
        self._muted = ""
        """Why nothing is heard although it is open."""
        self._warm_until = 0
        self._zeros = 0
        """Length of the run of exact zeros that is going on."""
        self._lost_sound = 0
        """Samples and blocks, as last logged."""
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def send(self, command: Command) -> None:
        self._inbox.put(command)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    # -- the loop ------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._obey(self._next()):
                self._report()
        finally:
            # Also after a fault of our own: what was said until then is an utterance.
            self._tell(self._cutter.end_now())
            self._close()
            self._report()

    def _next(self) -> Command | _Sound | _Stalled:
        try:
            return self._inbox.get(timeout=STALLED_S if self._microphone else None)
        except queue.Empty:
            return _Stalled()

    def _obey(self, command: Command | _Sound | _Stalled) -> bool:
        """False when that was the end."""
        match command:
            case _Sound():
                self._hear()
            case _Stalled():
                self._lose("stopped giving sound")
            case Press():
                self._answer(command.done, self._press)
            case Release():
                latency_s = self._microphone.latency_s if self._microphone else 0.0
                self._cutter.release(round(latency_s * SPEECH_RATE_HZ), self._now)
            case Discard():
                self._cutter.discard()
                self._keep_open()
                self._tell([command])
            case Listen(on=on):
                self._answer(command.done, partial(self._listen, on))
            case Pause(paused=paused):
                self._cutter.pause(paused)
            case Stop():
                return False
            case _:
                assert_never(command)
        return True

    def _answer(self, done: Future[None], act: Callable[[], None]) -> None:
        try:
            act()
        except StrixError as error:
            done.set_exception(error)
        except BaseException as error:
            done.set_exception(error)
            raise
        else:
            done.set_result(None)

    def _press(self) -> None:
        self._ensure_open()
        self._tell(self._cutter.press())
        self._report()

    def _listen(self, on: bool) -> None:
        if on:
            self._ensure_open()
        self._tell(self._cutter.listen(on))
        self._close_unless_needed()
        self._report()

    # -- the device ----------------------------------------------------------------------------

    def _ensure_open(self) -> None:
        if self._microphone and self._microphone.end is not None:
            self._hear()
        if not self._microphone:
            self._open()
        try:
            self._vad.load()
        except StrixError as error:
            self._close()
            raise AudioInputError(error.message, error.advice) from error

    def _open(self) -> None:
        self._microphone = Microphone(
            self._portaudio,
            self._device,
            lambda: self._inbox.put(_SOUND),
            start_sample=self._now,
        )
        self._zeros = self._lost_sound = 0
        self._problem = self._muted = ""
        log.info("microphone %s open at %d Hz", self._microphone.device, self._microphone.rate_hz)

    def _close(self) -> None:
        microphone, self._microphone = self._microphone, None
        if microphone:
            microphone.close()
            log.info("microphone closed")

    def _close_unless_needed(self) -> None:
        if self._cutter.state is MicrophoneState.STANDBY and self._now >= self._warm_until:
            self._close()
            self._cutter.end_now()

    def _keep_open(self) -> None:
        self._warm_until = self._now + self._keep_warm

    def _lose(self, what: str) -> None:
        """The microphone is gone; what was said until then is an utterance."""
        if not self._microphone:
            return
        name = self._microphone.device
        self._close()
        self._tell(self._cutter.end_now())
        self._tell(self._cutter.listen(False))
        self._problem = (
            f'The microphone "{name}" {what}. Connect it again, or choose another in the '
            "settings; then hold the talk key, or switch listening on, to try again."
        )

    def _reopen(self) -> None:
        """PortAudio was started again for another stream's sake: go on with the same device."""
        former = self._microphone
        if former is None:
            return
        former.close()
        try:
            self._open()
        except AudioInputError:
            self._lose("went away")
            return
        if self._microphone and self._microphone.device != former.device:
            # Another one is the default now. Which to speak into is the user's decision.
            self._close()
            self._microphone = former
            self._lose("went away")

    # -- sound ---------------------------------------------------------------------------------

    def _hear(self) -> None:
        microphone = self._microphone
        if microphone is None:
            return
        for frame in microphone.frames():
            recording = self._cutter.state is MicrophoneState.RECORDING
            self._now = frame.start_sample + len(frame.samples)
            self._watch_zeros(frame)
            self._tell(self._cutter.frame(frame))
            if recording and self._cutter.state is not MicrophoneState.RECORDING:
                self._keep_open()
        self._count_lost(microphone)
        if microphone.end is StreamEnd.LOST:
            self._lose("went away")
        elif microphone.end is StreamEnd.RETIRED:
            self._reopen()
        self._close_unless_needed()

    def _watch_zeros(self, frame: AudioFrame) -> None:
        """A live microphone always hisses a little: zeros mean that something is switched off."""
        if np.any(frame.samples):
            self._zeros, self._muted = 0, ""
            return
        if self._cutter.state in _HEARING:
            self._zeros += len(frame.samples)
            if self._zeros >= SPEECH_RATE_HZ and self._microphone:
                name = self._microphone.device
                self._muted = f'Nothing at all comes from "{name}". {zeros_advice()}'

    def _count_lost(self, microphone: Microphone) -> None:
        lost = microphone.lost_samples + microphone.device_overflows
        if lost > self._lost_sound:
            self._lost_sound = lost
            log.warning(
                "microphone sound lost so far: %d samples by us, %d blocks by the device",
                microphone.lost_samples,
                microphone.device_overflows,
            )

    # -- telling -------------------------------------------------------------------------------

    def _tell(self, events: Sequence[ListenerEvent | Discard]) -> None:
        if events:
            self._post(events)

    def _report(self) -> None:
        """Tell the state, if it is another than was last told."""
        state = self._cutter.state if self._microphone else MicrophoneState.CLOSED
        if state not in _HEARING:
            self._zeros, self._muted = 0, ""
        moved = MicrophoneMoved(state, self._muted or self._problem)
        if moved == self._moved:
            return
        hearing = self._moved.state in _HEARING
        self._moved = moved
        self._tell([moved])
        if hearing and state not in _HEARING:
            self._tell([LevelHeard(SILENCE_DB, speech=False)])
