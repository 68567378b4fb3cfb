from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.audio import AudioFrame
from strixdesk.core.errors import AudioOutputError
from strixdesk.voice.wav_sink import WavSink
from tests.support.fakes import tone
from tests.support.soundcard import read_wav


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_file_holds_what_was_written_once_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    sink = WavSink(path)
    await sink.open()
    await sink.write(AudioFrame(tone(0.25, 22_050), 22_050, 0, "turn"))
    await sink.write(AudioFrame(tone(0.25, 22_050), 22_050, 0, "turn"))
    assert not path.exists()
    await sink.drain()
    await sink.close()
    samples, rate_hz = read_wav(path)
    assert rate_hz == 22_050
    assert np.allclose(samples, np.tile(tone(0.25, 22_050), 2), atol=1e-4)
    assert sink.played_s("turn") == pytest.approx(0.5, abs=1e-3)
    assert names_in(tmp_path) == ["answer.wav"]


async def test_a_frame_of_another_rate_is_converted(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "a.wav")
    await sink.write(AudioFrame(tone(0.5, 22_050), 22_050, 0, "turn"))
    await sink.write(AudioFrame(tone(0.5, 16_000), 16_000, 0, "turn"))
    await sink.close()
    samples, rate_hz = read_wav(tmp_path / "a.wav")
    assert len(samples) / rate_hz == pytest.approx(1.0, abs=0.001)


async def test_nothing_written_leaves_no_file(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "a.wav")
    await sink.open()
    await sink.close()
    assert names_in(tmp_path) == []


async def test_an_earlier_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"earlier")
    sink = WavSink(path)
    await sink.write(AudioFrame(tone(0.1), 16_000, 0, "turn"))
    assert path.read_bytes() == b"earlier"
    await sink.close()
    assert read_wav(path)[1] == 16_000


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("nowhere/a.wav", "No such file or directory"),
        ("file/a.wav", "Not a directory"),
        ("folder", "Is a directory"),
        ("/proc/a.wav", "No such file or directory"),
    ],
)
async def test_a_place_that_takes_no_file_is_explained_before_there_is_sound(
    tmp_path: Path, place: str, why: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(AudioOutputError, match=why) as refused:
        await WavSink(tmp_path / place).open()
    assert "folder exists" in refused.value.advice


async def test_a_folder_that_is_gone_meanwhile_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = WavSink(folder / "a.wav")
    await sink.open()
    folder.rmdir()
    with pytest.raises(AudioOutputError, match="No such file or directory") as refused:
        await sink.write(AudioFrame(tone(0.1), 16_000, 0, "turn"))
    assert "folder exists" in refused.value.advice
