"""What a keeper learns about a box beside its containers: over its shell, and over its ports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import httpx

from strixdesk.backends.box.hops import address_of
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.stack_reader import find_stacks, read_stack
from strixdesk.backends.http import body_of
from strixdesk.core.box import Box, BoxStatus, Hop
from strixdesk.core.errors import BoxError
from strixdesk.core.forecast import forecast
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Service, Stack

ANSWER_S = 2.0

LookHops = Callable[[Box, Shell], Awaitable[tuple[Hop, ...]]]

_SIZES = 'for file; do stat -L -c %s -- "$file" 2>/dev/null || echo -; done'


class BoxWorld:
    """A `World`."""

    def __init__(self, http: httpx.AsyncClient, look_hops: LookHops) -> None:
        self._http = http
        self._look_hops = look_hops
        self._files: dict[str, Mapping[str, int]] = {}
        self._addresses: dict[str, str] = {}

    async def hops(self, box: Box, shell: Shell) -> tuple[Hop, ...]:
        hops = await self._look_hops(box, shell)
        if box.host is not None:
            with contextlib.suppress(BoxError):  # then a hop has told it
                self._addresses[box.name] = await address_of(box.host, box.user)
        return hops

    async def stack(self, shell: Shell, box: Box) -> Stack:
        """Raises BoxError. With no folder in the settings, one that runs or lies about is taken,
        if there is just one."""
        folder = box.stack
        if not folder:
            found = await find_stacks(shell)
            if len(found) != 1:
                which = f"There are several: {', '.join(found)}." if found else ""
                raise BoxError(
                    f"No stack of model servers was found on “{box.name}”. {which}".strip(),
                    "Give `stack` of this box in the settings: the folder of its compose files.",
                )
            folder = found[0]
        stack = await read_stack(shell, folder)
        self._files[box.name] = await _file_sizes(shell, stack)
        return stack

    async def answers(self, box: Box, service: Service) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                request = self._http.build_request(
                    "GET", f"http://{self._place(box, service)}/health"
                )
                response = await self._http.send(request, stream=True)
                async with body_of(response):
                    return response.status_code == 200
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            return False

    async def port_taken(self, box: Box, service: Service) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                _, writer = await asyncio.open_connection(self._address(box), service.port)
        except (TimeoutError, OSError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def _address(self, box: Box) -> str:
        return self._addresses.get(box.name) or box.host or "127.0.0.1"

    def _place(self, box: Box, service: Service) -> str:
        host = self._address(box)
        return f"[{host}]:{service.port}" if ":" in host else f"{host}:{service.port}"

    def forecast(
        self, box: Box, stack: Stack, status: BoxStatus, services: Sequence[str]
    ) -> Forecast | None:
        if status.memory is None:
            return None
        files = self._files.get(box.name, {})
        return forecast(stack, status.services, status.memory, box.reserve_bytes, services, files)


async def _file_sizes(shell: Shell, stack: Stack) -> dict[str, int]:
    """Bytes of the GGUF files that are there, by path."""
    paths = sorted({one.model_path for one in stack.services if one.model_path})
    if not paths:
        return {}
    told = await shell.run(["sh", "-c", _SIZES, "sh", *paths])
    sizes = zip(paths, told.out.splitlines(), strict=False)
    return {path: int(size) for path, size in sizes if size.isdecimal()}
