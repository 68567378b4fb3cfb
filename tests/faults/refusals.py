"""Refused at the door, or answered with something that is no answer; in each server's words."""

from __future__ import annotations

import json

from strixdesk.core.errors import StreamBroken, TierLoading, TierRefused
from tests.faults.fault import HTML, Fault, recorded, wire
from tests.support.fault_server import Cut, http, stream


def said(message: str, **more: object) -> bytes:
    """OpenAI's shape of an error."""
    return json.dumps({"error": {"message": message, **more}}).encode()


REFUSALS = [
    # -- refused at the door
    Fault("wants a key", http(401, recorded("llama/wrong_key.json")), TierRefused, "an API key"),
    Fault(
        "key not in LiteLLM's database",
        http(400, recorded("litellm/wrong_key.json")),
        TierRefused,
        "an API key",
    ),
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
    # -- the same in other servers' words
    Fault("vLLM wants a key", http(401, b'{"error":"Unauthorized"}'), TierRefused, "an API key"),
    Fault(
        "LiteLLM wants a key",
        http(401, said("Authentication Error, No api key passed in.", type="auth_error")),
        TierRefused,
        "an API key",
    ),
    Fault(
        "llama.cpp's router: no such model",
        http(400, said("model 'nope' not found", code=400, type="invalid_request_error")),
        TierRefused,
        "does not have the model",
    ),
    Fault(
        "LiteLLM: no such model",
        http(400, wire("litellm_no_model.json")),
        TierRefused,
        "does not have the model",
    ),
    Fault(
        "model not found, llama.cpp's router",
        http(400, recorded("llama/router_no_model.json")),
        TierRefused,
        "does not have the model",
    ),
    Fault(
        "llama.cpp's router: a model that cannot be loaded",
        http(500, recorded("llama/router_load_failed.json")),
        TierRefused,
        "failed to load",
    ),
    Fault(
        "Ollama: no such model",
        http(404, said('model "nope" not found, try pulling it first', type="not_found_error")),
        TierRefused,
        "does not have the model",
    ),
    Fault(
        "OpenAI: too long",
        http(400, said("Too many tokens.", code="context_length_exceeded")),
        TierRefused,
        "longer than “box” can hold",
    ),
    Fault(
        "Ollama: too many questions",
        http(503, b'{"error":"server busy, please try again.  maximum pending requests exceeded"}'),
        TierRefused,
        "server busy",
    ),
    Fault("too many questions, for how long unsaid", http(429), TierRefused, "in a moment"),
    Fault(
        "too many questions, until a date",
        http(429, headers=["Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"]),
        TierRefused,
        "too much to do",
    ),
    Fault(
        "overloaded, with a time",
        http(503, b'{"error":"overloaded"}', headers=["Retry-After: 3"]),
        TierRefused,
        "overloaded",
    ),
    Fault("a proxy's time-out", http(504, HTML, "text/html"), TierRefused, "HTTP 504"),
    Fault("loading, as a web page", http(503, HTML, "text/html"), TierRefused, "HTTP 503"),
    Fault("an error page in no encoding", http(500, b"\xff\xfe\x00"), TierRefused, "HTTP 500"),
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
]
