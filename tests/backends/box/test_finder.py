from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strixdesk.backends.box.finder import find_peers, ssh_hosts
from strixdesk.backends.box.tailscale import TailscaleStatus, parse_tailscale
from strixdesk.core.box_setup import Peer

STATUS = Path(__file__).parents[2] / "data" / "tailscale" / "status.json"


@pytest.fixture
def ssh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".ssh"
    folder.mkdir()
    return folder


async def network() -> TailscaleStatus | None:
    return parse_tailscale(STATUS.read_text())


async def no_network() -> TailscaleStatus | None:
    return None


async def test_peers_that_are_online_come_first(ssh_folder: Path) -> None:
    assert await find_peers(read=network) == (
        Peer("strix", "strix.tail1a2b3.ts.net", True, "linux"),
        Peer("nas", "nas.tail1a2b3.ts.net", False, "linux"),
    )


async def test_hosts_of_ssh_follow_and_are_not_named_twice(ssh_folder: Path) -> None:
    (ssh_folder / "config").write_text("Host strix attic\n  User sam\n")
    assert (await find_peers(read=network))[2:] == (Peer("attic", "attic", None),)


async def test_with_nothing_there_nothing_is_found(ssh_folder: Path) -> None:
    assert await find_peers(read=no_network) == ()


def test_patterns_are_no_hosts(ssh_folder: Path) -> None:
    config = ssh_folder / "config"
    config.write_text('Host *\nHost box !other "my box" web?\nhost=equals\n# Host comment\n')
    assert ssh_hosts(config) == ["box", "my box", "equals"]


def test_included_files_count_too(ssh_folder: Path) -> None:
    (ssh_folder / "more").mkdir()
    (ssh_folder / "more" / "one").write_text("Host inner\n")
    config = ssh_folder / "config"
    config.write_text("Include more/*\nInclude ~nobody-of-that-name/x\nHost outer\n")
    assert ssh_hosts(config) == ["inner", "outer"]


def test_a_file_that_includes_itself_is_read_to_an_end(ssh_folder: Path) -> None:
    config = ssh_folder / "config"
    config.write_text("Host box\nInclude config\n")
    assert ssh_hosts(config) == ["box"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary() | st.text().map(lambda text: f"Include {text}\n".encode()))
def test_any_file_is_read(ssh_folder: Path, content: bytes) -> None:
    config = ssh_folder / "odd"
    config.write_bytes(content)
    hosts = ssh_hosts(config)
    assert sorted(set(hosts)) == sorted(hosts)
    assert not any(set("*?!") & set(host) for host in hosts)
