from __future__ import annotations

from pathlib import Path

import pytest

from strixdesk.backends.box.services import forecast_start
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.backends.box.start_phases import Phase, Start

KEY = "box/vllm_coder/Qwen/Qwen3-Coder-30B"


def test_what_was_never_seen_is_not_forecast() -> None:
    assert StartHistory().expected_s(KEY) is None


def test_the_median_of_the_last_starts_is_expected(tmp_path: Path) -> None:
    file = tmp_path / "box" / "starts.json"
    for seconds in (2000.0, 100.0, 110.0, 90.0, 105.0, 95.0):  # the first one downloaded
        StartHistory(file).add(KEY, seconds)
    assert StartHistory(file).expected_s(KEY) == 100.0


def test_no_start_takes_less_than_the_second_that_the_clock_can_tell() -> None:
    history = StartHistory()
    history.add(KEY, 0.01)
    assert history.expected_s(KEY) == 1.0


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 1e9])
def test_a_clock_that_jumped_leaves_no_trace(seconds: float) -> None:
    history = StartHistory()
    history.add(KEY, seconds)
    assert history.expected_s(KEY) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": ["x", null]}', "\0"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "starts.json"
    file.write_text(text)
    history = StartHistory(file)
    assert history.expected_s("a") is None
    history.add("a", 3.0)
    assert StartHistory(file).expected_s("a") == 3.0


def test_a_file_that_cannot_be_written_costs_nothing_but_the_memory_of_it(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    history = StartHistory(blocked / "starts.json")
    history.add(KEY, 5.0)
    assert history.expected_s(KEY) == 5.0


def test_past_starts_tell_progress_and_time_left() -> None:
    assert forecast_start(Start(), 30.0, 120.0) == (0.25, 90.0)


def test_a_start_that_takes_longer_than_ever_is_never_complete_before_it_is() -> None:
    progress, left_s = forecast_start(Start(), 500.0, 120.0)
    assert progress < 1.0
    assert left_s == 1.0


def test_without_past_starts_the_part_that_is_done_tells_the_rest() -> None:
    half = Start(Phase.LOADING, 0.8)  # half of everything
    assert forecast_start(half, 60.0, None) == (0.5, 60.0)
    assert forecast_start(Start(), 60.0, None) == (0.0, None)
    assert forecast_start(half, None, 120.0) == (0.5, None)


def test_a_clock_that_was_set_back_does_not_go_below_zero() -> None:
    assert forecast_start(Start(), 0.0, 120.0) == (0.0, 120.0)
