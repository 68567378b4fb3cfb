"""One fault: a script for the fault server, played down to the byte, and what has to come of it.

It ends in the whole answer, or in an error of the right kind with what came before it kept: never
in half an answer called whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strixdesk.core.errors import StreamBroken, TierError
from strixdesk.core.tool_calls import AnyToolCall
from tests.support.fault_server import DONE, Pause, Script, Step, says, stream

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    name: str
    script: Script
    error: type[TierError] | None
    """None: in spite of it all, the answer is whole."""
    says: str
    """A part of the sentences that the user reads."""
    kept: str = ""
    """What came of the answer: all of it, or what there was before the error."""
    calls: tuple[AnyToolCall, ...] = ()


def whole(name: str, text: str, *steps: Step, calls: tuple[AnyToolCall, ...] = ()) -> Fault:
    return Fault(name, stream(*steps), None, "", text, calls)


def recorded(name: str) -> bytes:
    return (TESTS / "backends" / "recorded" / name).read_bytes()


def wire(name: str) -> bytes:
    return (TESTS / "data" / "wire" / name).read_bytes()


def bytewise(data: bytes, every_s: float = 0.0) -> list[Step]:
    """Byte for byte, each in a packet of its own."""
    return [step for byte in data for step in (bytes([byte]), Pause(every_s))]


HTML = b"<!doctype html><html><body>It works!</body></html>"
IN_STREAM_ERROR = {"error": {"message": "CUDA out of memory", "code": 500}}
END = says(finish="stop") + DONE
PARIS = says("Paris.") + END


def broken(name: str, *steps: Step, words: str = "") -> Fault:
    """The answer begins with “Par”, and then this."""
    return Fault(name, stream(says("Par"), *steps), StreamBroken, words, "Par")
