"""Fuzzes the path from bytes to an answer; `scripts/fuzz` runs it in an environment with atheris.

A finding is: an exception other than the ones that are promised, another result when the same
bytes are cut in another way, an execution of more than 100 ms of processor time, growth by more
than 64 MB. It stops there and leaves the input beside the corpus.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["strixdesk"]):
    from strixdesk.core.chat import ChatEnd
    from tests.fuzz.reading import cut, read, woven

LIMIT_S = 0.1
GROWTH_LIMIT_BYTES = 64 << 20
SETTLED = 20_000
"""Executions after which the memory is first looked at: imports and caches are warm."""
LOOK_EVERY = 5_000


class Watch:
    """Counts, and holds every execution against its limits."""

    def __init__(self, executions: int) -> None:
        self._executions = executions
        self._done = 0
        self._slowest_s = 0.0
        self._settled_bytes = 0
        self._growth_bytes = 0
        self._ended_well = 0
        self._began = time.monotonic()

    def execute(self, data: bytes) -> None:
        sizes, stream = data[1 : 1 + data[0] % 16], data[17:]
        if data[0] >= 128:
            stream = woven(stream)
        began = time.process_time()
        once = read([stream])
        seconds = time.process_time() - began
        again = read(cut(stream, sizes))
        assert again == once, f"cut into {list(sizes)}: {again} in place of {once}"
        self._slowest_s = max(self._slowest_s, seconds)
        assert seconds <= LIMIT_S, f"it took {seconds * 1000:.0f} ms"
        self._ended_well += isinstance(once[3], ChatEnd)
        self._done += 1
        if self._done == SETTLED:
            self._settled_bytes = resident_bytes()
        elif self._done > SETTLED and self._done % LOOK_EVERY == 0:
            self._growth_bytes = max(self._growth_bytes, resident_bytes() - self._settled_bytes)
            assert self._growth_bytes <= GROWTH_LIMIT_BYTES, (
                f"grown by {self._growth_bytes:,} bytes"
            )
        if self._done == self._executions:
            self._report()
            os._exit(0)  # libFuzzer would say only that its runs are done

    def _report(self) -> None:
        sys.stdout.write(
            f"fuzz: {self._done:,} executions in {time.monotonic() - self._began:.0f} s, "
            f"each once in one piece and once cut; {self._ended_well:,} were whole answers; "
            f"no crash; slowest {self._slowest_s * 1000:.1f} ms; "
            f"memory grew by {self._growth_bytes / (1 << 20):.1f} MB\n"
        )
        sys.stdout.flush()


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    watch = Watch(int(sys.argv.pop(1)))

    def one_input(data: bytes) -> None:
        watch.execute(data.ljust(18, b"\n"))

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
