"""A docker that refuses, is missing, too old or hangs: a script in its place."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.box.keeper import BoxPace
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.http import make_http_client
from strixdesk.core.box import Box, BoxStatus, ContainerState, Deed, HopKind, OperationState
from strixdesk.core.errors import BoxError, BoxUnreachable
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.stack import Engine, Mode, Service, Stack
from tests.support.box_client import HASTE, TestWorld

CODER = Service("vllm_coder", Engine.OTHER, "coder")
EXITED = (
    '{"service":"vllm_coder","id":"c0de","state":{"Status":"exited","ExitCode":1,"OOMKilled":false,'
    '"Error":"","StartedAt":"2026-11-21T08:00:00Z"},"restarts":0}'
)


class FakeStack(TestWorld):
    """A stack that is known already, wherever it lies."""

    __test__ = False
    folder = ""

    async def stack(self, shell: Shell, box: Box) -> Stack:
        mode = Mode("gpu", ("-f", "vllm.yml"), (CODER.name,), project="strix")
        return Stack(self.folder, None, (CODER,), (mode,))


class ScriptedBox:
    def __init__(self, watch: BoxWatch, box: Box, folder: Path) -> None:
        self.watch = watch
        self.box = box
        self._program = folder / "bin" / "docker"

    def docker(self, script: str) -> None:
        """What stands in docker's place."""
        self._program.write_text(f"#!/bin/sh\n{script}\n")
        self._program.chmod(0o755)

    async def look(self) -> BoxStatus:
        return await self.watch.refresh(self.box)


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[ScriptedBox]:
    (tmp_path / "bin").mkdir()
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    box = Box("box", stack=str(tmp_path))
    async with make_http_client() as http:
        world = FakeStack(http, _unasked)  # type: ignore[arg-type]
        world.folder = str(tmp_path)
        watch = BoxWatch(
            [box],
            lambda _: LocalShell(environment),
            world,
            wake=print,
            pace=BoxPace(),
            patience=replace(HASTE, stalled_s=5),
        )
        yield ScriptedBox(watch, box, tmp_path)
        await watch.close()


async def _unasked(*_: object) -> None:
    """The tests' world answers itself."""


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            'echo "Cannot connect to the Docker daemon at unix:///docker.sock." >&2; exit 1',
            "daemon is not running",
        ),
        (
            'echo "permission denied while trying to connect to the socket" >&2; exit 1',
            "may not use docker",
        ),
        ('echo "the moon is in the wrong phase" >&2; exit 7', "the moon is in the wrong phase"),
    ],
)
async def test_what_docker_refuses_is_told_as_the_broken_hop(
    scripted: ScriptedBox, script: str, sentence: str
) -> None:
    scripted.docker(script)
    broken = (await scripted.look()).broken
    assert broken is not None
    assert broken.kind is HopKind.DOCKER
    assert sentence in broken.detail
    with pytest.raises(BoxUnreachable, match=sentence):
        await scripted.watch.do(scripted.box, Deed.START)


async def test_a_box_without_docker_says_so(scripted: ScriptedBox) -> None:
    scripted.docker('echo "sh: 1: docker: not found" >&2; exit 127')
    broken = (await scripted.look()).broken
    assert broken is not None
    assert "Docker is not installed there" in broken.detail


async def test_a_compose_that_is_too_old_says_what_to_install(scripted: ScriptedBox) -> None:
    scripted.docker(
        "case $1 in ps) exit 0 ;; esac\n"
        "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1"
    )
    operation = await scripted.watch.do(scripted.box, Deed.START, override=True)
    assert operation.state is OperationState.FAILED
    assert "docker-compose-plugin" in operation.step


async def test_what_compose_refuses_is_quoted(scripted: ScriptedBox) -> None:
    scripted.docker('case $1 in ps) ;; *) echo "no space left on device" >&2; exit 18 ;; esac')
    operation = await scripted.watch.do(scripted.box, Deed.START, override=True)
    assert operation.state is OperationState.FAILED
    assert "no space left on device" in operation.step


async def test_a_start_may_fetch_its_image_for_as_long_as_that_gets_on(
    scripted: ScriptedBox,
) -> None:
    scripted.docker(
        "case $1 in ps) exit 0 ;; esac\n"
        "for part in 1 2 3 4; do echo layer Downloading $part; sleep 1.4; done\n"
        "echo manifest unknown; exit 1"
    )
    steps: list[str] = []

    def see(event: BoxChanged | BoxesChanged) -> None:
        if isinstance(event, BoxChanged) and event.status.operation:
            steps.append(event.status.operation.step)

    scripted.watch.subscribe(see)
    operation = await scripted.watch.do(scripted.box, Deed.START)
    assert "Fetching the image of vllm_coder: layer Downloading 4" in steps
    assert "failed: “manifest unknown”" in operation.step


async def test_a_download_that_stalls_is_given_up(scripted: ScriptedBox) -> None:
    scripted.docker("case $1 in ps) ;; *) echo pulling; exec sleep 60 ;; esac")
    operation = await scripted.watch.do(scripted.box, Deed.PULL)
    assert operation.state is OperationState.FAILED
    assert "stalled" in operation.step


async def test_warnings_of_docker_are_not_taken_for_containers(scripted: ScriptedBox) -> None:
    scripted.docker(
        'case $1 in ps) echo "WARNING: no -such --config" >&2; echo c0de ;;\n'
        f"inspect) [ $# = 4 ] && echo '{EXITED}' ;; esac"
    )
    (service,) = (await scripted.look()).services
    assert service.container is ContainerState.EXITED


async def test_a_container_that_ended_with_an_error_tells_its_last_words(
    scripted: ScriptedBox,
) -> None:
    scripted.docker(
        f"case $1 in ps) echo c0de ;; inspect) echo '{EXITED}' ;;\n"
        'logs) echo "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2 GiB." ;; esac'
    )
    status = (await scripted.look()).service("vllm_coder")
    assert status is not None
    assert (status.container, status.exit_code) == (ContainerState.EXITED, 1)
    assert "HIP out of memory" in status.last_error


async def test_nonsense_of_docker_is_no_container(scripted: ScriptedBox) -> None:
    scripted.docker("case $1 in ps) echo c0de ;; *) echo '{{{{'; exit 1 ;; esac")
    status = (await scripted.look()).service("vllm_coder")
    assert status is not None
    assert status.container is ContainerState.ABSENT


async def test_a_box_without_an_ethernet_address_cannot_be_woken(scripted: ScriptedBox) -> None:
    with pytest.raises(BoxError, match="cannot be woken"):
        await scripted.watch.wake(scripted.box)
