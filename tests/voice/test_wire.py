"""The wire between a speech worker and its supervisor."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strixdesk.voice.wire import LONGEST_HEADER, Unpacker, WireError, WireMessage

_messages = st.lists(
    st.builds(
        WireMessage,
        kind=st.text(min_size=1, max_size=8),
        id=st.text(max_size=8),
        fields=st.dictionaries(
            st.text(max_size=5).filter(lambda key: key not in ("kind", "id", "bytes")),
            st.text() | st.integers() | st.booleans(),
            max_size=3,
        ),
        payload=st.binary(max_size=300),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(_messages, st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_messages_arrive_whole_and_in_order_however_the_stream_is_cut(
    sent: list[WireMessage], cuts: list[int]
) -> None:
    stream = b"".join(message.packed() for message in sent)
    unpacker = Unpacker()
    received: list[WireMessage] = []
    position = turn = 0
    while position < len(stream):
        length = cuts[turn % len(cuts)]
        received += unpacker.feed(stream[position : position + length])
        position, turn = position + length, turn + 1
    assert received == sent


def test_a_message_whose_payload_is_not_there_yet_waits() -> None:
    packed = WireMessage("feed", "u", payload=b"abcd").packed()
    unpacker = Unpacker()
    assert unpacker.feed(packed[:-1]) == []
    assert unpacker.feed(packed[-1:]) == [WireMessage("feed", "u", payload=b"abcd")]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello from a library\n",
        b"[1, 2]\n",
        b"\xff\xfe\n",
        json.dumps({"kind": "feed"}).encode() + b"\n",
        json.dumps({"kind": "feed", "id": "a", "bytes": -1}).encode() + b"\n",
        json.dumps({"kind": "feed", "id": "a", "bytes": True}).encode() + b"\n",
        json.dumps({"kind": "feed", "id": "a", "bytes": 1 << 60}).encode() + b"\n",
        b"x" * LONGEST_HEADER,
    ],
    ids=["text", "array", "bytes", "no-id", "negative", "bool", "huge", "endless"],
)
def test_anything_else_is_refused(nonsense: bytes) -> None:
    with pytest.raises(WireError):
        Unpacker().feed(nonsense)
