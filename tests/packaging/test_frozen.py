# ruff: noqa: ASYNC240 — nothing else runs on a test's loop while it looks at a file
"""A frozen program has no interpreter: its workers are the program itself with `--worker`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strixdesk.backends.starter import StarterServer
from strixdesk.core.errors import TierError, WorkerError
from strixdesk.voice.worker_process import WorkerProcess


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The arguments that the stand-in for the frozen executable was started with, a line each."""
    program, told = tmp_path / "StrixDesk", tmp_path / "told"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{told}"\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    return told


async def test_given_a_frozen_program_then_a_speech_worker_is_the_program_itself(
    told: Path,
) -> None:
    worker = WorkerProcess("tts", ["--model", "voice.onnx"], name="The voice", threads=1)
    with pytest.raises(WorkerError):
        await worker.ensure_ready()
    await worker.close()
    assert told.read_text().splitlines() == ["--worker", "tts", "--model", "voice.onnx"]


async def test_given_a_frozen_program_then_the_model_server_is_the_program_itself(
    told: Path, tmp_path: Path
) -> None:
    model = tmp_path / "small.gguf"
    model.write_bytes(b"GGUF")
    server = StarterServer(model)
    try:
        await server.launch()
        with pytest.raises(TierError):
            await server.loaded()
    finally:
        await server.close()
    assert told.read_text().splitlines()[:4] == ["--worker", "llama", "--model", str(model)]
