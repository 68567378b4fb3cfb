"""A tier may do anything; the user always learns what happened, and a cut answer is never whole."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierLoading,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.tier import Tier
from tests.support.asking import ask
from tests.support.fault_server import (
    DONE,
    Cut,
    FaultServer,
    Hold,
    KeepAlives,
    Pause,
    Script,
    chunked,
    event,
    http,
    says,
    stream,
)

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


@dataclass(frozen=True)
class Fault:
    name: str
    script: Script
    error: type[TierError]
    says: str
    """A part of the sentences that the user reads."""
    kept: str = ""
    """What came of the answer before."""


HTML = b"<!doctype html><html><body>It works!</body></html>"
IN_STREAM_ERROR = {"error": {"message": "CUDA out of memory", "code": 500}}

FAULTS = [
    # -- refused at the door
    Fault("wants a key", http(401, recorded("llama/wrong_key.json")), TierRefused, "an API key"),
    Fault("forbids", http(403, b"{}"), TierRefused, "API key"),
    Fault(
        "no such model",
        http(404, recorded("vllm/no_model.json")),
        TierRefused,
        "does not have the model",
    ),
    Fault("wrong path", http(404, b'{"detail":"Not Found"}'), TierRefused, "base_url"),
    Fault("web server's 404", http(404, HTML, "text/html"), TierRefused, "web page"),
    Fault(
        "llama.cpp: too long",
        http(400, recorded("llama/overflow.json")),
        TierRefused,
        "(3031 of 1024 tokens)",
    ),
    Fault(
        "vLLM: too long",
        http(400, recorded("vllm/overflow.json")),
        TierRefused,
        "(1025 of 1024 tokens)",
    ),
    Fault(
        "LiteLLM: too long",
        http(400, recorded("litellm/overflow.json")),
        TierRefused,
        "longer than “box” can hold",
    ),
    Fault(
        "llama.cpp: blind",
        http(500, recorded("llama/no_vision.json")),
        TierRefused,
        "cannot look at pictures",
    ),
    Fault(
        "vLLM: blind",
        http(400, recorded("vllm/no_vision.json")),
        TierRefused,
        "cannot look at pictures",
    ),
    Fault(
        "proxy without upstream",
        http(500, recorded("litellm/upstream_down.json")),
        TierRefused,
        "Connection error",
    ),
    Fault("bad gateway", http(502, HTML, "text/html"), TierRefused, "HTTP 502"),
    Fault(
        "loading",
        http(503, b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}'),
        TierLoading,
        "still loading",
    ),
    Fault("overloaded", http(503, b'{"error":"no slot available"}'), TierRefused, "no slot"),
    Fault(
        "too many questions",
        http(429, b"{}", headers=["Retry-After: 7"]),
        TierRefused,
        "Ask again in 7 seconds",
    ),
    Fault("moved", http(301, headers=["Location: https://x/v1"]), TierRefused, "https://x/v1"),
    Fault("an endless error page", http(500, b"x" * 200_000), TierRefused, "HTTP 500"),
    # -- something else than an answer
    Fault("web page", http(200, HTML, "text/html"), TierRefused, "web page"),
    Fault("web page, called a stream", stream(HTML), TierRefused, "web page"),
    Fault("some other JSON", http(200, b'{"hello":"world"}'), TierRefused, "no chat answer"),
    Fault("a JSON list", http(200, b"[1,2]"), TierRefused, "no chat answer"),
    Fault(
        "an error under 200",
        http(200, b'{"error":"Unexpected endpoint or method."}'),
        TierRefused,
        "Unexpected endpoint",
    ),
    Fault("no HTTP", [b"SSH-2.0-OpenSSH_9.2\r\n"], StreamBroken, "closed the connection"),
    Fault("hangs up", [], StreamBroken, "closed the connection"),
    Fault("reset", [Cut()], StreamBroken, "closed the connection"),
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
        "silent for 0.3 seconds",
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
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_told_with_its_mend_and_nothing_is_called_whole(
    fault: Fault, faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(fault.script)
    outcome = await ask(chat, faults.tier(model="m"))
    assert type(outcome.error) is fault.error
    assert fault.says in outcome.error.sentence()
    assert outcome.error.advice, "it says what to do"
    assert ("What came is kept" in outcome.error.advice) == bool(fault.kept)
    assert outcome.error.message.endswith("."), "a whole sentence"
    assert "“box”" in outcome.error.message or "127.0.0.1" in outcome.error.message
    assert outcome.end is None
    assert fault.kept in outcome.text
    assert bool(outcome.text) == bool(fault.kept)


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        ("http://127.0.0.1:9/v1", "cannot be reached at 127.0.0.1:9: nothing listens there"),
        ("http://no-such-host.invalid/v1", "no machine of that name"),
        ("gopher://127.0.0.1/v1", "not well formed"),
        ("http://127.0.0.1:99999/v1", "not well formed"),
    ],
)
async def test_nobody_is_there(base_url: str, says: str, chat: ChatClient) -> None:
    outcome = await ask(chat, Tier("box", base_url, model="m"))
    assert isinstance(outcome.error, TierUnreachable)
    assert says in outcome.error.message


async def test_a_key_that_no_header_can_carry_is_not_printed(
    faults: FaultServer, chat: ChatClient
) -> None:
    for key in ("secret\nX-Evil: 1", "schlüssel-€"):
        outcome = await ask(chat, faults.tier(model="m", api_key=key))
        assert isinstance(outcome.error, TierUnreachable)
        assert key not in outcome.error.sentence()
        assert "secret" not in outcome.error.sentence()
    assert faults.requests == []


async def test_passwords_in_an_address_are_not_printed(chat: ChatClient) -> None:
    tier = Tier("box", "http://me:hunter2@127.0.0.1:9/v1", model="m")
    outcome = await ask(chat, tier)
    assert outcome.error is not None
    assert "hunter2" not in outcome.error.sentence()


async def test_the_time_that_the_reader_takes_is_not_the_tiers_silence(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(stream(says("a"), Pause(0.1), says("b", finish="stop"), DONE))
    got: list[ChatDelta | ChatEnd] = []
    async for item in chat.stream(faults.tier(model="m"), [ChatMessage("user", "?")]):
        got.append(item)
        if len(got) == 1:
            await asyncio.sleep(0.5)  # longer than any deadline here
    assert isinstance(got[-1], ChatEnd)


async def test_every_content_buys_time(faults: FaultServer, chat: ChatClient) -> None:
    slow = [step for word in ["a", "b", "c", "d", "e"] for step in (says(word), Pause(0.15))]
    faults.on_chat(stream(*slow, says(finish="stop"), DONE))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.whole
    assert outcome.text == "abcde"


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("nothing", []),
        ("a cut", [Cut()]),
        ("silence", [Hold()]),
        ("rubbish", [event("{oops")]),
        ("a token count", [event({"choices": [], "usage": {}}), DONE]),
        ("[DONE] and more", [DONE, says("not part of it")]),
    ],
)
async def test_an_answer_that_said_why_it_stopped_is_whole_whatever_follows(
    name: str, rest: list[bytes], faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(stream(says("Paris."), says(finish="stop"), *rest))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.whole, outcome.error
    assert outcome.text == "Paris."


def test_the_table_covers_what_is_promised() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert json.loads(recorded("llama/overflow.json"))["error"]["n_ctx"] == 1024
