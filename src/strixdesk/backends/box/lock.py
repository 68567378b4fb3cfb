"""One at a time: whoever starts or stops things on a box holds its stack's folder meanwhile.

A process on the box holds an flock on the folder, so the kernel lets go of it whatever becomes of
that process. It ends by itself when it has seen no beat of its client for a while; it counts its
own waits for that and compares no clocks, so clocks may jump as they like.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass

from strixdesk.backends.box.shell import Shell
from strixdesk.core.errors import BoxBusy, BoxError, BoxUnreachable
from strixdesk.core.ids import new_id
from strixdesk.core.spans import span

PATIENCE_S = 30
"""How long the box waits for a beat before it takes the client for dead."""
BEAT_S = 5.0
_ANSWER_S = 10.0
_RELEASE_S = 3.0
_LISTEN_S = 0.2
"""Between two looks of the process there for a beat."""

# $1 folder, $2 who, $3 token, $4 patience in fifths of a second
_HOLD = """
cd -- "$1" || exit 3
command -v flock >/dev/null || { echo free; exit 0; }
exec 9<. || exit 3
flock -n 9 || { sleep 0.3 9<&-; flock -n 9; } || { sleep 0.7 9<&-; flock -n 9; } || {
  echo busy; cat .strixdesk.holder 2>/dev/null; exit 0; }
trap 'rm -f .strixdesk.holder .strixdesk.beat' EXIT
trap 'exit 0' HUP INT TERM PIPE
{ printf '%s\\n' "$2" && date +%s; } >.strixdesk.holder && echo "$3" >.strixdesk.beat || {
  echo free; exit 0; }
echo held
last= still=0
while [ "$still" -lt "$4" ]; do
  sleep 0.2 9<&-
  now=
  read -r now <.strixdesk.beat || true
  case $now in
    "$3 end") exit 0 ;;
    "$last") still=$((still + 1)) ;;
    "$3"*) still=0 last=$now ;;
    *) still=$((still + 1)) ;;
  esac
done
exit 0
"""
# $1 folder, $2 token, $3 word; fails when the process that holds with this token is gone
# It writes to the very file that it has read: by its name, a late beat would make it anew, or write
# over the beat of whoever holds the folder by now.
_BEAT = """
cd -- "$1" && exec 8<.strixdesk.beat && read -r now <&8 || exit 1
case $now in "$2"*) echo "$2 $3" >/proc/self/fd/8 ;; *) exit 1 ;; esac
"""

SHOW_HOLDER = """
if [ -d "$1" ] && command -v flock >/dev/null; then
  ( exec 9<"$1" && { flock -n -s 9 || cat "$1/.strixdesk.holder"; } ) 2>/dev/null
fi
"""
"""A piece of a shell script: prints what `parse_holder` reads while somebody holds folder $1."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is starting or stopping things on a box."""

    who: str
    doing: str
    token: str
    since: float | None = None
    """Seconds since the epoch, by the box's clock."""

    def words(self, box_now: float | None = None) -> str:
        """“bjoern on laptop (start vllm_coder, for about 40 s)”."""
        since = ""
        if box_now is not None and self.since is not None and box_now >= self.since:
            since = f", for {span(box_now - self.since)}"
        return f"{self.who} ({self.doing}{since})"


def parse_holder(text: str) -> Holder | None:
    """None for an empty text; somebody unknown for an unreadable one."""
    lines = text.strip().splitlines()
    if not lines:
        return None
    try:
        told = json.loads(lines[0])
        fields = [str(told[key])[:80] for key in ("who", "doing", "token")]
    except (ValueError, TypeError, KeyError, RecursionError):
        return Holder("somebody", "something", "")
    stamp = lines[1] if len(lines) > 1 else ""
    since = float(stamp) if stamp.isdecimal() and len(stamp) < 15 else None
    return Holder(fields[0], fields[1], fields[2], since)


