"""Changing values of a stack's .env file on the box: looked at first, tried by compose, then put
in its place whole, with the former one kept beside it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.core.env_file import changed, difference, values
from strixdesk.core.errors import BoxError, CommandFailed
from strixdesk.core.stack import Mode, Stack

BACKUP_SUFFIX = ".strixdesk-backup"

_DRAFT = r"""
set -u
umask 077
folder=$(dirname -- "$1") || exit 90
draft=$(mktemp -- "$folder/.env.strixdesk.XXXXXX") || exit 91
cat >"$draft" || { rm -f -- "$draft"; exit 92; }
printf '%s' "$draft"
"""
"""`$1`: the env file; the new text comes as the input. Prints where the draft lies."""

_REPLACE = r"""
set -u
file=$1 draft=$2 expected=$3 backup=$4
file=$(readlink -f -- "$file") || exit 90
have=$(sha256sum -- "$file") || exit 91
[ "${have%% *}" = "$expected" ] || exit 95
cp -p -- "$file" "$backup" || exit 92
chmod --reference="$file" -- "$draft" 2>/dev/null || chmod "$(stat -c %a -- "$file")" "$draft" ||
  exit 93
owner=$(stat -c %u:%g -- "$file")
[ "$(stat -c %u:%g -- "$draft")" = "$owner" ] || chown "$owner" -- "$draft" || exit 93
sync -- "$draft" 2>/dev/null
mv -f -- "$draft" "$file" || exit 94
"""


@dataclass(frozen=True, slots=True)
class EnvEdit:
    """A change that was looked at, and not made yet."""

    path: str
    before: str
    after: str
    diff: str
    """Secrets are masked in it. Empty: nothing changes."""


async def read_env(shell: Shell, stack: Stack) -> dict[str, str]:
    """Raises CommandFailed when there is no env file or it cannot be read."""
    return values(await _read(shell, _path(stack)))


async def plan_edit(shell: Shell, stack: Stack, changes: Mapping[str, str]) -> EnvEdit:
    """Writes nothing. Raises SettingsError for a name or value that cannot be written."""
    path = _path(stack)
    before = await _read(shell, path)
    after = changed(before, changes)
    return EnvEdit(path, before, after, difference(before, after, path))


async def apply_edit(shell: Shell, stack: Stack, edit: EnvEdit) -> str:
    """The path of the backup. Raises CommandFailed when compose refuses the new values, and
    BoxError when somebody else changed the file meanwhile; then nothing is changed."""
    if not edit.diff:
        return ""
    draft = await _draft(shell, edit)
    try:
        await _validate(shell, stack, edit.path, draft)
        backup = edit.path + BACKUP_SUFFIX
        expected = hashlib.sha256(edit.before.encode()).hexdigest()
        done = await shell.run(["sh", "-c", _REPLACE, "sh", edit.path, draft, expected, backup])
    finally:
        await asyncio.shield(shell.run(["rm", "-f", "--", draft]))
    if done.status == 95:
        raise BoxError(
            f"{edit.path} was changed by somebody else meanwhile.",
            "Look at it again; nothing was written.",
        )
    if not done.ok:
        raise CommandFailed(
            f"{edit.path} could not be written: {_last(done)}.",
            "Check who owns it and the space on its disk; nothing was changed.",
            done.status,
        )
    return backup


def _path(stack: Stack) -> str:
    if stack.env_file is None:
        raise CommandFailed(
            f"The stack in {stack.directory} has no .env file.", "Its values are in compose files."
        )
    return stack.env_file


async def _read(shell: Shell, path: str) -> str:
    done = await shell.run(["cat", "--", path])
    if not done.ok:
        raise CommandFailed(
            f"{path} could not be read: {_last(done)}.",
            "Copy .env.example to .env on the box, or check who owns it.",
            done.status,
        )
    return done.out


async def _draft(shell: Shell, edit: EnvEdit) -> str:
    done = await shell.run(["sh", "-c", _DRAFT, "sh", edit.path], stdin=edit.after.encode())
    if not done.ok or not done.out:
        raise CommandFailed(
            f"Nothing can be written beside {edit.path}: {_last(done)}.",
            "Check who owns the folder and the space on its disk.",
            done.status,
        )
    return done.out


async def _validate(shell: Shell, stack: Stack, path: str, draft: str) -> None:
    """Compose reads every mode with the draft in place of the file."""
    for mode in stack.modes:
        prefix = ["env", *mode.exports] if mode.exports else []
        done = await shell.run(
            [*prefix, "docker", "compose", *_with_draft(mode, path, draft), "config", "--quiet"],
            timeout_s=30,
        )
        if not done.ok:
            raise CommandFailed(
                f"Compose refuses the new values in the mode “{mode.name}”: {_last(done)}.",
                "Nothing was written.",
                done.status,
            )


def _with_draft(mode: Mode, path: str, draft: str) -> Sequence[str]:
    """There may be other env files besides; one that is not named is found by compose itself."""
    if "--env-file" not in mode.compose:
        return ["--env-file", draft, *mode.compose]
    return [draft if word == path else word for word in mode.compose]


def _last(done: Completed) -> str:
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"it ended with {done.status}"
