"""What can be known of a stack's own `up` script: its modes by reading it, and each mode's
compose arguments by what it told a stand-in for docker. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join, normpath

_CASE_LABEL = re.compile(r"^[ \t]*\(?([^()\n]{1,200})\)", re.MULTILINE)
_COMPARED = re.compile(r"""[ \t]==?[ \t]+["']?([\w.-]{1,64})""")
_USAGE = re.compile(r"[{<\[(]([\w.|-]{1,200})[}>\])]")
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,63}")
_MODES_LIMIT = 32

_UNSAFE = re.compile(
    r"(?:^|[\s\"'=(])/\S*/docker(?:-compose)?\b|\bPATH=|\bDOCKER_(?:HOST|CONTEXT)=|\benv\s+-i\b"
)
"""What would get round a stand-in that is first on the PATH."""

_WITH_VALUE = frozenset(
    {
        "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory",
        "--ansi", "--progress", "--parallel",
    }
)  # fmt: skip
_PATHS = frozenset({"-f", "--file", "--env-file", "--project-directory"})
_UP_WITH_VALUE = frozenset(
    {
        "-t", "--timeout", "--wait-timeout", "--pull", "--scale", "--exit-code-from", "--attach",
        "--no-attach",
    }
)  # fmt: skip

_OF_THE_STAND_IN = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "PWD", "OLDPWD", "SHLVL", "_",
     "DOCKER_HOST", "STRIXDESK_RECORD"}
)  # fmt: skip
"""Variables that the stand-in is given, or that any shell sets."""


@dataclass(frozen=True, slots=True)
class DockerCall:
    """What a script asked of docker."""

    folder: str
    """Where it stood."""
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpCall:
    """What a mode starts."""

    compose: tuple[str, ...]
    """Between `docker compose` and `up`; paths are absolute."""
    services: tuple[str, ...]
    """Named after `up`; empty: all."""
    exports: tuple[str, ...] = ()


def may_be_tried(script: str) -> bool:
    """Whether the script can be run with a stand-in for docker: it is a shell script, it is about
    docker, and it does not get round the PATH."""
    first = script.partition("\n")[0]
    is_shell = not first.startswith("#!") or re.search(r"\b(?:ba|da|a)?sh\b", first) is not None
    return is_shell and "docker" in script and not _UNSAFE.search(script)


def interpreter(script: str) -> str:
    return "bash" if "bash" in script.partition("\n")[0] else "sh"


def possible_modes(script: str) -> tuple[str, ...]:
    """Words that its first argument may be, in the script's order. Which of them start something
    shows when they are tried."""
    found: dict[str, None] = {}
    for pattern in (_CASE_LABEL, _COMPARED, _USAGE):
        for match in pattern.finditer(script):
            for word in match.group(1).split("|"):
                name = word.strip().strip("\"'")
                if _NAME.fullmatch(name):
                    found[name] = None
    return tuple(found)[:_MODES_LIMIT]


def recorded_calls(record: Sequence[str]) -> Iterator[tuple[str, DockerCall]]:
    """Mode and call, from the stand-in's fields: `MODE`, name; `CALL`, folder, number of
    arguments, the arguments, `NAME=value`…, `END`. What is cut off is left out."""
    mode, at = "", 0
    while at < len(record):
        if record[at] == "MODE" and at + 1 < len(record):
            mode, at = record[at + 1], at + 2
            continue
        if record[at] != "CALL" or at + 2 >= len(record) or not record[at + 2].isdecimal():
            at += 1
            continue
        start = at + 3
        after = start + int(record[at + 2])
        try:
            end = record.index("END", after)
        except ValueError:
            return
        pairs = (one.partition("=") for one in record[after:end] if "=" in one)
        environment = {name: value for name, _, value in pairs}
        yield mode, DockerCall(record[at + 1], tuple(record[start:after]), environment)
        at = end + 1


def up_call(calls: Sequence[DockerCall]) -> UpCall | None:
    """All that a mode starts as one call: a script that starts one thing after the other is put
    together. None: it starts nothing."""
    compose: list[tuple[str, ...]] = []
    services: dict[str, None] = {}
    exports: dict[str, None] = {}
    everything = False
    for call in calls:
        parsed = _up(call)
        if parsed is None:
            continue
        options, named = parsed
        compose += [option for option in options if option not in compose]
        services |= dict.fromkeys(named)
        everything |= not named
        exports |= {
            f"{name}={value}": None
            for name, value in call.environment.items()
            if name not in _OF_THE_STAND_IN and not name.startswith("BASH_FUNC_")
        }
    if not compose:
        return None
    words = tuple(word for option in compose for word in option)
    return UpCall(words, () if everything else tuple(services), tuple(exports))


def values_of(compose: Sequence[str], flag: str) -> tuple[str, ...]:
    """What the arguments give a flag that takes several, in order."""
    return tuple(compose[at + 1] for at, word in enumerate(compose[:-1]) if word == flag)


def _up(call: DockerCall) -> tuple[list[tuple[str, ...]], list[str]] | None:
    """Its options, each with its value, and the services named."""
    if call.arguments[:1] != ("compose",):
        return None
    words = list(call.arguments[1:])
    options: list[tuple[str, ...]] = []
    while words and words[0].startswith("-"):
        name, equals, value = words.pop(0).partition("=")
        if name in _WITH_VALUE and not equals and words:
            value = words.pop(0)
        if name in _PATHS and value != "-":
            value = normpath(join(call.folder, value))
        options.append((name, value) if name in _WITH_VALUE else (name,))
    if not words or words.pop(0) != "up":
        return None
    named = {option[0] for option in options}
    if not named & {"-f", "--file", "--project-directory"}:
        options.insert(0, ("--project-directory", call.folder))
    services: list[str] = []
    while words:
        word = words.pop(0)
        if word in _UP_WITH_VALUE:
            words[:1] = []
        elif not word.startswith("-"):
            services.append(word)
    return options, services
