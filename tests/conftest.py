"""What every test stands on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.soundcard import soundcard, soundcard_server

__all__ = ["soundcard", "soundcard_server"]

# How long one example takes says more about the machine than about what is tested.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# A window without a screen, unless a test brings a screen of its own.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Started in the background by a script, this process ignores Ctrl+C, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def human_speech() -> Path:
    """Eleven seconds of a person speaking: tests/data/README.md says who and what."""
    return Path(__file__).parent / "data" / "jfk.flac"
