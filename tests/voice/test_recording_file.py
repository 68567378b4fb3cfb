"""Reading whatever sound file a person has, and writing recordings."""

from __future__ import annotations

import os
import struct
import subprocess
import wave
from pathlib import Path

import av
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
    utterance = read_recording(path).utterance
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
    assert np.abs(read_recording(path).utterance.samples).max() > 0.2


def test_flac_is_read_too() -> None:
    assert read_recording(human_speech()).utterance.duration_s == pytest.approx(11.0, abs=0.05)


def test_a_name_that_looks_like_an_option_or_an_address_is_still_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(Path("concat:a.wav"), _tone(0.2), SPEECH_RATE_HZ)
    assert read_recording(Path("concat:a.wav")).utterance.duration_s == pytest.approx(0.2, abs=0.02)


def _cut(tmp_path: Path, whole: Path, length: int) -> Path:
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(whole.read_bytes()[:length])
    return cut


def test_a_truncated_wav_gives_what_is_there_and_says_what_is_missing(tmp_path: Path) -> None:
    whole = tmp_path / "whole.wav"
    write_wav(whole, _tone(4.0), SPEECH_RATE_HZ)
    cut = _cut(tmp_path, whole, 44 + 2 * SPEECH_RATE_HZ + 1)
    recording = read_recording(cut)
    assert recording.utterance.duration_s == pytest.approx(1.0, abs=0.05)
    assert recording.warning == (
        f"{cut} says it holds 4.0 s, 1.0 s are there: the recording is cut off; "
        "what is there is transcribed."
    )
    assert read_recording(whole).warning is None


def test_a_truncated_wav_with_other_chunks_before_its_sound_is_noticed_too(tmp_path: Path) -> None:
    whole = tmp_path / "whole.wav"
    shape = ["-r", "44100", "-c", "2", "-b", "24", "--comment", "a-comment"]
    subprocess.run(["sox", "-n", *shape, str(whole), "synth", "4", "sine", "440"], check=True)
    cut = _cut(tmp_path, whole, whole.stat().st_size // 2)
    assert "says it holds 4.0 s, 2.0 s are there" in (read_recording(cut).warning or "")


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFFF])
def test_a_wav_that_was_written_into_a_pipe_is_not_called_truncated(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "streamed.wav"
    write_wav(path, _tone(0.5), SPEECH_RATE_HZ)
    whole = bytearray(path.read_bytes())
    whole[40:44] = size.to_bytes(4, "little")  # the length of its sound is not known
    path.write_bytes(whole)
    recording = read_recording(path)
    assert recording.utterance.duration_s == pytest.approx(0.5, abs=0.02)
    assert recording.warning is None


def test_a_truncated_flac_gives_what_is_there_and_says_what_is_missing(tmp_path: Path) -> None:
    whole = human_speech()
    cut = _cut(tmp_path, whole, whole.stat().st_size // 2)
    recording = read_recording(cut)
    assert 3.0 < recording.utterance.duration_s < 8.0
    assert "says it holds 11.0 s, 5." in (recording.warning or "")
    assert read_recording(whole).warning is None


def test_a_compressed_film_track_says_its_length_too(tmp_path: Path) -> None:
    whole = tmp_path / "whole.m4a"
    _write_m4a(whole, _tone(4.0))
    assert read_recording(whole).warning is None
    cut = _cut(tmp_path, whole, whole.stat().st_size // 2)
    assert "says it holds 4." in (read_recording(cut).warning or "")


def _write_m4a(path: Path, samples: Samples) -> None:
    """As recorders of telephones do, with the table of contents at the beginning."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        track = out.add_stream("aac", rate=SPEECH_RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.rate = SPEECH_RATE_HZ
        out.mux(track.encode(frame))
        out.mux(track.encode(None))


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
    assert np.isfinite(read_recording(path).utterance.samples).all()


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


def test_a_header_and_nothing_else_is_called_so(tmp_path: Path) -> None:
    whole = tmp_path / "whole.wav"
    write_wav(whole, _tone(4.0), SPEECH_RATE_HZ)
    for length in (12, 20, 36):
        with pytest.raises(AudioInputError, match=r"ends before its sound begins\."):
            read_recording(_cut(tmp_path, whole, length))
    with pytest.raises(AudioInputError, match=r"says it holds 4\.0 s, and none of it can be read"):
        read_recording(_cut(tmp_path, whole, 44))


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
    np.testing.assert_allclose(read_recording(path).utterance.samples, tone, atol=2e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.wav"]


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    write_wav(path, np.array([2.0, -2.0] * 100, np.float32), SPEECH_RATE_HZ)
    read = read_recording(path).utterance.samples
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
