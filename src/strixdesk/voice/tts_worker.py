"""The voice's child process: Piper, loaded once and warm.

In:   speak {text, speed}        out:  ready {rate_hz}
      cancel                           frame + float32 samples, … , end
                                       error {message, advice}
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from strixdesk.core.audio import Samples
from strixdesk.core.errors import ModelError
from strixdesk.voice.wire import WireMessage

if TYPE_CHECKING:
    from piper import PiperVoice

    from strixdesk.voice.worker import Wire

FRAME_MS: Final = 80
LONGEST_PIECE: Final = 320
"""Characters that are synthesised at once. The first sound waits for all of them."""
_PUNCTUATED = re.compile(r"(?<=[.!?;:,])\s+")


def serve(wire: Wire, model: Path, *, threads: int, steady: bool) -> None:
    """Never returns in good order: the wire's end ends the process. Raises ModelError."""
    voice = load_voice(model, threads)
    cancelled: set[str] = set()

    def note_cancel(message: WireMessage) -> None:
        if message.kind == "cancel":
            cancelled.add(message.id)

    wire.watch(note_cancel)
    for _ in synthesise(voice, "Ready, then.", speed=1.0, steady=True):
        pass
    rate_hz = voice.config.sample_rate
    wire.send("ready", rate_hz=rate_hz)
    while True:
        message = wire.inbox.get()
        if message.kind == "cancel":
            cancelled.discard(message.id)
        elif message.kind == "speak":
            text, speed = message.fields["text"], float(message.fields["speed"])
            _speak(wire, message.id, synthesise(voice, text, speed, steady), rate_hz, cancelled)


def _speak(
    wire: Wire, request_id: str, pieces: Iterator[Samples], rate_hz: int, cancelled: set[str]
) -> None:
    length = rate_hz * FRAME_MS // 1000
    try:
        for samples in pieces:
            for start in range(0, len(samples), length):
                if request_id in cancelled:
                    return
                wire.send("frame", request_id, payload=samples[start : start + length].tobytes())
    except Exception as error:  # whatever the engine does not like is told, not died of
        wire.send("error", request_id, message=f"The voice failed ({type(error).__name__}).")
    else:
        wire.send("end", request_id)


def synthesise(voice: PiperVoice, text: str, speed: float, steady: bool) -> Iterator[Samples]:
    """Sound, sentence by sentence. `steady`: the same text gives the same samples each time."""
    from piper import SynthesisConfig

    noise = 0.0 if steady else None
    config = SynthesisConfig(
        length_scale=voice.config.length_scale / speed, noise_scale=noise, noise_w_scale=noise
    )
    for piece in pieces_of(text):
        for chunk in voice.synthesize(piece, config):
            yield np.asarray(chunk.audio_float_array, dtype=np.float32)


def pieces_of(text: str) -> list[str]:
    """Text in pieces short enough to be synthesised at once, cut at punctuation, then at words.
    A piece without a letter or digit has no sound and is left out."""
    pieces: list[str] = []
    for line in text.splitlines():
        current = ""
        for clause in _PUNCTUATED.split(line):
            for part in textwrap.wrap(clause, LONGEST_PIECE):
                joined = f"{current} {part}".strip()
                if len(joined) > LONGEST_PIECE:
                    pieces.append(current)
                    joined = part
                current = joined
        pieces.append(current)
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def load_voice(model: Path, threads: int) -> PiperVoice:
    """Raises ModelError when a file is missing or broken."""
    described = model.with_name(model.name + ".json")
    advice = (
        "Fetch the voice again with `strixdesk models get NAME` (`strixdesk models` lists them),"
        " or choose another under [voice] in the settings."
    )
    for file in (model, described):
        if not file.is_file():
            raise ModelError(f"The voice's file {file} is missing.", advice)
    import onnxruntime
    from piper import PiperConfig, PiperVoice

    try:
        config = PiperConfig.from_dict(json.loads(described.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ModelError(f"The voice's description {described} is broken.", advice) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises a type of its own for each kind of damage
        raise ModelError(f"The voice's model {model} is broken.", advice) from error
    return PiperVoice(config=config, session=session)
