"""What stands around a command on a box: it ends with whoever wants it, and its end is known.

A login shell reads one line, which becomes the script and its arguments. There is nothing in it
that sh, bash, zsh, fish and tcsh would not read alike: arguments that they might are encoded. The
script marks where the command's own output begins (start-up files may print before), gives it its
stdin, holds it to its time, and ends it when the connection goes away: our side keeps stdin open as
long as it wants the command. Needs POSIX sh, cat and head; uses timeout and setsid where they are,
of coreutils or busybox.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from strixdesk.core.errors import BoxError

_BOX_TIMER_SPARE_S = 3
"""The box's own timer is the later one: it is for lost connections."""

# $1 mark, $2 seconds (0: no limit), $3 length of the encoded stdin, $4 `merged` or `apart`;
# then the command
# fd 3: our stdin, whose end says that nobody wants the command any more; fd 4: our stderr.
# The watcher has the timer, so that the command itself starts at once. It ends the process group of
# the command: our own, or one made by setsid where something stands above us that is no leader.
# One line, and a space after each `!`: so tcsh takes it as it is.
_SCRIPT = """t=$1 s=$2 n=$3 m=$4; shift 4;
LC_ALL=C; PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/snap/bin:/opt/homebrew/bin;
export LC_ALL PATH;
exec 3<&0 4>&2 </dev/null;
d=;
if [ "$n" -gt 0 ]; then d=$(head -c "$n" <&3); [ ${#d} -eq "$n" ] || exit 255; fi;
echo "$t"; echo "$t" >&4;
kill -0 -$$ 2>/dev/null || { command -v setsid >/dev/null && set -- setsid "$@"; };
if [ "$m" = merged ]; then exec 2>&1; fi;
if [ "$n" -gt 0 ]; then printf %b "$d" | ( exec "$@" ) 3<&- 4>&- &
else ( exec "$@" ) 3<&- 4>&- & fi;
p=$! ;
( if [ "$s" -gt 0 ] && command -v timeout; then timeout "$s" cat; else cat; fi;
  trap "" TERM;
  kill -TERM -$p || kill -TERM -$$ || kill -TERM $p;
  sleep 2;
  kill -KILL -$p || kill -KILL -$$
) <&3 >/dev/null 2>&1 4>&- &
w=$! ;
exec 3<&-;
wait $p; r=$?;
kill $w 2>/dev/null;
echo "$t $r"; echo "$t $r" >&4;
exit 0""".replace("\n", " ")

_READER = b'LC_ALL=C; eval "$(printf %b "$1")"'
_AS_THEY_ARE = frozenset(range(32, 127)) - frozenset(b"'\\!")
_ENCODED = tuple(
    bytes([byte]) if byte in _AS_THEY_ARE else rb"\n" if byte == 10 else b"\\0%03o" % byte
    for byte in range(256)
)
_NOISE_LIMIT_BYTES = 2**18
_TAIL_BYTES = 64


def script_argv(
    mark: str,
    argv: Sequence[str],
    *,
    limit_s: float | None = None,
    stdin: bytes = b"",
    merged: bool = False,
) -> list[bytes]:
    """`sh` and its arguments. `stdin` as `encode` gives it; `limit_s` None: no limit."""
    if not argv or not argv[0] or argv[0].startswith("-"):
        raise BoxError("A command for the box is not well formed: it has no program's name.")
    if any("\0" in argument for argument in argv):
        raise BoxError("A command for the box is not well formed: it has a zero byte in it.")
    seconds = 0 if limit_s is None else math.ceil(limit_s) + _BOX_TIMER_SPARE_S
    kind = "merged" if merged else "apart"
    words = ["sh", "-c", _SCRIPT, "sh", mark, str(seconds), str(len(stdin)), kind, *argv]
    return [word.encode("utf-8", "surrogateescape") for word in words]  # whatever the locale


def command_line(argv: Sequence[bytes]) -> bytes:
    """One line for a login shell, which becomes `argv`: `sh -c SCRIPT NAME …`, the NAME plain."""
    _, _, script, name, *arguments = argv
    if all(_AS_THEY_ARE.issuperset(one) for one in (script.replace(b"$! ", b""), *arguments)):
        return b"exec sh -c '%b' %b %b" % (script, name, _words(arguments))
    read = b"set -- %b\n%b" % (_words(arguments), script)
    return b"exec sh -c '%b' %b '%b'" % (_READER, name, encode(read))


def _words(arguments: Sequence[bytes]) -> bytes:
    """As sh reads them, and every shell does where there is nothing to encode."""
    return b" ".join(b"'" + one.replace(b"'", rb"'\''") + b"'" for one in arguments)


def encode(data: bytes) -> bytes:
    """As printf's %b reads it: printable ASCII, so that any bytes get through a variable, and
    nothing that any shell would take for its own between single quotes. Those are the quote itself,
    in fish a backslash before it or before another, in tcsh `!` and line ends."""
    return b"".join(_ENCODED[byte] for byte in data)


class MarkedOutput:
    """One of the two outputs of a script: what the command itself printed, between the marks."""

    def __init__(self, mark: str, limit_bytes: int) -> None:
        self.begun = False
        self.status: int | None = None
        """Of the command, once it is over: then this output is complete."""
        self.noise = b""
        """What came before the command began: from start-up files, or from ssh."""
        self._begin = mark.encode() + b"\n"
        self._end = re.compile(re.escape(mark.encode()) + rb" (\d{1,3})\n")
        self._limit_bytes = limit_bytes
        self._body = bytearray()
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """Returns those of the bytes that are the command's, or the mark of its end."""
        if not self.begun:
            self.noise += data
            noise, self.begun, data = _parted(self.noise, self._begin)
            self.noise = noise[-_NOISE_LIMIT_BYTES:]
        if self.status is None and data:
            told = self._tail + data
            if end := self._end.search(told):
                self.status = int(end[1])
            self._tail = told[-_TAIL_BYTES:]
            self._body += data[: max(0, self._limit_bytes - len(self._body))]
        return data

    def without_end(self, line: bytes) -> bytes | None:
        """What the command printed of a line that holds the mark of its end; None: no mark."""
        end = self._end.search(line + b"\n")
        return line[: end.start()] if end else None

    def text(self) -> str:
        """Of the command, up to the limit."""
        end = self._end.search(self._body)
        body = self._body[: end.start()] if end else self._body
        return body.decode("utf-8", "replace")


def _parted(data: bytes, mark: bytes) -> tuple[bytes, bool, bytes]:
    before, found, after = data.partition(mark)
    return before, bool(found), after
