"""Whether the cost of something grows in proportion to its size, told on a machine of any speed."""

from __future__ import annotations

import time
from collections.abc import Callable

SLACK = 5
GRACE_S = 0.2
"""Of processor time: below that there is nothing to complain of."""
TRIES = 3
"""A cost in proportion is seen in one of them; a cost that is squared in none."""


def assert_in_proportion(
    work: Callable[[int], object], *, small: int = 5_000, large: int = 100_000
) -> None:
    """`work` is given how many characters it is to deal with. The processor time of this process
    counts, so that a machine that stalls does not."""
    seen: list[str] = []
    for _ in range(TRIES):
        short_s = min(_processor_s(work, small) for _ in range(3))
        long_s = _processor_s(work, large)
        if long_s < short_s * SLACK * large / small + GRACE_S:
            return
        seen.append(f"{small} characters {short_s:.4f} s, {large} characters {long_s:.4f} s")
    raise AssertionError("; ".join(seen))


def _processor_s(work: Callable[[int], object], chars: int) -> float:
    began = time.process_time()
    work(chars)
    return time.process_time() - began
