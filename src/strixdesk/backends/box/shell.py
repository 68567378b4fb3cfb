"""How commands reach a box: on this machine or through ssh, always as lists of arguments."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

OUTPUT_LIMIT_BYTES = 8 * 2**20
"""Of one command, each of stdout and stderr; what comes after is dropped."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ran to its end."""

    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def last_words(self) -> str:
        """The last line that says something, without its full stop."""
        lines = [line.strip() for line in (self.err.strip() or self.out).splitlines()]
        return next((line for line in reversed(lines) if line), "")[:300].rstrip(".")


class Shell(Protocol):
    """Runs commands on one box. No argument is ever read by a shell: what is given as one
    argument arrives as one. A command gets no terminal and can never ask for anything. A program
    that is not there is a status of 127, with the reason on stderr."""

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        """A command that failed is a Completed with its status. Raises BoxUnreachable when it
        could not be sent, or its end is not known; CommandTimeout when it ran too long (then it
        is ended there too). Cancelling ends it."""

    def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        """Its output, stderr included, line by line as it comes, without line ends. Raises as
        `run` does, and CommandFailed for an exit status other than 0. Use
        `contextlib.aclosing`: closing ends the command."""

    async def close(self) -> None:
        """Ends what still runs, and the shared connection."""
