"""Tiers that are not compose services: models of llama-swap and of llama-server's router, systemd
user units, plain commands."""

from __future__ import annotations

from typing import Protocol

import httpx

from strixdesk.backends.box.model_controls import LlamaSwapModel, RouterModel
from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.core.errors import BoxError, CommandFailed
from strixdesk.core.tier import Control, ControlKind, Tier

_COMMAND_S = 120.0


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
        case ControlKind.LLAMA_ROUTER:
            return RouterModel(tier, http)
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


def _failure(what: str, done: Completed, advice: str) -> CommandFailed:
    words = f": “{done.last_words}”." if done.last_words else "."
    return CommandFailed(f"{what} failed with status {done.status}{words}", advice, done.status)
