"""What the log of a starting model server says: the phase, how far, and what went wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class Phase(Enum):
    """In the order of a start; not every server goes through all of them."""

    STARTING = "starting"
    DOWNLOADING = "downloading the model"
    LOADING = "loading weights"
    COMPILING = "compiling"
    PROFILING = "measuring the memory"
    CAPTURING = "capturing graphs"
    WARMING = "warming up"
    READY = "ready"


_SPAN = {
    Phase.STARTING: (0.0, 0.05),
    Phase.DOWNLOADING: (0.05, 0.10),
    Phase.LOADING: (0.10, 0.60),
    Phase.COMPILING: (0.60, 0.75),
    Phase.PROFILING: (0.75, 0.80),
    Phase.CAPTURING: (0.80, 0.97),
    Phase.WARMING: (0.97, 1.0),
    Phase.READY: (1.0, 1.0),
}
"""Which part of a start a phase takes, where past starts do not tell better."""


@dataclass(frozen=True, slots=True)
class Start:
    """How far a start has come, by its log."""

    phase: Phase = Phase.STARTING
    within: float | None = None
    """Of the phase, 0 to 1; None: the log gives no number."""
    error: str = ""
    """The line that tells best what went wrong; of an earlier run, while this one goes on."""
    failed: bool = False
    """The error came after the last sign of progress."""

    @property
    def ready(self) -> bool:
        return self.phase is Phase.READY

    @property
    def words(self) -> str:
        """“loading weights, 45 %”; empty when it is ready."""
        if self.ready:
            return ""
        percent = "" if self.within is None else f", {self.within:.0%}".replace("%", " %")
        return f"{self.phase.value}{percent}"

    @property
    def progress(self) -> float:
        begin, end = _SPAN[self.phase]
        return begin + (end - begin) * (self.within or 0.0)


_PERCENT = re.compile(r"(\d{1,3})%")
_COUNTED = re.compile(r"\b(\d{1,6})/(\d{1,6})\b")

_MARKS: tuple[tuple[str, Phase], ...] = (
    # vLLM
    ("vLLM API server version", Phase.STARTING),
    ("Initializing a V1 LLM engine", Phase.STARTING),
    ("Fetching ", Phase.DOWNLOADING),
    ("Downloading", Phase.DOWNLOADING),
    (".safetensors:", Phase.DOWNLOADING),
    ("Starting to load model", Phase.LOADING),
    ("checkpoint shards:", Phase.LOADING),
    ("Loading weights took", Phase.LOADING),
    ("Model loading took", Phase.COMPILING),
    ("torch.compile", Phase.COMPILING),
    ("Dynamo bytecode", Phase.COMPILING),
    ("Compiling a graph", Phase.COMPILING),
    ("Memory profiling", Phase.PROFILING),
    ("Available KV cache memory", Phase.PROFILING),
    (" KV cache size: ", Phase.PROFILING),
    ("Capturing CUDA graph", Phase.CAPTURING),
    ("Capturing cudagraphs", Phase.CAPTURING),
    ("Graph capturing finished", Phase.WARMING),
    ("init engine (", Phase.WARMING),
    ("Application startup complete", Phase.READY),
    # llama.cpp
    ("llama_model_loader: loaded meta data", Phase.LOADING),
    ("loading model tensors", Phase.LOADING),
    ("load_model: loading model", Phase.LOADING),
    ("llama_context: constructing", Phase.WARMING),
    ("warming up the model", Phase.WARMING),
    ("model loaded", Phase.READY),
    ("all slots are idle", Phase.READY),
)
_NUMBERED = {Phase.DOWNLOADING, Phase.LOADING, Phase.CAPTURING}

_CAUSES = re.compile(
    r"out of memory|OutOfMemory|No available memory|KV cache is needed|larger than the available "
    r"KV cache|less than desired GPU memory|address already in use|couldn't bind|"
    r"No such file or directory|failed to open|failed to load model|unable to load model|"
    r"error loading model|gated repo|401 Client Error|403 Client Error|404 Client Error|"
    r"No space left on device|not supported|HIP error|CUDA error|invalid argument|"
    r"failed to allocate|ErrorDeviceLost|is not a valid|unknown model architecture",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(r"^(?:[a-zA-Z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b(?::|$)")
_ERROR = re.compile(r"^(?:error|fatal|terminate called|panic|Segmentation fault)\b", re.IGNORECASE)
_EMPTY_WORDS = ("initialization failed", "See root cause above", "See stack trace for root cause")
_PREFIX = re.compile(
    r"^(?:\([\w .=-]{1,80}\)\s*)?(?:(ERROR|WARNING|INFO|DEBUG)\s+[\d-]{3,12}\s+[\d:.,]{5,15}\s+"
    r"(?:\[[^\]]{1,80}\]\s*)?)?"
)
_LINE_CHARS = 2_000
_ERROR_CHARS = 300


def read_start(lines: Iterable[str], before: Start | None = None) -> Start:
    """How far it is after these lines of its log. Progress bars' carriage returns count as line
    ends. Linear in the length of the log, whatever stands in it."""
    start = before or Start()
    weight = 0
    for whole in lines:
        for line in whole[: 4 * _LINE_CHARS].split("\r"):
            text = line[:_LINE_CHARS].strip()
            prefix = _PREFIX.match(text)
            level = prefix[1] if prefix else None
            text = text[prefix.end() :] if prefix else text
            if not text:
                continue
            if found := 0 if level in {"INFO", "WARNING", "DEBUG"} else _weight(text):
                if not start.failed or found >= weight:
                    start = replace(start, error=text[:_ERROR_CHARS], failed=True)
                    weight = found
            # vLLM warns that it will not compile, among others.
            elif level != "WARNING" and (phase := _phase(text)) is not None:
                start = Start(phase, _within(phase, text), start.error, failed=False)
    return start


def _phase(text: str) -> Phase | None:
    return next((phase for mark, phase in _MARKS if mark in text), None)


def _within(phase: Phase, text: str) -> float | None:
    if phase not in _NUMBERED:
        return None
    if percent := _PERCENT.search(text):
        return min(int(percent[1]), 100) / 100
    if (counted := _COUNTED.search(text)) and int(counted[2]):
        return min(1.0, int(counted[1]) / int(counted[2]))
    return None


def _weight(text: str) -> int:
    """How much a line tells of an error: 0 nothing, 1 that there was one, 2 which."""
    is_error = _EXCEPTION.match(text) or _ERROR.match(text)
    if _CAUSES.search(text) and not text.startswith(("File ", "warning")):
        return 3 if is_error else 2
    return 1 if is_error and not any(words in text for words in _EMPTY_WORDS) else 0
