"""The modes of a stack: what its `up` script would tell docker, or one for each compose file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import basename, dirname, join

from strixdesk.backends.box import stack_probe
from strixdesk.backends.box.shell import Shell
from strixdesk.core.env_file import is_secret, values
from strixdesk.core.errors import CommandFailed
from strixdesk.core.up_script import (
    DockerCall,
    UpCall,
    interpreter,
    may_be_tried,
    possible_modes,
    recorded_calls,
    up_call,
    values_of,
)

_TRY_S = 120.0


@dataclass(frozen=True, slots=True)
class StackFolder:
    """What lies in the stack's folder."""

    path: str
    env: bool
    example: bool
    script: str | None
    script_text: str
    files: tuple[str, ...]


async def look_at(shell: Shell, directory: str) -> StackFolder:
    done = await shell.run(
        ["sh", "-s", "--", directory.rstrip("/") or "/"], stdin=stack_probe.LOOK.encode()
    )
    fields = done.out.split("\0")
    if not done.ok or fields[0] != "FOLDER" or len(fields) < 2:
        raise CommandFailed(
            f"There is no folder {directory} on the box.",
            "Check the stack's folder in the settings.",
            done.status,
        )
    path, script, text = fields[1], None, ""
    files: list[str] = []
    kinds: set[str] = set()
    at = 2
    while at + 1 < len(fields):
        kind, value = fields[at], fields[at + 1]
        kinds.add(kind)
        at += 2
        if kind == "SCRIPT":
            script, text = value, fields[at] if at < len(fields) else ""
            at += 1
        elif kind == "FILE":
            files.append(value)
    return StackFolder(
        path, "ENV" in kinds, "EXAMPLE" in kinds, script, text, tuple(dict.fromkeys(files))
    )


async def modes_of(shell: Shell, folder: StackFolder) -> dict[str, UpCall]:
    """What each mode starts."""
    if folder.script and may_be_tried(folder.script_text):
        names = possible_modes(folder.script_text) or (".",)
        modes = await _tried(shell, folder, folder.script, names)
        if not modes and names != (".",):
            modes = await _tried(shell, folder, folder.script, (".",))
        if modes:
            return modes
    if not folder.files:
        raise CommandFailed(
            f"{folder.path} on the box holds no compose files.",
            "Check the stack's folder in the settings.",
        )
    return _by_file(folder)


async def _tried(
    shell: Shell, folder: StackFolder, script: str, names: Sequence[str]
) -> dict[str, UpCall]:
    done = await shell.run(
        ["sh", "-s", "--", folder.path, script, interpreter(folder.script_text), *names],
        stdin=stack_probe.TRY.encode(),
        timeout_s=_TRY_S,
    )
    if done.status == stack_probe.NO_ROOM:
        raise CommandFailed(
            f"What {script} offers cannot be found out: there is no room for temporary files.",
            "Check the space in /tmp on the box (`df -h /tmp`).",
            done.status,
        )
    calls: dict[str, list[DockerCall]] = {}
    for mode, call in recorded_calls(done.out.split("\0")):
        calls.setdefault(mode, []).append(call)
    tried = {name: up_call(calls.get(name, ())) for name in names}
    return {"up" if name == "." else name: call for name, call in tried.items() if call is not None}


async def without_env_file(
    shell: Shell, wanted: Mapping[str, UpCall]
) -> tuple[dict[str, UpCall], tuple[str, ...]]:
    """Many scripts export their whole env file. Compose reads that by itself: only what differs
    from it is kept, and never a secret, which would stand in a command line. Second: the names of
    the secrets that were withheld."""
    told: dict[str, dict[str, str]] = {}
    withheld: dict[str, None] = {}
    kept: dict[str, UpCall] = {}
    for mode, call in wanted.items():
        given: dict[str, str] = {}
        for path in values_of(call.compose, "--env-file") if call.exports else ():
            if path not in told:
                told[path] = values((await shell.run(["cat", "--", path])).out)
            given |= told[path]
        exports = []
        for name, _, value in (one.partition("=") for one in call.exports):
            same = given.get(name)
            if same is not None and (same == value or "$" in same):
                continue
            if is_secret(name):
                withheld[name] = None
            else:
                exports.append(f"{name}={value}")
        kept[mode] = replace(call, exports=tuple(exports))
    return kept, tuple(withheld)


def _by_file(folder: StackFolder) -> dict[str, UpCall]:
    """Without a script that tells: one mode for each compose file, and one for all of them."""
    common = ["--project-directory", folder.path]
    if folder.env:
        common += ["--env-file", join(folder.path, ".env")]
    base = [file for file in folder.files if "override" not in file]
    overrides = [file for file in folder.files if "override" in file]
    modes: dict[str, UpCall] = {}
    for file in base:
        mine = [file, *(one for one in overrides if dirname(one) == dirname(file))]
        flags = [word for one in mine for word in ("-f", join(folder.path, one))]
        modes[_mode_name(file)] = UpCall((*common, *flags), ())
    if len(base) > 1:
        flags = [word for one in folder.files for word in ("-f", join(folder.path, one))]
        modes["all"] = UpCall((*common, *flags), ())
    return modes


def _mode_name(file: str) -> str:
    stem = basename(file).rpartition(".")[0]
    for prefix in ("docker-compose", "compose"):
        stem = stem.removeprefix(prefix)
    return stem.strip(".-_") or "stack"
