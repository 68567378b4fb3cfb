"""Tiers that are not compose services: models of llama-swap, systemd user units, plain commands."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.backends.http import bearer, body_of
from strixdesk.core.errors import BoxError, BoxUnreachable, CommandFailed
from strixdesk.core.tier import Control, ControlKind, Tier

_COMMAND_S = 120.0
_LOAD_S = 900.0
"""A large model is read from the disk while the request waits."""
_ANSWER_S = 10.0
_BODY_LIMIT_BYTES = 2**20


class UnitControl(Protocol):
    """How one tier is started and stopped. All three raise BoxError; start and stop may be given
    twice."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def is_running(self) -> bool | None:
        """None: that cannot be told."""


def control_of(tier: Tier, shell: Shell, http: httpx.AsyncClient) -> UnitControl | None:
    """None: it has no control, or is a compose service, which a box's keeper deals with."""
    control = tier.control
    match control.kind if control else None:
        case ControlKind.LLAMA_SWAP:
            return LlamaSwapModel(tier, http)
        case ControlKind.SYSTEMD if control:
            return SystemdUnit(control, shell)
        case ControlKind.COMMAND if control:
            return PlainCommand(control, shell)
    return None


class SystemdUnit:
    def __init__(self, control: Control, shell: Shell) -> None:
        self._unit = control.unit
        self._shell = shell

    async def start(self) -> None:
        await self._systemctl("start")

    async def stop(self) -> None:
        await self._systemctl("stop")

    async def is_running(self) -> bool | None:
        told = await self._run("is-active")
        if told.out.strip() in {"active", "reloading", "activating"}:
            return True
        return False if told.out.strip() in {"inactive", "failed", "deactivating"} else None

    async def _systemctl(self, verb: str) -> None:
        done = await self._run(verb)
        if not done.ok:
            raise _failure(
                f"`systemctl --user {verb} {self._unit}`",
                done,
                f"`journalctl --user -u {self._unit}` there tells more.",
            )

    async def _run(self, verb: str) -> Completed:
        if not self._unit or self._unit.startswith("-"):
            raise BoxError("The tier's systemd unit is not well formed.", "Correct `unit`.")
        command = ["systemctl", "--user", verb, "--", self._unit]
        return await self._shell.run(command, timeout_s=_COMMAND_S)


class PlainCommand:
    """A program that starts a server and ends, and one that stops it."""

    def __init__(self, control: Control, shell: Shell) -> None:
        self._control = control
        self._shell = shell

    async def start(self) -> None:
        await self._run(self._control.start, "start")

    async def stop(self) -> None:
        await self._run(self._control.stop, "stop")

    async def is_running(self) -> bool | None:
        return None

    async def _run(self, argv: tuple[str, ...], name: str) -> None:
        if not argv:
            raise BoxError(
                f"No command to {name} this tier is known.", f"Give `{name}` of its control."
            )
        done = await self._shell.run(argv, timeout_s=_COMMAND_S)
        if not done.ok:
            raise _failure(f"`{argv[0]}`", done, "Run it there by hand to see more.")


class LlamaSwapModel:
    """llama-swap loads a model with the first request for it, and takes it down when told to."""

    def __init__(self, tier: Tier, http: httpx.AsyncClient) -> None:
        self._tier = tier
        self._model = (tier.control.unit if tier.control else "") or tier.model or ""
        self._root = tier.base_url.removesuffix("/v1").rstrip("/")
        self._http = http

    async def start(self) -> None:
        question = {
            "model": self._model,
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 1,
        }
        await self._ask("POST", "/v1/chat/completions", _LOAD_S, json.dumps(question).encode())

    async def stop(self) -> None:
        if await self.is_running() is not False:
            await self._ask("POST", f"/api/models/unload/{quote(self._model, safe='')}", _ANSWER_S)

    async def is_running(self) -> bool | None:
        told = await self._ask("GET", "/running", _ANSWER_S)
        running = told.get("running") if isinstance(told, dict) else None
        if not isinstance(running, list):
            return None
        return any(isinstance(one, dict) and one.get("model") == self._model for one in running)

    async def _ask(
        self, method: str, path: str, within_s: float, content: bytes | None = None
    ) -> Any:
        body = bytearray()
        try:
            request = self._http.build_request(
                method,
                f"{self._root}{path}",
                content=content,
                headers={"Content-Type": "application/json", **bearer(self._tier.api_key)},
                timeout=httpx.Timeout(None, connect=5.0),
            )
            async with asyncio.timeout(within_s):
                response = await self._http.send(request, stream=True)
                async with body_of(response) as pieces:
                    async for piece in pieces:
                        body += piece
                        if len(body) > _BODY_LIMIT_BYTES:
                            break
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            raise BoxUnreachable(
                f"llama-swap does not answer for “{self._tier.name}”.",
                "See whether it runs, and whether base_url in the settings is right.",
            ) from None
        if response.status_code >= 300:
            said = " ".join(body.decode("utf-8", "replace").split())[:200]
            raise CommandFailed(
                f"llama-swap refused (HTTP {response.status_code}): “{said.rstrip('.')}”.",
                "Its log tells more.",
                response.status_code,
            )
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None


def _failure(what: str, done: Completed, advice: str) -> CommandFailed:
    said = [line.strip() for line in (done.err or done.out).splitlines() if line.strip()]
    words = f": “{said[-1][:300].rstrip('.')}”." if said else "."
    return CommandFailed(f"{what} failed with status {done.status}{words}", advice, done.status)
