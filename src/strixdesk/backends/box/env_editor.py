"""Changing values of a stack's env files on the box: looked at first, tried by compose, then put
in their place whole, with the former ones kept beside them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import join

from strixdesk.backends.box.shell import Shell
from strixdesk.core.env_file import changed, difference, values
from strixdesk.core.errors import BoxError, CommandFailed
from strixdesk.core.stack import Mode, Stack
from strixdesk.core.up_script import values_of

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


_RESTORE = r"""
file=$(readlink -f -- "$1") && mv -f -- "$2" "$file"
"""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """Of one of the files."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EnvEdit:
    """A change that was looked at, and not made yet."""

    path: str
    """Of the file that changes; several are listed."""
    files: tuple[FileEdit, ...]
    """Those that change, in the order in which compose is given them."""
    diff: str
    """Secrets are masked in it. Empty: nothing changes."""


async def read_env(shell: Shell, stack: Stack) -> dict[str, str]:
    """What counts where several files give a value. Raises CommandFailed when there is no env file
    or one cannot be read."""
    found: dict[str, str] = {}
    for path in _paths(stack):
        found |= values(await _read(shell, path))
    return found


async def plan_edit(shell: Shell, stack: Stack, changes: Mapping[str, str]) -> EnvEdit:
    """A value changes in the last file that has it. Writes nothing. Raises SettingsError for a name
    or value that cannot be written."""
    texts = {path: await _read(shell, path) for path in _paths(stack)}
    where = {name: path for path, text in texts.items() for name in values(text)}
    edits = []
    for path, before in texts.items():
        mine = {
            name: value
            for name, value in changes.items()
            if where.get(name, _for_new_names(stack)) == path
        }
        if (after := changed(before, mine)) != before:
            edits.append(FileEdit(path, before, after))
    diff = "".join(difference(one.before, one.after, one.path) for one in edits)
    path = " and ".join(one.path for one in edits) or _paths(stack)[-1]
    return EnvEdit(path, tuple(edits), diff)


async def apply_edit(shell: Shell, stack: Stack, edit: EnvEdit) -> str:
    """The path of the backup; several are listed. Raises CommandFailed when compose refuses the new
    values, and BoxError when somebody else changed a file meanwhile; then nothing is changed."""
    drafts: dict[str, str] = {}
    written: list[FileEdit] = []
    try:
        for one in edit.files:
            drafts[one.path] = await _draft(shell, one)
        if drafts:
            await _validate(shell, stack, drafts)
        for one in edit.files:
            await _replace(shell, one, drafts[one.path])
            written.append(one)
    except BaseException:
        for one in reversed(written):
            await asyncio.shield(shell.run(["sh", "-c", _RESTORE, "sh", one.path, _backup(one)]))
        raise
    finally:
        if drafts:
            await asyncio.shield(shell.run(["rm", "-f", "--", *drafts.values()]))
    return " and ".join(map(_backup, edit.files))


async def _replace(shell: Shell, edit: FileEdit, draft: str) -> None:
    expected = hashlib.sha256(edit.before.encode()).hexdigest()
    argv = ["sh", "-c", _REPLACE, "sh", edit.path, draft, expected, _backup(edit)]
    done = await shell.run(argv)
    if done.status == 95:
        raise BoxError(
            f"{edit.path} was changed by somebody else meanwhile.",
            "Look at it again; nothing was written.",
        )
    if not done.ok:
        raise CommandFailed(
            f"{edit.path} could not be written: {done.last_words}.",
            "Check who owns it and the space on its disk; nothing was changed.",
            done.status,
        )


def _backup(edit: FileEdit) -> str:
    return edit.path + BACKUP_SUFFIX


def _paths(stack: Stack) -> tuple[str, ...]:
    if not stack.env_files:
        raise CommandFailed(
            f"The stack in {stack.directory} has no .env file.", "Its values are in compose files."
        )
    return stack.env_files


def _for_new_names(stack: Stack) -> str:
    """The last file that every mode is given, so that the value counts in all of them."""
    paths = _paths(stack)
    given = [values_of(mode.compose, "--env-file") for mode in stack.modes]
    shared = [path for path in paths if all(path in files for files in given)]
    return (shared or paths)[-1]


async def _read(shell: Shell, path: str) -> str:
    done = await shell.run(["cat", "--", path])
    if not done.ok:
        raise CommandFailed(
            f"{path} could not be read: {done.last_words}.",
            "Copy .env.example to .env on the box, or check who owns it.",
            done.status,
        )
    return done.out


async def _draft(shell: Shell, edit: FileEdit) -> str:
    done = await shell.run(["sh", "-c", _DRAFT, "sh", edit.path], stdin=edit.after.encode())
    if not done.ok or not done.out:
        raise CommandFailed(
            f"Nothing can be written beside {edit.path}: {done.last_words}.",
            "Check who owns the folder and the space on its disk.",
            done.status,
        )
    return done.out


async def _validate(shell: Shell, stack: Stack, drafts: Mapping[str, str]) -> None:
    """Compose reads every mode with the drafts in place of the files."""
    own = join(stack.directory, ".env")
    for mode in stack.modes:
        prefix = ["env", *mode.exports] if mode.exports else []
        done = await shell.run(
            [*prefix, "docker", "compose", *_with(drafts, mode, own), "config", "--quiet"],
            timeout_s=30,
        )
        if not done.ok:
            raise CommandFailed(
                f"Compose refuses the new values in the mode “{mode.name}”: {done.last_words}.",
                "Nothing was written.",
                done.status,
            )


def _with(drafts: Mapping[str, str], mode: Mode, own: str) -> Sequence[str]:
    """`own`: the file that compose finds by itself where the mode names none."""
    if "--env-file" not in mode.compose:
        return ["--env-file", drafts[own], *mode.compose] if own in drafts else mode.compose
    return [drafts.get(word, word) for word in mode.compose]
