from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from strixdesk.backends.box.hops import judge_compose, look
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.tailscale import TailscaleStatus
from strixdesk.core.box import Box, HopKind, HopState
from strixdesk.core.errors import BoxUnreachable

HERE = Box("here")
FAR = Box("far", host="192.0.2.1")
TAILNET = Box("tailnet", host="100.101.10.2")
WELL = 'case "$1" in version) echo 28.1.0;; *) echo 2.40.3;; esac'


class LostShell(LocalShell):
    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        raise BoxUnreachable("“far” does not answer.", "Is it switched on?", hop="ssh")


def shell_with_docker(folder: Path, script: str = WELL) -> LocalShell:
    """Its `docker` is a script; the rest is this machine's."""
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return LocalShell({"PATH": f"{folder}:{os.environ['PATH']}"})


async def no_tailscale() -> TailscaleStatus | None:
    return None


async def test_this_machine_has_only_docker(tmp_path: Path) -> None:
    (docker,) = await look(HERE, shell_with_docker(tmp_path), read=no_tailscale)
    assert (docker.kind, docker.state) == (HopKind.DOCKER, HopState.OK)
    assert docker.detail == "Docker 28.1.0. Compose 2.40.3."
    assert docker.latency_ms is not None


async def test_a_box_outside_of_tailscale_has_ssh_and_docker(tmp_path: Path) -> None:
    hops = await look(FAR, shell_with_docker(tmp_path), read=no_tailscale)
    assert [(one.kind, one.state) for one in hops] == [
        (HopKind.SSH, HopState.OK),
        (HopKind.DOCKER, HopState.OK),
    ]


async def test_nothing_is_tried_behind_a_broken_hop() -> None:
    hops = await look(TAILNET, LostShell(), read=no_tailscale)
    assert [(one.kind, one.state) for one in hops] == [
        (HopKind.TAILSCALE, HopState.FAILED),
        (HopKind.SSH, HopState.UNKNOWN),
        (HopKind.DOCKER, HopState.UNKNOWN),
    ]


async def test_what_ssh_says_is_the_detail() -> None:
    ssh, docker = await look(FAR, LostShell(), read=no_tailscale)
    assert ssh.state is HopState.FAILED
    assert ssh.detail == "“far” does not answer. Is it switched on?"
    assert docker.state is HopState.UNKNOWN


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'permission denied while trying to connect' >&2; exit 1", "group"),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "daemon is not running"),
        ("echo 'docker: not found' >&2; exit 127", "not installed"),
        ('[ "$1" = version ] && echo 28 || exit 1', "Compose is not"),
    ],
)
async def test_docker_that_does_not_work_says_what_to_do(
    tmp_path: Path, script: str, words: str
) -> None:
    (docker,) = await look(HERE, shell_with_docker(tmp_path, script), read=no_tailscale)
    assert docker.state is HopState.FAILED
    assert words in docker.detail.replace("usermod -aG docker", "group")


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("2.19.9", HopState.IMPAIRED),
        ("v2.20.0", HopState.OK),
        ("2.40.3-desktop.1", HopState.OK),
        ("5.0.0", HopState.OK),
        ("dev", HopState.FAILED),
    ],
)
def test_compose_is_judged_by_its_version(version: str, state: HopState) -> None:
    assert judge_compose(Completed(0, f"{version}\n", ""))[0] is state
