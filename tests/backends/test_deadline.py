"""One timer for many waits, by the rules of `asyncio.timeout`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from strixdesk.backends.deadline import Deadline

SOON_S = 0.5
"""Longer than this process may stand still between two of its steps."""
NEVER_S = 3600.0


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    deadline = Deadline()
    yield deadline
    deadline.close()


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def wait(deadline: Deadline, seconds: float) -> None:
    """For what never comes."""
    with deadline.until(after(seconds)):
        await asyncio.Event().wait()


async def test_a_wait_ends_at_its_deadline(deadline: Deadline) -> None:
    with pytest.raises(TimeoutError):
        await wait(deadline, SOON_S)


async def test_what_is_there_already_needs_no_time(deadline: Deadline) -> None:
    with deadline.until(after(0.0)):
        pass
    await asyncio.sleep(SOON_S)  # nobody is cancelled by what was over


@pytest.mark.parametrize("first_s", [SOON_S / 2, NEVER_S])
async def test_each_wait_has_the_deadline_of_its_own(deadline: Deadline, first_s: float) -> None:
    """An earlier one than the last as well as a later one."""
    with deadline.until(after(first_s)):
        await asyncio.sleep(0)
    began = after(0.0)
    with pytest.raises(TimeoutError):
        await wait(deadline, SOON_S)
    assert after(0.0) - began >= SOON_S * 0.9


async def test_time_between_two_waits_does_not_count(deadline: Deadline) -> None:
    with deadline.until(after(SOON_S)):
        await asyncio.sleep(0)
    await asyncio.sleep(2 * SOON_S)
    with deadline.until(after(NEVER_S)):
        await asyncio.sleep(0)


async def test_a_task_that_others_cancel_is_cancelled(deadline: Deadline) -> None:
    task = asyncio.create_task(wait(deadline, NEVER_S))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_task_stays_cancelled_when_its_deadline_passes_meanwhile(
    deadline: Deadline,
) -> None:
    async def slow_to_end() -> None:
        with deadline.until(after(SOON_S)):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.Event().wait()  # until it is told again, by the deadline

    task = asyncio.create_task(slow_to_end())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_goes_on_after_a_deadline(deadline: Deadline) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await wait(deadline, SOON_S)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
