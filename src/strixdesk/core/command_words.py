"""Command lines of compose services as words and flags. Takes anything, raises nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
_END = re.compile(r"[;&|<>()]+")
_NUMBER = re.compile(r"-\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Flags:
    """What stands behind a program's name. A flag's names are as written; `_` counts as `-`."""

    values: Mapping[str, str]
    """Of a flag without a value: empty. The last one counts."""
    positional: tuple[str, ...]

    def get(self, *names: str) -> str | None:
        return next((self.values[name] for name in names if self.values.get(name)), None)

    def has(self, *names: str) -> bool:
        return any(name in self.values for name in names)


def words_of(told: object) -> list[str]:
    """Compose's `command` or `entrypoint`: a list, or one string as a shell would split it."""
    if isinstance(told, str):
        return _split(told)
    if isinstance(told, Sequence) and not isinstance(told, bytes | bytearray):
        return [_text(word) for word in told if isinstance(word, str | int | float)]
    return []


def commands_of(words: Sequence[str]) -> list[list[str]]:
    """The simple commands in it: what `bash -lc "…"` holds is taken apart. Line ends count as
    spaces there: the stack's files break lines for the reader."""
    for at, word in enumerate(words[:-1]):
        if program(word) in _SHELLS:
            for step, option in enumerate(words[at + 1 : -1], at + 1):
                if not option.startswith("-"):
                    break
                if "c" in option and not option.startswith("--"):
                    return _script(words[step + 1])
    return [list(words)]


def program(word: str) -> str:
    return word.rpartition("/")[2]


def flags_of(words: Sequence[str]) -> Flags:
    """`--flag value`, `--flag=value`, `-f value` and bare flags."""
    values: dict[str, str] = {}
    positional: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("-") or word in {"-", "--"} or _NUMBER.fullmatch(word):
            positional.append(word)
            continue
        name, equals, value = word.partition("=")
        if not equals and at < len(words) and _is_value(words[at]):
            value = words[at]
            at += 1
        values[name.replace("_", "-")] = value
    return Flags(values, tuple(positional))


def _is_value(word: str) -> bool:
    return not word.startswith("-") or _NUMBER.fullmatch(word) is not None


def _script(text: str) -> list[list[str]]:
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # an open quotation mark
        words = text.split()
    commands: list[list[str]] = [[]]
    for word in words:
        if _END.fullmatch(word):
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _text(word: object) -> str:
    return word if isinstance(word, str) else str(word)
