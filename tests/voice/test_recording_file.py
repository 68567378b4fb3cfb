"""Reading whatever sound file a person has, and writing recordings."""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples
from strixdesk.core.errors import AudioInputError
from strixdesk.voice.recording_file import read_recording, write_wav
from tests.support.speech import human_speech


def _tone(seconds: float, rate_hz: int = SPEECH_RATE_HZ) -> Samples:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.asarray(0.5 * np.sin(2 * np.pi * 440 * t), np.float32)


def _loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) * SPEECH_RATE_HZ / len(samples)


@pytest.mark.parametrize("encoding", ["-b 8 -e unsigned", "-b 16", "-b 24", "-b 32", "-e float"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (8_000, 1), (48_000, 1)])
def test_any_wav_becomes_16_khz_mono(
    tmp_path: Path, encoding: str, rate_hz: int, channels: int
) -> None:
    path = tmp_path / "tone.wav"
    shape = f"-r {rate_hz} -c {channels} {encoding}".split()
    synth = ["synth", "1.5", "sine", "440", "gain", "-6"]
    subprocess.run(["sox", "-n", *shape, str(path), *synth], check=True)
    utterance = read_recording(path)
    assert utterance.rate_hz == SPEECH_RATE_HZ
    assert utterance.samples.dtype == np.float32
    assert utterance.duration_s == pytest.approx(1.5, abs=0.02)
    assert _loudest_hz(utterance.samples) == pytest.approx(440, abs=3)
    assert 0.3 < np.abs(utterance.samples).max() <= 0.8


def test_two_channels_are_mixed_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "right.wav"
    interleaved = np.zeros((8000, 2), "<i2")
    interleaved[:, 1] = (_tone(0.5) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(SPEECH_RATE_HZ)
        out.writeframes(interleaved.tobytes())
    assert np.abs(read_recording(path).samples).max() > 0.2


def test_flac_is_read_too() -> None:
    assert read_recording(human_speech()).duration_s == pytest.approx(11.0, abs=0.05)


def test_a_name_that_looks_like_an_option_or_an_address_is_still_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(Path("concat:a.wav"), _tone(0.2), SPEECH_RATE_HZ)
    assert read_recording(Path("concat:a.wav")).duration_s == pytest.approx(0.2, abs=0.02)


def test_a_truncated_wav_gives_what_is_there(tmp_path: Path) -> None:
    whole = tmp_path / "whole.wav"
    write_wav(whole, _tone(4.0), SPEECH_RATE_HZ)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[: 44 + 2 * SPEECH_RATE_HZ + 1])
    assert read_recording(cut).duration_s == pytest.approx(1.0, abs=0.05)


def test_a_truncated_flac_gives_what_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = human_speech().read_bytes()
    cut = tmp_path / "cut.flac"
    cut.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        assert 3.0 < read_recording(cut).duration_s < 8.0


def test_floats_that_are_not_numbers_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    samples = _tone(0.5)
    samples[100:200] = np.nan
    samples[300] = np.inf
    data = samples.tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        SPEECH_RATE_HZ,
        SPEECH_RATE_HZ * 4,
        4,
        32,
        b"data",
        len(data),
    )
    path.write_bytes(header + data)
    assert np.isfinite(read_recording(path).samples).all()


def _write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "given.wav"
    path.write_bytes(content)
    return path


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(AudioInputError, match=r"given\.wav is empty"):
        read_recording(_write(tmp_path, b""))


@pytest.mark.parametrize("content", [b"Dear diary, today\n" * 50, b"RIFF", b"\x00" * 5000])
def test_what_is_not_sound_is_called_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(AudioInputError, match="is not a sound file") as caught:
        read_recording(_write(tmp_path, content))
    assert "WAV, FLAC" in caught.value.advice


def test_a_picture_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    subprocess.run(["convert", "-size", "8x8", "xc:red", str(path)], check=True)
    with pytest.raises(AudioInputError, match=r"no sound in it|not a sound file"):
        read_recording(path)


def test_a_wav_without_samples_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "given.wav"
    write_wav(path, _tone(0), SPEECH_RATE_HZ)
    with pytest.raises(AudioInputError, match="no samples"):
        read_recording(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(AudioInputError, match="There is no file"):
        read_recording(tmp_path / "gone.wav")
    with pytest.raises(AudioInputError, match="is a folder"):
        read_recording(tmp_path)


def test_a_playlist_does_not_make_us_open_other_files(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", _tone(0.3), SPEECH_RATE_HZ)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", str(tmp_path / "secret.wav")]
    with pytest.raises(AudioInputError, match="is not a sound file"):
        read_recording(_write(tmp_path, "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()))


def test_a_pipe_does_not_freeze_the_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioInputError, match="is not a file"):
        read_recording(tmp_path / "pipe.wav")


def test_more_than_an_hour_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    subprocess.run(
        ["sox", "-n", "-r", "8000", "-b", "8", str(path), "trim", "0", "61:00"], check=True
    )
    with pytest.raises(AudioInputError, match="longer than 60 minutes"):
        read_recording(path)


def test_a_recording_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "own.wav"
    tone = _tone(0.7)
    write_wav(path, tone, SPEECH_RATE_HZ)
    np.testing.assert_allclose(read_recording(path).samples, tone, atol=2e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.wav"]


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    write_wav(path, np.array([2.0, -2.0] * 100, np.float32), SPEECH_RATE_HZ)
    read = read_recording(path).samples
    assert read[0] > 0.99
    assert read[1] < -0.99


def test_a_write_that_fails_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    path = tmp_path / "own.wav"
    write_wav(path, _tone(0.1), SPEECH_RATE_HZ)
    before = path.read_bytes()
    with pytest.raises(wave.Error):
        write_wav(path, _tone(0.1), 0)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.wav"]
