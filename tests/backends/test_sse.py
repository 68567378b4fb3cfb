from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends.sse import SseEvent, SseParser, SseTooLong


def parse(*chunks: bytes, limit: int = 1 << 20) -> list[SseEvent]:
    parser = SseParser(limit)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    last = parser.finish()
    return [*events, last] if last else events


def data_of(*chunks: bytes) -> list[str]:
    return [event.data for event in parse(*chunks)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: one\n\ndata: two\n\n", ["one", "two"]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]),
        (b"data: one\r\rdata: two\r\r", ["one", "two"]),
        (b"\xef\xbb\xbfdata: after a byte-order mark\n\n", ["after a byte-order mark"]),
        (b": keep-alive\n\n: ping\n\ndata: x\n\n", ["x"]),
        (b"data: first line\ndata: second line\n\n", ["first line\nsecond line"]),
        (b"data:no space\n\n", ["no space"]),
        (b"data:  two spaces\n\n", [" two spaces"]),
        (b"data\n\n", [""]),
        (b"id: 7\nretry: 100\ndata: x\nunknown: y\n\n", ["x"]),
        (b"data: colons: stay\n\n", ["colons: stay"]),
        (b"data: gr\xc3\xbc\xc3\x9fe\n\n", ["grüße"]),
        (b"data: bad \xff byte\n\n", ["bad � byte"]),
        (b"data: its blank line never came\n", ["its blank line never came"]),
        (b"data: cut in the middle of a li", []),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_a_stream_gives_its_events(stream: bytes, expected: list[str]) -> None:
    assert data_of(stream) == expected


def test_an_event_keeps_its_name_and_the_next_one_does_not_inherit_it() -> None:
    events = parse(b"event: error\ndata: x\n\ndata: y\n\n")
    assert events == [SseEvent("x", "error"), SseEvent("y", "")]


def test_a_line_ending_cut_in_two_is_one_line_ending() -> None:
    assert data_of(b"data: x\r", b"\n", b"\r", b"\ndata: y\r\n\r\n") == ["x", "y"]


pieces = st.sampled_from(
    [
        b"data: ",
        b"data",
        b":",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"event: e",
        b"\xef\xbb\xbf",
        b"x",
        "ü€🦉".encode(),
        b"\xf0\x9f",
        b": comment",
    ]
)


@given(st.lists(pieces, max_size=40).map(b"".join), st.data())
def test_any_chunking_gives_what_the_whole_gives(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert parse(*chunks) == parse(stream)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_byte_by_byte_gives_what_the_whole_gives(stream: bytes) -> None:
    assert parse(*(bytes([byte]) for byte in stream)) == parse(stream)


def test_a_line_over_the_limit_is_an_error_after_the_events_before_it() -> None:
    parser = SseParser(100)
    seen: list[str] = []
    with pytest.raises(SseTooLong, match="100 bytes"):
        seen += [event.data for event in parser.feed(b"data: fine\n\n")]
        for event in parser.feed(b"data: also fine\n\ndata: " + b"x" * 200):
            seen.append(event.data)
    assert seen == ["fine", "also fine"]


def test_an_event_of_endless_lines_is_an_error_as_well() -> None:
    with pytest.raises(SseTooLong):
        parse(b"data: x\n" * 1000, limit=1000)


def test_a_long_line_in_small_chunks_costs_linear_time() -> None:
    def seconds_for(kilobytes: int) -> float:
        parser = SseParser(64 << 20)
        began = time.thread_time()  # a machine that is busy otherwise costs none of it
        for _ in range(kilobytes):
            assert not list(parser.feed(b"x" * 1024))
        assert not list(parser.feed(b"\n\n"))
        return time.thread_time() - began

    seconds_for(100)
    small = min(seconds_for(1_000) for _ in range(3))
    large = min(seconds_for(8_000) for _ in range(3))
    assert large < 8 * small * 4, f"{small=:.4f} {large=:.4f}"
