"""Strange, but whole: everything that must not keep an answer from its reader."""

from __future__ import annotations

import gzip

from strixdesk.core.tool_calls import ToolCall
from tests.faults.fault import END, PARIS, Fault, bytewise, whole
from tests.support.fault_server import DONE, Cut, Hold, Pause, chunked, event, http, says, stream

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_BIG = "x" * 10_000_000
_LETTERS = "ü€🦉"
_RAW = (
    'data: {"choices":[{"index":0,"delta":{"content":"' + _LETTERS + '"},"finish_reason":"stop"}]}'
    "\n\n"
).encode()
_FIRST = _RAW.index(_LETTERS.encode())


def cut_at(offset: int) -> Fault:
    """Two packets, with a character in both."""
    steps = _RAW[:offset], Pause(0.02), _RAW[offset:], DONE
    return whole(f"“{_LETTERS}” cut after byte {offset - _FIRST}", _LETTERS, *steps)


def tool(index: int, arguments: str, name: str | None = None) -> dict[str, object]:
    named = {"name": name} if name else {}
    return {"index": index, "function": {**named, "arguments": arguments}}


SURVIVED = [
    # -- cut in any way
    *(cut_at(_FIRST + offset) for offset in range(1, len(_LETTERS.encode()))),
    whole("byte for byte", "Paris.", *bytewise(PARIS)),
    Fault("byte for byte, in HTTP chunks", chunked(*bytewise(PARIS)), None, "", "Paris."),
    whole("a surrogate pair cut in two", "🦉", says("\ud83e"), says("\udd89"), END),
    whole(
        "a line ending cut in two",
        "Paris.",
        PARIS.replace(b"\n", b"\r\n")[:-9],
        Pause(0.02),
        PARIS.replace(b"\n", b"\r\n")[-9:],
    ),
    # -- lines
    whole("a byte-order mark", "Paris.", b"\xef\xbb\xbf" + PARIS),
    whole("CRLF", "Paris.", PARIS.replace(b"\n", b"\r\n")),
    whole("CR", "Paris.", PARIS.replace(b"\n", b"\r")),
    whole(
        "all line endings mixed",
        "Paris.",
        says("Par").replace(b"\n", b"\r"),
        says("is.").replace(b"\n\n", b"\r\n\n"),
        END.replace(b"\n", b"\r\n"),
    ),
    whole(
        "comments between the lines",
        "Paris.",
        b": ping\n\n",
        says("Par"),
        b":\n: x\n\n",
        says("is."),
        b":" + b"-" * 100_000 + b"\n",
        END,
    ),
    whole("other fields", "Paris.", b"id: 7\nretry: 10\nevent: message\nfoo: bar\n" + PARIS),
    whole("no space after the colon", "Paris.", PARIS.replace(b"data: ", b"data:")),
    whole(
        "JSON over several data lines",
        "Paris.",
        b'data: {"choices": [\ndata: {"delta": {"content":\ndata: "Paris."}}]}\n\n',
        END,
    ),
    whole("a line of 10 MB", _BIG, says(_BIG), END),
    whole("no blank line at the end", "Paris.", says("Par"), says("is.", finish="stop")[:-1]),
    # -- chunks
    whole(
        "the role again and again",
        "Paris.",
        says("Par", role="assistant"),
        says("", role="assistant"),
        says("is.", role="assistant"),
        END,
    ),
    whole(
        "null for content",
        "Paris.",
        event({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
        PARIS,
    ),
    whole(
        "empty choices",
        "Paris.",
        event({"choices": []}),
        says("Paris."),
        event({"choices": []}),
        END,
    ),
    whole("null for choices", "Paris.", event({"choices": None}), PARIS),
    whole("null for a delta", "Paris.", event({"choices": [{"index": 0, "delta": None}]}), PARIS),
    whole(
        "only a token count",
        "Paris.",
        says("Paris."),
        says(finish="stop"),
        event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        DONE,
    ),
    whole(
        "nonsense for a token count",
        "Paris.",
        says("Paris."),
        says(finish="stop"),
        event({"choices": [], "usage": {"prompt_tokens": "3", "completion_tokens": None}}),
        DONE,
    ),
    whole("null for the error", "Paris.", event({"error": None, "choices": []}), PARIS),
    whole(
        "content as a list of parts",
        "Paris.",
        event({"choices": [{"delta": {"content": [{"type": "text", "text": "Paris."}]}}]}),
        END,
    ),
    whole(
        "another choice in between",
        "Paris.",
        says("Par"),
        event({"choices": [{"index": 1, "delta": {"content": "Lyon"}}]}),
        says("is."),
        END,
    ),
    whole(
        "tool calls out of order",
        "One moment.",
        says("One moment."),
        says(None, tool_calls=[tool(1, '{"city": "Rome"}', "weather")]),
        says(None, tool_calls=[tool(0, '{"city": ', "weather")]),
        says(None, tool_calls=[tool(0, '"Paris"}')]),
        says(finish="tool_calls"),
        DONE,
        calls=(
            ToolCall("call_0", "weather", {"city": "Paris"}),
            ToolCall("call_1", "weather", {"city": "Rome"}),
        ),
    ),
    # -- around the end
    whole("words after [DONE]", "Paris.", PARIS, says("not part of it")),
    whole("rubbish after [DONE]", "Paris.", PARIS, b"\x00\xff{oops"),
    whole("silence after [DONE]", "Paris.", PARIS, Hold()),
    whole("no [DONE]", "Paris.", says("Paris."), says(finish="stop")),
    whole(
        "reset after the last word",
        "Paris.",
        says("Paris."),
        says(finish="stop"),
        Pause(0.05),
        Cut(),
    ),
    whole("reset after [DONE]", "Paris.", PARIS, Pause(0.05), Cut()),
    # -- HTTP
    Fault(
        "gzip, though nobody asked for it",
        [_HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(PARIS)],
        None,
        "",
        "Paris.",
    ),
    Fault(
        "an early hint",
        [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", *stream(PARIS)],
        None,
        "",
        "Paris.",
    ),
    Fault("no type of content", [b"HTTP/1.1 200 OK\r\n\r\n", PARIS], None, "", "Paris."),
    Fault(
        "a stream called plain text", stream(PARIS, content_type="text/plain"), None, "", "Paris."
    ),
    Fault(
        "all at once, as JSON",
        http(200, b'{"choices":[{"message":{"content":"Paris."},"finish_reason":"stop"}]}'),
        None,
        "",
        "Paris.",
    ),
]
