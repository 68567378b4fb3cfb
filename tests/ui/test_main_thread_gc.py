"""Qt's objects end on Qt's thread, whoever makes the garbage."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from strixdesk.ui.main_thread_gc import MainThreadCollector, due_generation

THRESHOLDS = (700, 10, 10)


@pytest.fixture
def collector(qapp: object) -> Iterator[MainThreadCollector]:
    """The module's own one is on duty already, and again afterwards."""
    collector = MainThreadCollector()
    yield collector
    collector.stop()
    gc.disable()


class _InACycle(QObject):
    """Tells the thread on which it ends."""

    ended_on: list[threading.Thread]

    def __init__(self, ended_on: list[threading.Thread]) -> None:
        super().__init__()
        self.ended_on = ended_on
        self.itself = self
        self.startTimer(60_000)

    def __del__(self) -> None:
        self.ended_on.append(threading.current_thread())


def _much_garbage() -> None:
    for _ in range(20_000):
        cycle: list[object] = []
        cycle.append(cycle)


@pytest.mark.parametrize(
    ("counts", "due"),
    [
        ((700, 10, 10), None),
        ((701, 0, 0), 0),
        ((701, 11, 0), 1),
        ((701, 11, 11), 2),
        ((0, 0, 11), 2),
    ],
)
def test_the_oldest_generation_over_its_threshold_is_due(
    counts: tuple[int, int, int], due: int | None
) -> None:
    assert due_generation(counts, THRESHOLDS) == due


def test_given_collection_switched_off_by_its_thresholds_then_none_is_due() -> None:
    assert due_generation((5000, 50, 50), (0, 10, 10)) is None


@pytest.mark.usefixtures("collector")
def test_given_garbage_made_on_another_thread_then_qt_objects_end_on_the_main_thread(
    qtbot: QtBot,
) -> None:
    ended_on: list[threading.Thread] = []
    _InACycle(ended_on)
    worker = threading.Thread(target=_much_garbage)
    worker.start()
    worker.join()
    assert not ended_on
    qtbot.waitUntil(lambda: bool(ended_on))
    assert ended_on == [threading.main_thread()]


def test_given_it_stopped_then_everything_is_collected_and_any_thread_may_collect_again(
    collector: MainThreadCollector,
) -> None:
    ended_on: list[threading.Thread] = []
    _InACycle(ended_on)
    collector.stop()
    assert ended_on == [threading.main_thread()]
    assert gc.isenabled()
