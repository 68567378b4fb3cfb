"""The recogniser's child process: faster-whisper, loaded once and warm.

In:   begin {drafts} | feed + samples | pause | finish        out:  ready {decode_s}
      transcribe + samples                                          partial {text}
      cancel                                                        progress {done}
                                                                    final {text} | error {message}

Samples are 16 kHz mono float32. Utterances that are being spoken go before whole recordings.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Final

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples
from strixdesk.core.errors import ModelError
from strixdesk.voice.decode_ahead import Step
from strixdesk.voice.live_utterance import LiveUtterance
from strixdesk.voice.short_window import SHORT_UP_TO_S, ShortWindowDecoder, believable
from strixdesk.voice.speech_map import FRAME, Detector, SpeechMap, spans
from strixdesk.voice.wire import WireMessage

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

    from strixdesk.voice.worker import Wire

LONGEST_SPAN_S: Final = 28.0
_NEEDED: Final = ("model.bin", "config.json", "tokenizer.json")


def serve(wire: Wire, model_dir: Path, *, language: str, threads: int) -> None:
    """Never returns in good order: the wire's end ends the process. Raises ModelError."""
    model = load_model(model_dir, threads)
    wanted = None if language == "auto" else language
    if wanted not in (None, *model.supported_languages):
        raise ModelError(
            f'The recogniser in {model_dir} does not understand the language "{language}".',
            "Set `language` under [recogniser] to one that it does, or get a multilingual"
            " recogniser with `strixdesk models get base`.",
        )
    decoder = ShortWindowDecoder(model, wanted)
    begun = time.monotonic()
    decoder.quickly(np.zeros(20 * SPEECH_RATE_HZ, np.float32))
    decode_s = time.monotonic() - begun
    decoder.quickly(np.zeros(SPEECH_RATE_HZ, np.float32))
    detector = Detector()
    wire.send("ready", decode_s=decode_s)
    Server(wire, decoder, detector).run()


class Server:
    """Takes messages as they come and always does what is most urgent."""

    def __init__(self, wire: Wire, decoder: ShortWindowDecoder, detector: Detector) -> None:
        self._wire = wire
        self._decoder = decoder
        self._detector = detector
        self._live: dict[str, LiveUtterance] = {}
        self._whole: deque[tuple[str, Iterator[WireMessage]]] = deque()

    def run(self) -> None:
        busy = False
        while True:
            self._hear(wait=not busy)
            busy = self._advance_live() or self._advance_whole()

    def _hear(self, wait: bool) -> None:
        """Everything in the inbox; `wait` for something if it is empty."""
        while True:
            try:
                message = self._wire.inbox.get(block=wait)
            except Empty:
                return
            wait = False
            self._take(message)

    def _take(self, message: WireMessage) -> None:
        live = self._live.get(message.id)
        match message.kind:
            case "begin":
                drafts = bool(message.fields.get("drafts"))
                self._live[message.id] = LiveUtterance(self._decoder, self._detector, drafts)
            case "feed" if live:
                live.feed(_samples(message))
            case "pause" if live:
                live.pause()
            case "finish" if live:
                live.finish()
            case "transcribe":
                self._whole.append((message.id, self._transcription(message)))
            case "cancel":
                self._live.pop(message.id, None)
                self._whole = deque(job for job in self._whole if job[0] != message.id)
            case _:
                pass  # for an utterance that has failed or was cancelled

    def _advance_live(self) -> bool:
        """One step of one utterance. True when there may be more to do."""
        for utterance_id, utterance in list(self._live.items()):
            try:
                step = utterance.advance()
            except Exception as error:  # an engine's error costs this utterance, not the process
                del self._live[utterance_id]
                self._fail(utterance_id, error)
                return True
            match step:
                case Step.WAIT:
                    continue
                case Step.ANSWER:
                    del self._live[utterance_id]
                    self._wire.send("final", utterance_id, text=utterance.text)
                case _:
                    self._wire.send("partial", utterance_id, text=utterance.text)
            return True
        return False

    def _advance_whole(self) -> bool:
        if not self._whole:
            return False
        request_id, job = self._whole[0]
        try:
            message = next(job)
        except Exception as error:  # as above
            self._whole.popleft()
            self._fail(request_id, error)
            return True
        self._wire.send(message.kind, request_id, **message.fields)
        if message.kind == "final":
            self._whole.popleft()
        return True

    def _transcription(self, message: WireMessage) -> Iterator[WireMessage]:
        """A whole recording of any length, span by span."""
        samples = _samples(message)
        heard = SpeechMap(self._detector)
        step = 60 * SPEECH_RATE_HZ
        for start in range(0, len(samples), step):
            heard.append(samples[start : start + step])
            yield WireMessage("progress", message.id, {"done": 0.0})
        heard.append(np.zeros(FRAME, np.float32))
        texts: list[str] = []
        for start, end in spans(heard.probabilities, LONGEST_SPAN_S):
            span = samples[start:end]
            short = len(span) <= SHORT_UP_TO_S * SPEECH_RATE_HZ
            decoded = self._decoder.decode(span) if short else self._decoder.thoroughly(span)
            speech = heard.probabilities[start // FRAME : end // FRAME] >= 0.5
            if believable(decoded, int(speech.sum()) * FRAME / SPEECH_RATE_HZ):
                texts.append(decoded.text)
            yield WireMessage("progress", message.id, {"done": end / len(samples)})
        yield WireMessage("final", message.id, {"text": " ".join(filter(None, texts))})

    def _fail(self, request_id: str, error: Exception) -> None:
        traceback.print_exception(error)
        sys.stderr.flush()
        self._wire.send(
            "error", request_id, message=f"The recogniser failed ({type(error).__name__})."
        )


def _samples(message: WireMessage) -> Samples:
    return np.frombuffer(message.payload, np.float32)


def load_model(model_dir: Path, threads: int) -> WhisperModel:
    """Raises ModelError when a file is missing or broken."""
    advice = (
        "Fetch the recogniser again with `strixdesk models get NAME` (`strixdesk models` lists"
        " them), or choose another under [recogniser] in the settings."
    )
    if not model_dir.is_dir():
        raise ModelError(f"There is no recogniser in {model_dir}.", advice)
    missing = [name for name in _NEEDED if not (model_dir / name).is_file()]
    if not any(model_dir.glob("vocabulary.*")):
        missing.append("vocabulary.txt")
    if missing:
        raise ModelError(f"The recogniser in {model_dir} lacks {', '.join(missing)}.", advice)
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(model_dir),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            local_files_only=True,
        )
    except Exception as error:  # ctranslate2 and tokenizers raise bare types for damaged files
        traceback.print_exc()
        raise ModelError(
            f"The recogniser in {model_dir} is broken ({_first_line(error)}).", advice
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")[:200] or type(error).__name__
