"""The shortest possible shell of a box: this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from strixdesk.backends.box.shell import Completed


class PlainShell:
    """Implements `backends.box.shell.Shell`."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self.asked: list[tuple[str, ...]] = []

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        self.asked.append(tuple(argv))
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
            )
        except FileNotFoundError:
            return Completed(127, "", f"{argv[0]}: not found")
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin)
        return Completed(process.returncode or 0, out.decode(), err.decode())

    async def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        for line in (await self.run(argv, stdin=stdin, timeout_s=timeout_s or 60)).out.splitlines():
            yield line

    async def close(self) -> None:
        pass
