"""A stack as its own files describe it: modes from its `up` script, services from compose.

Nothing is copied of the script's logic: each mode is run once with a stand-in for docker
(`stack_probe`), and compose is asked with exactly the arguments that the script gave.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, join
from typing import Any

from strixdesk.backends.box import stack_probe
from strixdesk.backends.box.docker_trouble import docker_trouble, lacks_compose, no_compose
from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.backends.box.stack_modes import StackFolder, look_at, modes_of, without_env_file
from strixdesk.core.errors import CommandFailed
from strixdesk.core.service_command import read_service
from strixdesk.core.stack import Engine, Mode, Service, Stack, with_needs
from strixdesk.core.tier import Control, ControlKind, Tier
from strixdesk.core.up_script import UpCall, values_of

_AT_ONCE = 3
_CONFIG_S = 30.0


@dataclass(frozen=True, slots=True)
class _Config:
    """What compose made of one set of arguments."""

    resolved: Mapping[str, Any]
    raw: Mapping[str, Any]
    """Of all profiles, variables unresolved; empty where compose cannot tell."""
    every: Mapping[str, Any]
    """Of all profiles."""


async def read_stack(shell: Shell, directory: str) -> Stack:
    """Raises CommandFailed when there is no stack or compose cannot read it; what `Shell.run`
    raises passes through."""
    folder = await look_at(shell, directory)
    wanted, withheld = await without_env_file(shell, await modes_of(shell, folder))
    gate = asyncio.Semaphore(_AT_ONCE)
    distinct = list(dict.fromkeys((call.compose, call.exports) for call in wanted.values()))
    answers = await asyncio.gather(*(_config(shell, gate, *one) for one in distinct))
    configs = dict(zip(distinct, answers, strict=True))
    return _stack(folder, wanted, configs, withheld)


async def find_stacks(shell: Shell) -> list[str]:
    """Folders that hold a stack of model servers: by compose's own list of projects, and by
    looking in the usual places."""
    found = await asyncio.gather(
        shell.run(["docker", "compose", "ls", "--all", "--format", "json"]),
        shell.run(["sh", "-s"], stdin=stack_probe.FIND.encode(), timeout_s=60),
    )
    files = [*_project_files(found[0]), *found[1].out.splitlines()]
    folders: dict[str, None] = {}
    for file in files:
        folder = dirname(file.strip())
        if basename(folder) in {"compose", "docker"}:  # the usual sub-folders
            folder = dirname(folder)
        if folder:
            folders[folder] = None
    return list(folders)


def tiers_of(stack: Stack, box_name: str, host: str | None) -> tuple[Tier, ...]:
    """Its model servers as tiers, named `box/service`. `host`: where its ports answer; None: this
    machine."""
    servers = [
        one for one in stack.services if one.engine is not Engine.OTHER and one.port is not None
    ]
    roles = [one.role for one in servers]
    address = "127.0.0.1" if host is None else f"[{host}]" if ":" in host else host
    return tuple(
        Tier(
            name=f"{box_name}/{one.name}",
            base_url=f"http://{address}:{one.port}/v1",
            role=one.role,
            model=one.served_as or one.model,
            context_tokens=_context(one),
            label=_label(one, alone=roles.count(one.role) == 1),
            concurrency=one.max_sequences,
            control=Control(ControlKind.COMPOSE, box_name, one.name),
        )
        for one in servers
    )


# ---- compose -----------------------------------------------------------------------------------


async def _config(
    shell: Shell, gate: asyncio.Semaphore, compose: tuple[str, ...], exports: tuple[str, ...]
) -> _Config | CommandFailed:
    prefix = ["env", *exports] if exports else []

    async def asked(*arguments: str) -> tuple[Completed, dict[str, Any] | None]:
        command = [*prefix, "docker", "compose", *compose, *arguments, "--format", "json"]
        async with gate:
            done = await shell.run(command, timeout_s=_CONFIG_S)
        return done, _json(done.out) if done.ok else None

    done, resolved = await asked("config")
    if resolved is None:
        return _refusal(done)
    _, raw = await asked("--profile", "*", "config", "--no-interpolate")
    every: dict[str, Any] | None = None
    if set(_table(_table(raw).get("services"))) > set(_table(resolved.get("services"))):
        _, every = await asked("--profile", "*", "config")
    return _Config(resolved, raw or {}, every or resolved)


def _refusal(done: Completed) -> CommandFailed:
    said = done.last_words
    if done.status == 127 or lacks_compose(done.err):
        missing = docker_trouble(127, done.err) if done.status == 127 else no_compose()
        return CommandFailed(missing.message, missing.advice, done.status)
    if "env file" in done.err and "find" in done.err:
        return CommandFailed(
            f"The stack has no .env file yet ({said}).",
            "Copy its .env.example to .env on the box and look through the values.",
            done.status,
        )
    return CommandFailed(
        f"Compose cannot read the stack: {said or 'it gave no reason'}.",
        "Run “docker compose config” in its folder on the box.",
        done.status,
    )


def _stack(
    folder: StackFolder,
    wanted: Mapping[str, UpCall],
    configs: Mapping[tuple[tuple[str, ...], tuple[str, ...]], _Config | CommandFailed],
    withheld: Sequence[str],
) -> Stack:
    services: dict[str, Service] = {}
    modes: list[Mode] = []
    left_out = [
        f"The stack's script sets {name} itself. Secrets are not taken from there: put it into "
        "the .env file."
        for name in withheld
    ]
    failure: CommandFailed | None = None
    for name, call in wanted.items():
        config = configs[call.compose, call.exports]
        if isinstance(config, CommandFailed):
            failure = failure or config
            left_out.append(f"The mode “{name}” was left out. {config.sentence()}")
            continue
        raw = _table(config.raw.get("services"))
        here = _ordered(
            read_service(one, table, raw.get(one))
            for one, table in _table(config.every.get("services")).items()
        )
        plain = _table(config.resolved.get("services"))
        started = with_needs(here, call.services or plain)
        services = {one.name: one for one in here} | services
        others = tuple(one.name for one in here if one.name not in started)
        project = str(config.resolved.get("name") or "")
        modes.append(Mode(name, call.compose, started, call.exports, others, project))
    if failure is not None and not modes:
        raise failure
    own = (join(folder.path, ".env"),) if folder.env else ()
    *earlier, env = (
        dict.fromkeys(
            file for mode in modes for file in values_of(mode.compose, "--env-file") or own
        )
        or own
        or (None,)
    )
    return Stack(
        folder.path,
        env,
        _ordered(services.values()),
        tuple(modes),
        tuple(left_out),
        tuple(earlier),
    )


def _ordered(services: Iterable[Service]) -> tuple[Service, ...]:
    """Each after those that it depends on; otherwise GPU servers first, and by port."""
    rest = sorted(services, key=lambda one: (not one.on_gpu, one.port or 0, one.name))
    done: list[Service] = []
    while rest:
        names = {one.name for one in rest}
        free = (one for one in rest if not set(one.depends_on) & names - {one.name})
        done.append(next(free, rest[0]))  # a circle: compose itself refuses those
        rest.remove(done[-1])
    return tuple(done)


# ---- small things ------------------------------------------------------------------------------


def _context(service: Service) -> int | None:
    """Of one answer: llama.cpp shares its context among its slots."""
    if service.context_tokens is None or service.engine is not Engine.LLAMA_CPP:
        return service.context_tokens
    return service.context_tokens // (service.max_sequences or 1)


def _label(service: Service, *, alone: bool) -> str:
    words = service.role.replace("_", " ").replace("-", " ")
    title = words[:1].upper() + words[1:]
    return title if alone else f"{title} ({service.engine.value})"


def _project_files(listed: Completed) -> list[str]:
    try:
        projects = json.loads(listed.out) if listed.ok else []
    except ValueError:
        return []
    files = [
        str(one.get("ConfigFiles") or "")
        for one in (projects if isinstance(projects, list) else [])
        if isinstance(one, dict)
    ]
    return [file for several in files for file in several.split(",")]


def _json(text: str) -> dict[str, Any] | None:
    """Of compose; a wrapper around it may have printed something before."""
    try:
        told = json.loads(text[max(0, text.find("{")) :])
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _table(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
