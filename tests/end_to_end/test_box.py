"""A box as a person runs it from the command line: real docker, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strixdesk.backends.starter import find_starter_model
from tests.support.box_stack import (
    CPU,
    ORCHESTRATOR,
    REVIEWER,
    UTILITY,
    BoxStack,
    environment,
    write_stack,
)
from tests.support.docker_engine import DockerEngine

pytestmark = [pytest.mark.engine, pytest.mark.slow]


class Desk:
    """A stack on this machine, and a settings file that names it."""

    def __init__(self, stack: BoxStack, folder: Path) -> None:
        self.stack = stack
        self._folder = folder
        (folder / "settings.toml").write_text(
            '[starter]\nenabled = "never"\n'
            f'[[boxes]]\nname = "here"\nstack = "{stack.directory}"\nreserve_gb = 0\n'
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        common = ["--config", str(self._folder / "settings.toml")]
        common += ["--data-dir", str(self._folder / "data")]
        return subprocess.Popen(
            [sys.executable, "-m", "strixdesk", *common, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(self.stack.engine),
        )

    def run(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """What it printed, and what it said meanwhile."""
        with self.begin(*arguments) as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == status, out + err
        return out, err

    def json(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.run(*arguments, "--json", status=status)[0])
        return loaded


@pytest.fixture
def desk(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Desk]:
    model = find_starter_model()
    assert model is not None, "the starter extra is not installed"
    folder = tmp_path / f"strix-{os.urandom(4).hex()}"
    folder.mkdir()
    stack = write_stack(docker_engine, folder, dict.fromkeys(CPU, str(model)))
    yield Desk(stack, tmp_path)
    stack.remove()


def test_a_tier_is_started_watched_and_stopped_again(desk: Desk) -> None:
    (box,) = desk.json("box")["boxes"]
    assert box["reachable"]
    assert box["modes"] == ["gpu", "cpu", "full"]
    assert {one["container"] for one in box["services"]} <= {"absent"}

    out, err = desk.run("tiers", "start", "reviewer")
    assert out == f"here: Up: {REVIEWER}.\n"
    assert f"here: Starting {REVIEWER}." in err
    assert "GB" in err.splitlines()[0]
    assert desk.stack.running() == {REVIEWER}

    rows = {row["service"]: row for row in desk.json("tiers")["tiers"]}
    assert (rows[REVIEWER]["box"], rows[REVIEWER]["state"]) == ("here", "ready")
    assert rows[UTILITY]["state"] == "stopped"

    stopped = desk.json("tiers", "stop", "reviewer")
    assert stopped["outcomes"][0]["sentence"] == f"Stopped: {REVIEWER}."
    assert not desk.stack.running()


def test_a_mode_is_brought_up_and_everything_down(desk: Desk) -> None:
    assert "\ncpu   llama_" in desk.run("stack", "modes")[0]
    _, err = desk.run("stack", "up", "turbo", status=1)
    assert "The stack has no mode “turbo”." in err
    assert "It has: gpu, cpu, full." in err
    desk.run("stack", "up", "cpu")
    assert desk.stack.running() == set(CPU)
    desk.run("stack", "up", "cpu")
    assert desk.stack.running() == set(CPU)
    desk.run("stack", "down")
    assert not desk.stack.engine.containers(desk.stack.project)


def test_a_start_that_does_not_fit_is_refused_until_it_is_insisted_on(desk: Desk) -> None:
    desk.stack.write(ORCH_MODEL="Qwen/Qwen2.5-0.5B-Instruct", ORCH_GPU_UTIL="0.99")
    _, err = desk.run("tiers", "start", "orchestrator", status=1)
    assert "ORCH_GPU_UTIL" in err
    assert "To start it all the same: --anyway." in err
    assert not desk.stack.running()
    desk.run("tiers", "start", "orchestrator", "--anyway")
    assert desk.stack.running() == {ORCHESTRATOR}


def test_a_deed_goes_on_when_nobody_reads_of_it_any_more(desk: Desk) -> None:
    with desk.begin("tiers", "start", "reviewer") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        assert process.stdout.read() == f"here: Up: {REVIEWER}.\n"
    assert desk.stack.running() == {REVIEWER}


def test_an_interrupted_start_says_what_is_left_running(desk: Desk) -> None:
    desk.stack.acts(REVIEWER="loading=90")
    with desk.begin("tiers", "start", "reviewer") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(f"here: {REVIEWER}: "):  # its container is up, its server is not
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130, "".join(said) + out + err
    assert f"Cancelled. Left running: {REVIEWER}." in err
    assert desk.stack.running() == {REVIEWER}
