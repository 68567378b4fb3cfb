"""A sound card made of software: a private PulseAudio with a microphone and a speaker."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import wave
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.audio import Samples

MODULES = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink norewinds=1 sink_name=spk rate=48000 channels=2
load-module module-null-sink norewinds=1 sink_name=micin rate=48000 channels=1
load-module module-remap-source source_name=mic master=micin.monitor
set-default-sink spk
set-default-source mic
"""
HEAR_RATE_HZ = 16_000


class SoundCard:
    """Its server can be killed and started again, as users' servers are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "run" / "native"
        self._server: subprocess.Popen[bytes] | None = None
        self.environment = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_SERVER": f"unix:{self._socket}",
        }
        (folder / "run").mkdir(mode=0o700, exist_ok=True)

    # -- the server ----------------------------------------------------------------------------

    def start(self) -> None:
        """Idempotent: also brings back a server that died in a busy spell."""
        if self._server and self._server.poll() is None and self._answers():
            return
        self.kill()
        script = self._folder / "test.pa"
        script.write_text(MODULES.format(socket=self._socket))
        for _attempt in range(3):
            self._server = subprocess.Popen(
                [
                    "pulseaudio", "-n", "--daemonize=no", "--realtime=no",
                    "--high-priority=no", "--no-cpu-limit=yes", "--exit-idle-time=-1",
                    "--use-pid-file=no", "--disable-shm=yes",
                    f"--log-target=file:{self._folder / 'pulse.log'}", "-F", str(script),
                ],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            deadline = time.monotonic() + 25
            while time.monotonic() < deadline and self._server.poll() is None:
                if self._answers():
                    return
                time.sleep(0.02)
            self.kill()
        raise RuntimeError("the virtual sound card does not start")

    def kill(self) -> None:
        """As a crash would."""
        if self._server:
            self._server.kill()
            self._server.wait()
            self._server = None
        self._socket.unlink(missing_ok=True)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server is there and does nothing."""
        assert self._server
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            done = subprocess.run(
                ["pactl", "list", "short", "sources"],
                env={**os.environ, **self.environment},
                capture_output=True,
                timeout=10,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and b"mic\t" in done.stdout

    # -- what happens in the room --------------------------------------------------------------

    @contextlib.contextmanager
    def speaking(self, path: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A WAV that plays into the microphone meanwhile."""
        player = subprocess.Popen(
            ["paplay", "--device=micin", "--latency-msec=300", str(path)],
            env={**os.environ, **self.environment},
        )
        try:
            yield player
        finally:
            player.kill()
            player.wait()

    def speak(self, path: Path) -> None:
        """Play a WAV into the microphone, to its end."""
        with self.speaking(path) as player:
            if player.wait(timeout=120) != 0:
                raise RuntimeError(f"paplay could not play {path}")

    @contextlib.contextmanager
    def hear(self) -> Iterator[Heard]:
        """Record the speaker meanwhile."""
        heard = Heard(self)
        try:
            yield heard
        finally:
            heard.stop()


class Heard:
    """What the speaker gives, from when it was made: 16 kHz mono."""

    def __init__(self, card: SoundCard) -> None:
        handle, name = tempfile.mkstemp(suffix=".raw", dir=card.environment["HOME"])
        self._path = Path(name)
        self._recorder = subprocess.Popen(
            [
                "parec", "--device=spk.monitor", f"--rate={HEAR_RATE_HZ}", "--channels=1",
                "--format=s16le", "--latency-msec=20",
            ],
            env={**os.environ, **card.environment},
            stdout=handle,
        )  # fmt: skip
        os.close(handle)
        deadline = time.monotonic() + 30
        while not self._path.stat().st_size:
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the speaker's monitor gives nothing")
            time.sleep(0.01)

    def samples(self) -> Samples:
        """So far."""
        raw = np.frombuffer(self._path.read_bytes(), dtype="<i2")
        return (raw / 32768).astype(np.float32)

    def stop(self) -> None:
        self._recorder.terminate()
        self._recorder.wait()


def write_wav(path: Path, samples: Samples, rate_hz: int) -> Path:
    """16-bit mono."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> tuple[Samples, int]:
    with wave.open(str(path), "rb") as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return (raw / 32768).astype(np.float32), file.getframerate()


@pytest.fixture(scope="session")
def soundcard_server() -> Generator[SoundCard, None, None]:
    """One server for all tests; its environment is set for the whole run."""
    if not shutil.which("pulseaudio"):
        pytest.skip("needs pulseaudio: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    folder = Path(tempfile.mkdtemp(prefix="strixdesk-sound-"))
    card = SoundCard(folder)
    former = {name: os.environ.get(name) for name in card.environment if name != "HOME"}
    os.environ.update({k: v for k, v in card.environment.items() if k != "HOME"})
    try:
        with _served_first():
            card.start()
        yield card
    finally:
        card.kill()
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def soundcard(soundcard_server: SoundCard) -> Iterator[SoundCard]:
    """Up and well, whatever the test before did to it; and served before others meanwhile, as sound
    is everywhere: on a machine that is busy with other things samples would be lost."""
    with _served_first():
        soundcard_server.start()
        yield soundcard_server


@contextlib.contextmanager
def _served_first() -> Iterator[None]:
    """This thread, and the threads and processes that it starts. Only root may ask for that."""
    former = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, former)


def said(words: str, path: Path, *, before_s: float = 0.0, after_s: float = 0.0) -> Path:
    """Words as a WAV at 22,050 Hz, by a plain formant voice, with silences around them."""
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "160", "-w", str(path), words], check=True)
    samples, rate_hz = read_wav(path)
    silences = [np.zeros(round(s * rate_hz), dtype=np.float32) for s in (before_s, after_s)]
    return write_wav(path, np.concatenate((silences[0], samples, silences[1])), rate_hz)
