from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from strixdesk.core.errors import AudioOutputError
from strixdesk.voice.devices import inputs, outputs, probe_input, probe_output
from strixdesk.voice.portaudio import PortAudio
from tests.support.soundcard import SoundCard, said


@pytest.mark.sound
def test_microphones_and_speakers_are_listed_with_one_default(soundcard: SoundCard) -> None:
    for devices in (inputs(), outputs()):
        assert "pulse" in [device.name for device in devices]
        assert sum(device.is_default for device in devices) == 1
        assert all(device.rate_hz > 0 and device.channels > 0 for device in devices)


@pytest.mark.sound
def test_a_microphone_in_which_somebody_speaks_has_a_level(
    soundcard: SoundCard, tmp_path: Path
) -> None:
    wav = said("Testing, testing, one two three four five six seven. " * 5, tmp_path / "a.wav")
    with soundcard.speaking(wav) as player:
        probe = probe_input(None, 1.0)
        while probe.all_zero and player.poll() is None:  # the player is not up yet
            probe = probe_input(None, 1.0)
    assert probe.error is None
    assert not probe.all_zero
    assert -60 < probe.level_db < 0


@pytest.mark.sound
def test_a_silent_virtual_microphone_gives_only_zeros(soundcard: SoundCard) -> None:
    probe = probe_input("pulse", 0.3)
    assert (probe.error, probe.all_zero, probe.level_db) == (None, True, -120.0)


@pytest.mark.sound
def test_a_working_speaker_says_its_rate_and_latency(soundcard: SoundCard) -> None:
    probe = probe_output(None)
    assert probe.error is None
    assert probe.rate_hz >= 44_100
    assert 0.01 < probe.latency_s < 0.5


@pytest.mark.sound
def test_without_a_sound_server_each_probe_says_what_to_do(soundcard: SoundCard) -> None:
    soundcard.kill()
    assert inputs() == () == outputs()
    for error in (probe_input(None).error, probe_output(None).error):
        assert error is not None
        assert "was found" in error.message
        assert error.advice.startswith("Connect one")


def test_a_missing_portaudio_library_is_named_with_the_line_that_installs_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from strixdesk.voice.devices import probe_input\n"
        "print(probe_input(None).error.sentence())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "PortAudio library" in done.stdout
    assert "libportaudio2" in done.stdout or "brew install portaudio" in done.stdout


def test_a_call_that_hangs_is_left_behind_and_the_next_one_works() -> None:
    portaudio = PortAudio()
    released = threading.Event()
    with pytest.raises(TimeoutError):
        portaudio.call(released.wait, timeout_s=0.05)
    assert portaudio.call(lambda: "alive", timeout_s=60) == "alive"
    released.set()


def test_what_a_call_raises_reaches_whoever_asked() -> None:
    def refuse() -> None:
        raise AudioOutputError("no")

    with pytest.raises(AudioOutputError, match="no"):
        PortAudio().call(refuse, timeout_s=60)
