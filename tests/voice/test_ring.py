from __future__ import annotations

import threading

import numpy as np

from strixdesk.voice.ring import SampleRing


def ramp(start: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.arange(start, start + n, dtype=np.float32)


def test_samples_come_out_in_the_order_they_went_in_across_the_seam() -> None:
    ring = SampleRing(10)
    out = []
    for start in range(0, 70, 7):
        assert ring.write(ramp(start, 7)) == 7
        out.append(ring.read(7))
    assert np.array_equal(np.concatenate(out), ramp(0, 70))


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    ring = SampleRing(10)
    assert ring.write(ramp(0, 14)) == 10
    assert ring.overflowed == 4
    assert np.array_equal(ring.read(20), ramp(0, 10))


def test_reading_into_a_longer_buffer_fills_what_there_is() -> None:
    ring = SampleRing(10)
    ring.write(ramp(1, 3))
    out = np.zeros(5, dtype=np.float32)
    assert ring.read_into(out) == 3
    assert out.tolist() == [1, 2, 3, 0, 0]


def test_skipping_drops_up_to_a_position_and_never_beyond_what_was_written() -> None:
    ring = SampleRing(10)
    ring.write(ramp(0, 8))
    ring.skip_to(5)
    assert ring.read(1).tolist() == [5]
    ring.skip_to(100)
    assert (ring.taken, ring.available, ring.free) == (8, 0, 10)


def test_a_producer_and_a_consumer_on_two_threads_lose_nothing() -> None:
    ring = SampleRing(1000)
    total = 200_000

    def produce() -> None:
        at = 0
        while at < total:
            at += ring.write(ramp(at, min(333, ring.free, total - at)))

    producer = threading.Thread(target=produce)
    producer.start()
    out: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    while sum(map(len, out)) < total:
        out.append(ring.read(256))
    producer.join()
    # float32 counts exactly up to 2**24.
    assert np.array_equal(np.concatenate(out), ramp(0, total))
    assert ring.overflowed == 0
