"""Answers that go silent, are cut or are broken inside: what came is kept and called incomplete."""

from __future__ import annotations

import gzip

from strixdesk.core.errors import StreamBroken, TierRefused, TierTimeout
from tests.faults.fault import IN_STREAM_ERROR, PARIS, Fault, broken, recorded
from tests.support.fault_server import (
    DONE,
    Cut,
    Hold,
    KeepAlives,
    Pause,
    chunked,
    event,
    says,
    stream,
)

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_TOOL = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city": "Pa'}}

BREAKS = [
    # -- silence
    Fault("never answers", [Hold()], TierTimeout, "wrote nothing for 0.4 seconds"),
    Fault("headers, then nothing", stream(Hold()), TierTimeout, "wrote nothing"),
    Fault("a role, then nothing", stream(says(role="assistant"), Hold()), TierTimeout, "nothing"),
    Fault(
        "only keep-alives",
        stream(KeepAlives(b": ping\n\n", 0.05)),
        TierTimeout,
        "wrote nothing for 0.4 seconds",
    ),
    Fault(
        "only empty deltas",
        stream(KeepAlives(says(""), 0.05)),
        TierTimeout,
        "wrote nothing for 0.4 seconds",
    ),
    Fault(
        "stalls behind keep-alives",
        stream(says("Par"), KeepAlives(b": ping\n\n", 0.05)),
        TierTimeout,
        "silent for 0.4 seconds",
        kept="Par",
    ),
    # -- cut
    Fault("ends without a word", stream(), StreamBroken, "no answer came"),
    Fault("ends in mid-answer", stream(says("Par")), StreamBroken, "not the whole", kept="Par"),
    Fault(
        "[DONE] without a reason",
        stream(says("Par"), DONE),
        StreamBroken,
        "without saying that it was finished",
        kept="Par",
    ),
    Fault(
        "an empty reason",
        stream(says("Par", finish=""), DONE),
        StreamBroken,
        "without saying",
        kept="Par",
    ),
    Fault("only [DONE]", stream(DONE), StreamBroken, "no answer came"),
    Fault(
        "reset in mid-answer",
        stream(says("Par"), Pause(0.05), Cut()),
        StreamBroken,
        "connection was cut",
        kept="Par",
    ),
    Fault(
        "cut between chunks",
        chunked(says("Par"), ended=False),
        StreamBroken,
        "connection was cut",
        kept="Par",
    ),
    Fault(
        "cut inside a chunk",
        stream(says("Par"), b'data: {"choices":[{"del'),
        StreamBroken,
        "not the whole",
        kept="Par",
    ),
    Fault(
        "given up",
        stream(says("Par"), says(finish="abort"), DONE),
        StreamBroken,
        "given up",
        kept="Par",
    ),
    # -- broken inside
    Fault(
        "bad JSON", stream(says("Par"), event("{oops")), StreamBroken, "cannot be read", kept="Par"
    ),
    Fault(
        "absurdly deep JSON",
        stream(says("Par"), event("[" * 100_000)),
        StreamBroken,
        "cannot be read",
        kept="Par",
    ),
    Fault(
        "a number for a chunk",
        stream(says("Par"), event("7")),
        StreamBroken,
        "cannot be read",
        kept="Par",
    ),
    Fault(
        "an error before the answer",
        stream(event(IN_STREAM_ERROR), DONE),
        TierRefused,
        "CUDA out of memory",
    ),
    Fault(
        "an error in the answer",
        stream(says("Par"), event(IN_STREAM_ERROR), DONE),
        StreamBroken,
        "CUDA out of memory",
        kept="Par",
    ),
    Fault(
        "a named error event",
        stream(says("Par"), b'event: error\ndata: {"message":"boom"}\n\n'),
        StreamBroken,
        "boom",
        kept="Par",
    ),
    Fault(
        "a line without end",
        stream(says("Par"), b"data: ", b"x" * (17 << 20)),
        StreamBroken,
        "longer than",
        kept="Par",
    ),
    # -- as recorded
    Fault(
        "vLLM's engine dies",
        stream(recorded("vllm/engine_died.sse")),
        StreamBroken,
        "EngineCore",
        kept=" viewer Site marsh",
    ),
    Fault(
        "llama-server is killed",
        chunked(recorded("llama/killed.sse"), ended=False),
        StreamBroken,
        "connection was cut",
        kept="In the year 2",
    ),
    Fault(
        "a model of llama-server's router is killed",
        stream(recorded("llama/router_killed.sse")),
        StreamBroken,
        "ended without saying that it was finished",
        kept="a creature of legend, and a",
    ),
    # -- drop by drop
    Fault(
        "a header that never ends",
        [b"HTTP/1.1 200 OK\r\nX-Slow: ", KeepAlives(b"x", 0.05)],
        TierTimeout,
        "wrote nothing",
    ),
    Fault(
        "an event that never ends",
        stream(b"data: ", KeepAlives(b"x", 0.05)),
        TierTimeout,
        "wrote nothing",
    ),
    Fault(
        "an event in the answer that never ends",
        stream(says("Par"), b"data: ", KeepAlives(b"x", 0.05)),
        TierTimeout,
        "silent",
        "Par",
    ),
    Fault(
        "blank lines for ever",
        stream(says("Par"), KeepAlives(b"\n", 0.02)),
        TierTimeout,
        "silent",
        "Par",
    ),
    Fault(
        "a tool call that stalls",
        stream(says("Par"), says(None, tool_calls=[_TOOL]), KeepAlives(b":\n\n", 0.05)),
        TierTimeout,
        "silent",
        "Par",
    ),
    # -- cut at each stage
    Fault("reset in the headers", [_HEAD, Pause(0.05), Cut()], StreamBroken, "closed"),
    Fault("reset after the headers", stream(Pause(0.05), Cut()), StreamBroken, "closed"),
    Fault(
        "reset after the role",
        stream(says(role="assistant"), Pause(0.05), Cut()),
        StreamBroken,
        "closed",
    ),
    broken("reset inside an event", b'data: {"choices":', Pause(0.05), Cut(), words="was cut"),
    broken(
        "reset after a tool call's beginning",
        says(None, tool_calls=[_TOOL]),
        Pause(0.05),
        Cut(),
        words="was cut",
    ),
    broken("ends in a tool call", says(None, tool_calls=[_TOOL]), DONE, words="without saying"),
    broken("ends inside a character", b'data: {"choices":[{"delta":{"content":"\xf0\x9f'),
    broken("ends after a token count", event({"choices": [], "usage": {}}), DONE),
    broken("[DONE] inside the answer, then more", DONE, says("is."), says(finish="stop")),
    Fault(
        "shorter than it said",
        [_HEAD + b"Content-Length: 5000\r\n\r\n", says("Par")],
        StreamBroken,
        "was cut",
        "Par",
    ),
    Fault(
        "longer than it said",
        [_HEAD + b"Content-Length: %d\r\n\r\n" % len(says("Par")), says("Par"), PARIS],
        StreamBroken,
        "not the whole",
        "Par",
    ),
    Fault(
        "chunks that lie about their size",
        [
            _HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            b"%x\r\n" % len(says("Par")),
            says("Par"),
            b"\r\nzz\r\n",
            PARIS,
        ],
        StreamBroken,
        "was cut",
        "Par",
    ),
    # -- compressed, or so it says
    Fault(
        "called gzip, and is not",
        [_HEAD + b"Content-Encoding: gzip\r\n\r\n", PARIS],
        StreamBroken,
        "cannot be read",
    ),
    Fault("is gzip, and not called so", stream(gzip.compress(PARIS)), StreamBroken, "no answer"),
    Fault(
        "gzip that is cut",
        [_HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(says("Par") * 400)[:40]],
        StreamBroken,
        "",
    ),
    # -- errors in each server's shape
    broken(
        "an error as plain text",
        event({"error": "llm runner terminated"}),
        DONE,
        words="llm runner terminated",
    ),
    broken(
        "an error as vLLM used to send it",
        event({"object": "error", "message": "engine is dead", "code": 500}),
        DONE,
        words="engine is dead",
    ),
    Fault(
        "too long, told in the stream",
        stream(
            event(
                {
                    "error": {
                        "message": "request (9 tokens) exceeds the available context "
                        "size (8 tokens)",
                        "code": 400,
                    }
                }
            )
        ),
        TierRefused,
        "can hold",
    ),
    broken("half of a surrogate pair, then nothing", says("\ud83d")),
    broken(
        "a stop reason that is no text",
        says(finish=None),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": 7}]}),
        DONE,
    ),
    broken(
        "a reason to stop for another choice",
        event({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}),
        DONE,
    ),
]