def myself() -> str:
    """“bjoern on laptop”."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"user {os.getuid()}"
    return f"{user} on {platform.node() or 'another computer'}"


class BoxLock:
    """Holds a box for one operation. One task uses it."""

    def __init__(
        self,
        shell: Shell,
        folder: str,
        doing: str,
        *,
        who: str | None = None,
        owner: str | None = None,
        patience_s: float = PATIENCE_S,
        beat_s: float = BEAT_S,
    ) -> None:
        """`owner`: whatever holds no more than one lock of this box at a time. What it still holds
        there after a lost connection is its own."""
        self._shell = shell
        self._folder = folder
        self._owner = owner or new_id()
        self.token = f"{self._owner}-{new_id()}"
        self._who = json.dumps(
            {"who": who or f"{myself()}, process {os.getpid()}", "doing": doing}
            | {"token": self.token}
        )
        self._patience_s = patience_s
        self._beat_s = beat_s
        self._ending = False
        self._holding: asyncio.Task[None] | None = None
        self._verdict: asyncio.Future[None] | None = None

    async def ensure(self) -> None:
        """Hold it: also again, after the box has let go of a client that was away too long. Raises
        BoxBusy, which names the holder, or BoxUnreachable."""
        if self._holding and not self._holding.done():
            return
        self._ending = False
        self._verdict = asyncio.get_running_loop().create_future()
        self._holding = asyncio.create_task(self._hold(self._verdict), name="box lock")
        try:
            async with asyncio.timeout(_ANSWER_S):
                await asyncio.shield(self._verdict)
        except TimeoutError:
            await self._drop()
            raise BoxError(
                "The box did not say whether anybody else is starting or stopping things there.",
                "Try again; if it stays so, look at the box's disk and load.",
            ) from None
        except BaseException:
            await self._drop()
            raise

    async def release(self) -> None:
        """Idempotent; never raises for a box that is out of reach: it lets go by itself."""
        if self._holding and not self._holding.done():
            with contextlib.suppress(BoxError, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    self._ending = True
                    while await self._beat("end"):  # noqa: ASYNC110  # until nobody hears it there
                        await asyncio.sleep(_LISTEN_S)
        await self._drop()

    async def _drop(self) -> None:
        task, self._holding = self._holding, None
        if task:
            task.cancel()
            await asyncio.wait([task])
        if self._verdict and self._verdict.done() and not self._verdict.cancelled():
            self._verdict.exception()  # was told, or nobody wants to know any more

    async def _hold(self, verdict: asyncio.Future[None]) -> None:
        patience = str(max(1, round(self._patience_s * 5)))
        command = ["sh", "-c", _HOLD, "sh", self._folder, self._who, self.token, patience]
        try:
            async with contextlib.aclosing(self._shell.lines(command)) as lines:
                first = ""
                while first not in {"held", "free", "busy"}:
                    first = await anext(lines)
                if first == "busy":
                    holder = parse_holder("\n".join([line async for line in lines]) or "?")
                    if holder is None or not holder.token.startswith(f"{self._owner}-"):
                        verdict.set_exception(busy(holder))
                        return
                    # the connection to our own process there was lost, and it has not noticed yet
                    self.token = holder.token
                    verdict.set_result(None)
                    await self._beat_on()
                    return
                verdict.set_result(None)
                if first == "free":  # a box without flock, or a folder that cannot be written to
                    await asyncio.Event().wait()
                beating = asyncio.create_task(self._beat_on(), name="box lock's beat")
                try:
                    async for _ in lines:
                        pass
                finally:
                    beating.cancel()
                    await asyncio.wait([beating])
        except (BoxError, StopAsyncIteration) as error:
            if not verdict.done():
                verdict.set_exception(
                    error if isinstance(error, BoxUnreachable) else _not_to_be_held(self._folder)
                )

    async def _beat_on(self) -> None:
        """For as long as there is a process to hear it."""
        heard = True
        while heard and not self._ending:
            with contextlib.suppress(BoxError):  # the next one may get through
                heard = await self._beat(new_id())
            await asyncio.sleep(self._beat_s)

    async def _beat(self, word: str) -> bool:
        command = ["sh", "-c", _BEAT, "sh", self._folder, self.token, word]
        return (await self._shell.run(command, timeout_s=max(1.0, self._beat_s))).ok


@contextlib.asynccontextmanager
async def holding(lock: BoxLock) -> AsyncIterator[BoxLock]:
    await lock.ensure()
    try:
        yield lock
    finally:
        await asyncio.shield(lock.release())


def busy(holder: Holder | None) -> BoxBusy:
    who = holder.words() if holder else "Somebody else"
    return BoxBusy(
        f"The box is busy: {who}.", "Wait until that is over, or ask them to stop; then try again."
    )


def _not_to_be_held(folder: str) -> BoxError:
    return BoxError(
        f"The stack's folder {folder} cannot be opened there.", "Correct it in the settings."
    )
