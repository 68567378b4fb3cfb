from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.box.wake_on_lan import broadcasts, magic_packet, wake
from strixdesk.core.box import Box
from strixdesk.core.errors import BoxError

BOX = Box("strix", host="strix", mac="01:23:45:67:89:ab")


def test_a_packet_is_received_as_it_must_be() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        wake(BOX, [receiver.getsockname()])
        packets = [receiver.recv(2048) for _ in range(2)]
    assert packets == [b"\xff" * 6 + bytes.fromhex("0123456789ab") * 16] * 2


@pytest.mark.parametrize("mac", ["01-23-45-67-89-AB", "0123456789ab"])
def test_an_address_may_be_written_in_other_ways(mac: str) -> None:
    assert magic_packet(mac) == magic_packet("01:23:45:67:89:ab")


@pytest.mark.parametrize("mac", [None, "", "strix", "01:23:45:67:89", "01:23:45:67:89:ab:cd"])
def test_without_a_proper_address_nothing_is_sent(mac: str | None) -> None:
    with pytest.raises(BoxError) as caught:
        wake(replace(BOX, mac=mac))
    assert "`mac`" in caught.value.advice


def test_that_no_network_takes_the_packet_is_told() -> None:
    with pytest.raises(BoxError, match="no network"):
        wake(BOX, [])


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("ip", "2: eth0    inet 192.168.1.5/24 brd 192.168.1.255 scope global dynamic eth0"),
        ("ifconfig", "\tinet 192.168.1.5 netmask 0xffffff00 broadcast 192.168.1.255"),
    ],
)
def test_each_network_has_a_broadcast_address_of_its_own(
    program: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Linux tells it, and as macOS does, which has no `ip`."""
    (tmp_path / program).write_text(f"#!/bin/sh\necho 'lo inet 127.0.0.1/8'\necho '{told}'\n")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broadcasts() == ["192.168.1.255"]


def test_broadcast_addresses_of_this_machine_are_addresses() -> None:
    assert all(socket.inet_aton(address) for address in broadcasts())
