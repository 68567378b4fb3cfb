"""A parent that is killed leaves no speech worker behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.speech import human_speech, recogniser_dir

_PARENT = """
import asyncio, sys
from pathlib import Path
from strixdesk.core.audio import Utterance
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.stt import SpeechRecogniser
import numpy as np

async def main():
    recogniser = SpeechRecogniser(Path(sys.argv[1]), language="en", threads=1)
    await recogniser.ensure_ready()
    if sys.argv[2] == "decoding":
        begun = asyncio.Event()
        speech = np.tile(read_recording(Path(sys.argv[3])).utterance.samples, 30)
        job = recogniser.transcribe(Utterance("u", speech), lambda done: done and begun.set())
        task = asyncio.create_task(job)
        await begun.wait()
    print(recogniser.worker_pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def _alive(pid: int) -> bool:
    """Running, or stopped; a zombie that nobody has collected yet is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.engine
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("worker_is", ["idle", "decoding", "stopped"])
def test_a_worker_goes_with_a_parent_that_is_killed(worker_is: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(recogniser_dir()), worker_is, str(human_speech())],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        if worker_is == "stopped":
            os.kill(pid, signal.SIGSTOP)
    finally:
        parent.kill()
        parent.communicate()
    deadline = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)
