from __future__ import annotations

from tests.support.soundcard import soundcard, soundcard_server

__all__ = ["soundcard", "soundcard_server"]
