"""Who notices what: python -m tests.faults.table"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

from tests.faults.cases import FAULTS
from tests.faults.clients import SILENCE_S, Seen, seen_by_httpx_sse, seen_by_openai, seen_by_ours
from tests.faults.fault import Fault
from tests.support.fault_server import fault_server

CLIENTS = {
    "StrixDesk": seen_by_ours,
    "openai-python": seen_by_openai,
    "httpx-sse + json": seen_by_httpx_sse,
}

Line = tuple[Fault, list[Seen]]


async def run(faults: Sequence[Fault], silence_s: float = SILENCE_S) -> list[Line]:
    """One fault after the other, each client with a server of its own."""
    lines = []
    for fault in faults:
        seen = []
        for client in CLIENTS.values():
            async with fault_server() as server:
                server.on_chat(fault.script)
                seen.append(await client(server, silence_s))
        lines.append((fault, seen))
    return lines


def table(lines: Sequence[Line]) -> str:
    rows = [
        ("fault", *CLIENTS),
        *((fault.name, *(one.words(fault) for one in seen)) for fault, seen in lines),
        (
            f"noticed, of {len(lines)}",
            *(
                str(sum(seen[column].noticed(fault) for fault, seen in lines))
                for column in range(len(CLIENTS))
            ),
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main() -> int:
    logging.disable()
    sys.stdout.write(table(asyncio.run(run(FAULTS))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
