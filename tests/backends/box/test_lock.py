from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.lock import BoxLock, Holder, holding, parse_holder
from strixdesk.backends.box.look import look
from strixdesk.backends.box.shell import Completed
from strixdesk.core.errors import BoxBusy, BoxError, BoxUnreachable
from tests.support.cut_shell import CutShell
from tests.support.eventually import eventually

ANNA, BEN = "anna on laptop", "ben on desktop"


def lock(folder: Path, who: str = ANNA, *, patience_s: float = 30, beat_s: float = 5) -> BoxLock:
    return BoxLock(
        LocalShell(), str(folder), "start coder", who=who, patience_s=patience_s, beat_s=beat_s
    )


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_second_is_told_who_holds_it_and_since_when(tmp_path: Path) -> None:
    async with holding(lock(tmp_path)):
        with pytest.raises(BoxBusy, match=r"anna on laptop \(start coder\)"):
            await lock(tmp_path, BEN).ensure()
        seen = await look(LocalShell(), str(tmp_path), [])
        assert seen.holder is not None
        assert seen.holder.words(seen.box_now).startswith("anna on laptop (start coder, for ")


async def test_nothing_is_left_of_a_lock_that_was_let_go(tmp_path: Path) -> None:
    async with holding(lock(tmp_path)):
        pass
    assert names(tmp_path) == []
    assert (await look(LocalShell(), str(tmp_path), [])).holder is None
    async with holding(lock(tmp_path, BEN)):
        pass


async def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    locks = [lock(tmp_path, f"client {number}") for number in range(6)]
    results = await asyncio.gather(*(one.ensure() for one in locks), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, BoxBusy) for result in results) == 5
    await asyncio.gather(*(one.release() for one in locks))


async def test_a_client_that_is_dead_holds_nothing_for_long(tmp_path: Path) -> None:
    dead = lock(tmp_path, patience_s=0.4, beat_s=1000)  # no beat ever comes
    await dead.ensure()
    async with asyncio.timeout(60):
        while True:
            try:
                async with holding(lock(tmp_path, BEN)):
                    break
            except BoxBusy:
                continue
    await dead.release()


async def test_a_client_that_lives_keeps_it_longer_than_the_box_is_patient(tmp_path: Path) -> None:
    async with holding(lock(tmp_path, patience_s=5, beat_s=0.2)):
        await asyncio.sleep(7)
        with pytest.raises(BoxBusy):
            await lock(tmp_path, BEN).ensure()


async def test_what_was_lost_meanwhile_is_taken_again_unless_another_has_it(tmp_path: Path) -> None:
    mine = lock(tmp_path, patience_s=0.4, beat_s=1000)
    await mine.ensure()
    await eventually(lambda: not names(tmp_path), within_s=30)  # the box has let go
    await mine.ensure()
    await eventually(lambda: not names(tmp_path), within_s=30)
    async with holding(lock(tmp_path, BEN)):
        with pytest.raises(BoxBusy, match="ben on desktop"):
            await mine.ensure()
    await mine.release()


async def test_what_a_client_still_holds_after_a_lost_connection_is_its_own(tmp_path: Path) -> None:
    shell = CutShell(LocalShell())
    first = BoxLock(shell, str(tmp_path), "start coder", who=ANNA, owner="anna", beat_s=0.2)
    await first.ensure()
    shell.cut()
    await first.release()
    with pytest.raises(BoxBusy):
        await lock(tmp_path, BEN).ensure()
    shell.mend()
    again = BoxLock(shell, str(tmp_path), "stop coder", who=ANNA, owner="anna", beat_s=0.2)
    async with holding(again):
        with pytest.raises(BoxBusy):
            await lock(tmp_path, BEN).ensure()
    await eventually(lambda: not names(tmp_path), within_s=30)
    async with holding(lock(tmp_path, BEN)):
        pass
    await shell.close()


class SlowBeats(LocalShell):
    """A busy box: a beat stands still between reading and writing."""

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        slow_read = 'read() { command read "$@" || return; sleep 3; }\n'
        return await super().run([*argv[:2], slow_read + argv[2], *argv[3:]], timeout_s=timeout_s)


async def test_a_beat_that_comes_late_leaves_nothing_behind(tmp_path: Path) -> None:
    shell = CutShell(SlowBeats())
    late = BoxLock(shell, str(tmp_path), "start coder", who=ANNA, owner="anna", beat_s=10)
    await late.ensure()
    await asyncio.sleep(1)  # by now it has read
    shell.cut()
    await late.release()
    async with holding(BoxLock(LocalShell(), str(tmp_path), "stop", who=ANNA, owner="anna")):
        pass
    await asyncio.sleep(3)
    assert names(tmp_path) == []
    await shell.close()


async def test_a_folder_that_is_not_there_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(BoxError):
        await lock(tmp_path / "gone").ensure()


class FarShell:
    """A way that is broken."""

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        raise BoxUnreachable("ssh is refused.", hop="ssh")

    async def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        raise BoxUnreachable("ssh is refused.", hop="ssh")
        yield ""

    async def close(self) -> None:
        pass


async def test_a_box_out_of_reach_is_not_held() -> None:
    far = BoxLock(FarShell(), "/srv", "start coder")
    with pytest.raises(BoxUnreachable):
        await far.ensure()
    await far.release()


@pytest.mark.parametrize("text", ["", "\n", "  "])
def test_nobody_holds_it(text: str) -> None:
    assert parse_holder(text) is None


@pytest.mark.parametrize("text", ["?", "{}", "[" * 9_000, '{"who": 1}', "null"])
def test_an_unreadable_note_is_somebody(text: str) -> None:
    assert parse_holder(text) == Holder("somebody", "something", "")


def test_a_note_tells_who_and_how_long_by_the_boxs_own_clock() -> None:
    note = json.dumps({"who": ANNA, "doing": "start coder", "token": "1"})
    holder = parse_holder(f"{note}\n1000\n")
    assert holder is not None
    assert holder.words(1040.0) == "anna on laptop (start coder, for about 40 s)"
    assert holder.words(1300.0) == "anna on laptop (start coder, for about 5 min)"
    assert holder.words(900.0) == "anna on laptop (start coder)"  # the clock was set back
