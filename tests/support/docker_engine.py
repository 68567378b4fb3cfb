"""A docker engine of the tests' own: private folders, no bridge, no firewall rules, no registry."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = "strixdesk/servers:test"
_ROOT = Path(__file__).parents[2]
_SERVER = Path(__file__).parent / "stack_server.py"
_READY_S = 90.0
# No password entry, no profile: what a container sees beyond this are the host's own read-only
# folders, so that the image is a few kilobytes and a server needs no second installation.
_FOLDERS = ("usr", "tmp", "etc", "models", "proc", "sys", "dev", "root", "app/bin", "var/tmp")
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_HEALTHY = '#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/$1 || exit 1\n\
printf "GET /health HTTP/1.0\\r\\n\\r\\n" >&3\nread -r -t 2 line <&3; [[ $line == *" 200 "* ]]\n'


class DockerEngine:
    """Its daemon can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        plugins = folder / "config" / "cli-plugins"
        plugins.mkdir(parents=True)
        ours = _ROOT / ".cache" / "docker" / "cli-plugins" / "docker-compose"
        if ours.exists():
            (plugins / "docker-compose").symlink_to(ours)
        self.environment = {
            "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
            "DOCKER_CONFIG": str(folder / "config"),
            "DOCKER_BUILDKIT": "0",
        }

    def start(self) -> None:
        """Raises RuntimeError where no daemon can run."""
        with (self.folder / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    "dockerd", "--data-root", str(self.folder / "data"),
                    "--exec-root", str(self.folder / "exec"),
                    "--pidfile", str(self.folder / "pid"),
                    "-H", self.environment["DOCKER_HOST"],
                    "--iptables=false", "--ip6tables=false", "--bridge=none",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._daemon.poll() is None:
            if self.run("version", check=False).returncode == 0:
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError((self.folder / "dockerd.log").read_text()[-500:])

    def stop(self) -> None:
        """In good order: containers end; the daemon starts them again if their policy says so."""
        if self._daemon:
            self._daemon.send_signal(signal.SIGTERM)
            try:
                self._daemon.wait(60)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
            self._daemon = None

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def containers(self, project: str, *, running: bool = False) -> list[str]:
        """Names of a project's containers."""
        which = [] if running else ["-a"]
        label = f"label=com.docker.compose.project={project}"
        return self.run("ps", *which, "--filter", label, "--format", "{{.Names}}").stdout.split()

    def remove(self, project: str) -> None:
        if names := self.containers(project):
            self.run("rm", "-f", *names, check=False)

    def make_image(self) -> None:
        subprocess.run(
            ["docker", "import", "--change", "ENV PATH=/app/bin:/usr/bin:/usr/sbin", "-", IMAGE],
            env=os.environ | self.environment,
            input=_image(),
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def clean(self) -> None:
        self.stop()
        mounts = Path("/proc/mounts").read_text().splitlines()
        for place in [line.split()[1] for line in mounts if str(self.folder) in line]:
            subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _image() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for folder in _FOLDERS:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        for name, target in _LINKS.items():
            link = _entry(name, tarfile.SYMTYPE, 0o777)
            link.linkname = target
            tar.addfile(link)
        server = f"#!{sys.base_prefix}/bin/python3 -I\n{_SERVER.read_text()}"
        programs = {"vllm": server, "llama-server": server, "healthy": _HEALTHY}
        for name, text in programs.items():
            data = text.encode()
            entry = _entry(f"app/bin/{name}", tarfile.REGTYPE, 0o755)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return whole.getvalue()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """Skips, loudly, where no engine can run."""
    folder = Path(tempfile.mkdtemp(prefix="strixdesk-docker-"))
    engine = DockerEngine(folder)
    with contextlib.ExitStack() as ending:
        ending.callback(engine.clean)
        try:
            engine.start()
            engine.run("compose", "version")
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            why = f"NO DOCKER ENGINE HERE, THE TESTS OF THE BOX DID NOT RUN: {error}"
            print(why, file=sys.__stderr__)  # not only in the summary
            pytest.skip(why)
        engine.make_image()
        yield engine
