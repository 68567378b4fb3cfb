"""A tier may do anything; the user always learns what happened, and a cut answer is never whole."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.cases import FAULTS
from tests.faults.clients import PATIENT_S, ours, patience
from tests.faults.fault import Fault, recorded
from tests.faults.table import run, table
from tests.support.fault_server import fault_server


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_each_fault_ends_in_a_whole_answer_or_in_a_sentence(fault: Fault) -> None:
    async with fault_server() as server:
        server.on_chat(fault.script)
        async with asyncio.timeout(PATIENT_S / 2):  # a busy machine is no hang
            outcome = await ours(server, patience(fault))
    assert outcome.text == fault.kept or (fault.error and fault.kept in outcome.text)
    if fault.error is None:
        assert outcome.error is None
        assert outcome.end is not None
        assert outcome.end.tool_calls == fault.calls
        return
    assert type(outcome.error) is fault.error
    assert outcome.end is None
    assert bool(outcome.text) == bool(fault.kept)
    assert fault.says in outcome.error.sentence()
    assert outcome.error.advice, "it says what to do"
    assert ("What came is kept" in outcome.error.advice) == bool(fault.kept)
    assert outcome.error.message.endswith("."), "a whole sentence"
    assert "“box”" in outcome.error.message or "127.0.0.1" in outcome.error.message


def test_the_suite_covers_what_is_promised() -> None:
    assert len(FAULTS) >= 60
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert b'"n_ctx":1024' in recorded("llama/overflow.json").replace(b" ", b"")


async def test_the_table_shows_who_notices() -> None:
    names = {"CRLF", "ends in mid-answer", "[DONE] without a reason"}
    lines = await run([fault for fault in FAULTS if fault.name in names], PATIENT_S / 4)
    assert all(seen[0].noticed(fault) for fault, seen in lines)
    told = table(lines)
    assert names <= {line.split("  ")[0] for line in told.splitlines()}
    assert "TAKES IT FOR WHOLE" in told, "as openai-python does"
