"""The log of a real start of vLLM 0.32.0: its phases only go on."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from strixdesk.backends.box.start_phases import Phase, Start, read_start

LOG = Path(__file__).parents[2] / "data" / "vllm-cpu-start.log"


def test_given_a_real_start_then_its_phases_follow_one_another() -> None:
    start, phases = Start(), []
    for line in LOG.read_text(encoding="utf-8").splitlines():
        start = read_start([line], start)
        assert not start.failed, line
        phases.append(start.phase)
    assert [phase for phase, _ in groupby(phases)] == [
        Phase.STARTING,
        Phase.LOADING,
        Phase.PROFILING,
        Phase.WARMING,
        Phase.READY,
    ]
    assert not start.error
