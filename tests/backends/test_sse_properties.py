"""Whatever bytes come, in whatever pieces: the same result, no crash, no growth."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strixdesk.backends.answer import Answer
from strixdesk.backends.sse import SseParser, SseTooLong
from strixdesk.core.chat import ChatEnd
from strixdesk.core.tier import Tier
from tests.fuzz.reading import cut, read, woven
from tests.support.fault_server import DONE, says

FRAGMENTS = [
    b"data: ", b"data:", b"\n", b"\n\n", b"\r\n", b"\r", b": ping\n", b"event: error\n", b"[DONE]",
    b"\xef\xbb\xbf", b"\xf0\x9f", "ü🦉".encode(), b"{}", b"null", b"7", b'{"choices":[]}',
    b'{"choices":[{"index":[]}]}', b'{"choices":[{"delta":[]}]}', b'{"choices":{}}',
    b'{"error":{"code":{}}}', b'{"error":"x"}', b'{"object":"error"}',
    b'{"usage":{"prompt_tokens":1}}',
    b'{"choices":[{"delta":{"content":"<think>\\ud83d"}}]}',
    b'{"choices":[{"delta":{"content":"\\ude00</think>x"}}]}',
    b'{"choices":[{"delta":{"content":{"a":1},"reasoning":["b"],"tool_calls":7}}]}',
    b'{"choices":[{"delta":{"tool_calls":[{"id":{},"index":"1","function":{"arguments":[{}]}}]}}]}',
    b'{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"name":"search"}}]}}]}',
    b'{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{q:1"}}]}}]}',
    b'{"choices":[{"delta":{},"finish_reason":"stop"}]}',
    b'{"choices":[{"finish_reason":"abort"}]}',
]  # fmt: skip
streams = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join) | st.binary(max_size=400)
events = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map(
    lambda some: b"".join(b"data: " + one + b"\n\n" for one in some)
)
words = st.lists(
    st.sampled_from([b"c", b"r", b"t", b"a", b"o", b"\n", b"<think>", b"</think>", b"search",
                     b"search(q=1)", b'{"name": "search", "arguments": {', b"}", b"'",
                     b"\xed\xa0"]),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(streams | events | words.map(woven), st.binary(max_size=16))
@example(says("Par") + says("is.", finish="stop") + DONE, b"\x01\x02\x03")
def test_any_pieces_give_what_the_whole_gives(stream: bytes, sizes: bytes) -> None:
    assert read(cut(stream, sizes)) == read([stream])


@given(words)
def test_a_well_formed_stream_of_any_words_has_an_end(said: bytes) -> None:
    *_, end = read([woven(said)])
    assert isinstance(end, ChatEnd)


def test_an_endless_line_is_given_up_before_it_fills_the_memory() -> None:
    parser = SseParser(1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(SseTooLong):
            for _ in range(1 << 14):
                assert not list(parser.feed(b"x" * 1024))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_a_long_answer_is_handed_on_and_not_kept() -> None:
    parser, answer = SseParser(), Answer(Tier("box", "http://box/v1"))
    piece = b"".join(says(f"word{number} ") for number in range(100))

    def feed(times: int) -> None:
        for _ in range(times):
            for event in parser.feed(piece):
                answer.take(event.data)

    feed(10)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        feed(1_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
