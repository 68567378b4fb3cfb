"""One look at a box: a single command that tells of containers, clock, holder and memory."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from strixdesk.backends.box.containers import INSPECT_FORMAT, Container, parse_containers
from strixdesk.backends.box.host_facts import MEMORY_LOOK, parse_facts
from strixdesk.backends.box.lock import SHOW_HOLDER, Holder, parse_holder
from strixdesk.backends.box.shell import Shell
from strixdesk.core.box import BoxMemory

_TIMEOUT_S = 10.0
_LOG_LINES = 400
_LOOK_LINES = 10_000
_MARK = "== strixdesk "

# $1 folder, $2 projects, $3 format; docker may print warnings beside the ids
_BODY = f"""
if [ -n "$2" ]; then
  said= status=0
  for project in $2; do
    told=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
      --filter label=com.docker.compose.oneoff=False 2>&1) || {{ status=$?; break; }}
    said="$said
$told"
  done
  if [ $status -ne 0 ]; then
    echo "{_MARK}refused $status"; printf '%s\\n' "$told"
  else
    ids=$(printf '%s\\n' "$said" | grep -xE '[0-9a-f]+')
    echo "{_MARK}containers"; [ -z "$ids" ] || docker inspect --format "$3" $ids 2>/dev/null
  fi
fi
echo "{_MARK}clock"; date +%s
echo "{_MARK}holder"; {SHOW_HOLDER.strip()}
echo "{_MARK}memory"; ( {MEMORY_LOOK} )
"""
_ONCE = f"{_BODY}\nexit 0\n"
# $4 seconds; ends with its reader, since nobody hears what it prints then
_ON_AND_ON = f'while :; do\n{_BODY}\necho "{_MARK}end"\nsleep "$4"\ndone\n'

# $1 lines, then pairs of container and time
_LOGS = f"""
lines=$1; shift
while [ $# -gt 0 ]; do
  echo "{_MARK}$1"; docker logs --tail "$lines" --since "$2" "$1" 2>&1; shift 2
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Look:
    containers: tuple[Container, ...] | None
    """None: docker did not answer, or was not asked."""
    refusal: str = ""
    """What docker said instead."""
    refusal_status: int = 0
    box_now: float | None = None
    """Seconds since the epoch, by the box's clock."""
    holder: Holder | None = None
    memory: BoxMemory | None = None


async def look(shell: Shell, folder: str, projects: Sequence[str]) -> Look:
    """Raises BoxUnreachable or CommandTimeout. Without a project docker is not asked."""
    command = ["sh", "-c", _ONCE, "sh", folder, " ".join(projects), INSPECT_FORMAT]
    return parse_look((await shell.run(command, timeout_s=_TIMEOUT_S)).out)


async def looks(
    shell: Shell, folder: str, projects: Sequence[str], every_s: float
) -> AsyncGenerator[Look, None]:
    """What the box itself finds from time to time, over one command that goes on: nothing is
    started here for a look. Raises as `Shell.lines` does. Use `contextlib.aclosing`."""
    arguments = [folder, " ".join(projects), INSPECT_FORMAT, f"{every_s:g}"]
    command = ["sh", "-c", _ON_AND_ON, "sh", *arguments]
    lines: list[str] = []
    async with contextlib.aclosing(shell.lines(command)) as printed:
        async for line in printed:
            if line.startswith(f"{_MARK}end"):
                yield parse_look("\n".join([*lines, ""]))
                lines.clear()
            elif len(lines) < _LOOK_LINES:
                lines.append(line)


def parse_look(text: str) -> Look:
    containers: tuple[Container, ...] | None = None
    refusal, status, box_now, holder, memory = "", 0, None, None, None
    for name, body in _sections(text).items():
        kind, _, rest = name.partition(" ")
        if kind == "containers":
            containers = parse_containers(body)
        elif kind == "refused":
            refusal, status = body.strip(), int(rest) if rest.isdecimal() else 1
        elif kind == "clock":
            box_now = float(body) if body.strip().isdecimal() else None
        elif kind == "holder":
            holder = parse_holder(body)
        elif kind == "memory":
            memory = parse_facts(body).memory
    return Look(containers, refusal, status, box_now, holder, memory)


async def read_logs(shell: Shell, containers: Iterable[Container]) -> dict[str, list[str]]:
    """The last lines of each since its start, by service. Raises as `look` does."""
    asked = {one.id: one for one in containers}
    if not asked:
        return {}
    pairs = [part for one in asked.values() for part in (one.id, one.started or "0")]
    completed = await shell.run(
        ["sh", "-c", _LOGS, "sh", str(_LOG_LINES), *pairs], timeout_s=_TIMEOUT_S
    )
    found = _sections(completed.out)
    return {one.service: found.get(one.id, "").splitlines() for one in asked.values()}


def _sections(text: str) -> Mapping[str, str]:
    """Text by the mark above it."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith(_MARK):
            current = found.setdefault(line.removeprefix(_MARK).rstrip("\n"), [])
        else:
            current.append(line)
    return {name: "".join(lines) for name, lines in found.items()}
