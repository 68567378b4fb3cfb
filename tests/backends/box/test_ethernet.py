"""The address to wake a machine with, read from its own system."""

from __future__ import annotations

from pathlib import Path

import pytest

from strixdesk.backends.box.ethernet import read_ethernet_address
from strixdesk.backends.box.local_shell import LocalShell

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask
tailscale0\t0000A064\t00000000\t0001\t0\t0\t0\t0000C0FF
enp191s0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Its /proc and /sys, with a wired card."""
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/route").write_text(ROUTES)
    card = tmp_path / "sys/class/net/enp191s0"
    (card / "device").mkdir(parents=True)
    (card / "address").write_text("9C:BF:0D:00:12:34\n")
    return tmp_path


async def read(machine: Path) -> str | None:
    return await read_ethernet_address(LocalShell(), root=str(machine))


async def test_the_card_of_the_default_route_is_the_one(machine: Path) -> None:
    assert await read(machine) == "9c:bf:0d:00:12:34"


async def test_a_wlan_card_is_not_offered(machine: Path) -> None:
    (machine / "sys/class/net/enp191s0/wireless").mkdir()
    assert await read(machine) is None


async def test_a_bridge_is_not_offered(machine: Path) -> None:
    (machine / "sys/class/net/enp191s0/device").rmdir()
    assert await read(machine) is None


@pytest.mark.parametrize("routes", ["", ROUTES.splitlines()[0] + "\n"])
async def test_without_a_default_route_there_is_none(machine: Path, routes: str) -> None:
    (machine / "proc/net/route").write_text(routes)
    assert await read(machine) is None


async def test_of_another_system_nothing_is_told(tmp_path: Path) -> None:
    assert await read(tmp_path) is None


async def test_this_machines_own_is_one_of_its_cards() -> None:
    told = await read_ethernet_address(LocalShell())
    cards = (await LocalShell().run(["sh", "-c", "cat /sys/class/net/*/address"])).out.split()
    assert told is None or told in cards
