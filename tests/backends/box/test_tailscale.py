from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends.box.tailscale import (
    TailscalePeer,
    TailscaleStatus,
    find_tailscale,
    hop_for,
    may_be_peer,
    parse_tailscale,
    read_tailscale,
)
from strixdesk.core.box import Hop, HopState

DATA = Path(__file__).parents[2] / "data" / "tailscale"
NOW = datetime.fromisoformat("2026-11-21T03:00:00Z").timestamp()
DAY_S = 86400.0

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
FIELDS = ("Online", "Active", "DNSName", "HostName", "TailscaleIPs", "LastSeen", "KeyExpiry", "OS")


def recorded(name: str = "status") -> TailscaleStatus:
    return parse_tailscale((DATA / f"{name}.json").read_text())


def status_with(**changes: Any) -> TailscaleStatus:
    """Its first peer, strix, changed."""
    status = recorded()
    return replace(status, peers=(replace(status.peers[0], **changes), *status.peers[1:]))


def hop(host: str, status: TailscaleStatus | None) -> Hop:
    found = hop_for(host, status, NOW)
    assert found is not None
    return found


def program(folder: Path, script: str) -> Path:
    path = folder / "tailscale"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_running_network_is_read() -> None:
    status = recorded()
    strix, nas = status.peers
    assert status.backend_state == "Running"
    assert (strix.name, strix.dns_name) == ("strix", "strix.tail1a2b3.ts.net")
    assert strix.last_seen is None, "the zero time is no time"
    seen = datetime.fromisoformat("2026-11-14T18:03:22.1Z").timestamp()
    assert nas.last_seen == pytest.approx(seen)
    assert not nas.online


def test_a_map_of_peers_that_is_null_is_empty() -> None:
    assert recorded("status-stopped").peers == ()


@pytest.mark.parametrize(
    "host", ["strix", "STRIX", "strix.tail1a2b3.ts.net", "100.101.10.2", "fd7a:115c:a1e0::a01:a02"]
)
def test_a_direct_way_is_well_by_each_of_its_names(host: str) -> None:
    found = hop(host, recorded())
    assert found.state is HopState.OK
    assert "192.168.1.30:41641" in found.detail


@pytest.mark.parametrize("host", ["192.168.1.30", "example.com", "other", "100.128.0.1", "::1", ""])
def test_another_host_has_no_hop_over_tailscale(host: str) -> None:
    assert hop_for(host, recorded(), NOW) is None


@pytest.mark.parametrize(
    ("host", "may"), [("100.64.0.1", True), ("strix", True), ("10.0.0.1", False)]
)
def test_only_an_address_outside_is_surely_no_peer(host: str, may: bool) -> None:
    assert may_be_peer(host) is may


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "not installed"),
        (TailscaleStatus(), "does not answer"),
        (TailscaleStatus("NeedsMachineAuth"), "to be approved"),
        (recorded("status-stopped"), "stopped"),
        (recorded("status-needslogin"), "https://login.example/a/0123456789ab"),
        (replace(recorded(), self=TailscalePeer("mac")), "this machine is offline"),
        (replace(recorded(), peers=()), "no machine of your Tailscale network"),
        (status_with(online=False, last_seen=NOW - 3 * DAY_S), "last seen 3 days ago"),
        (status_with(online=False), "offline in Tailscale."),
        (status_with(key_expiry=NOW - 1), "has expired"),
        (status_with(expired=True), "has expired"),
    ],
)
def test_a_broken_way_says_why(status: TailscaleStatus | None, words: str) -> None:
    found = hop("100.101.10.2", status)
    assert found.state is HopState.FAILED
    assert words in found.detail


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"direct": ""}, "DERP fra"),
        ({"direct": "", "peer_relay": "100.101.10.9:7777:1"}, "another of your machines"),
        ({"key_expiry": NOW + 13 * DAY_S}, "key of strix expires in 13 days"),
    ],
)
def test_an_impaired_way_says_why(changes: dict[str, Any], words: str) -> None:
    found = hop("strix", status_with(**changes))
    assert found.state is HopState.IMPAIRED
    assert words in found.detail


def test_a_peer_without_traffic_is_not_called_relayed() -> None:
    assert hop("strix", status_with(direct="", active=False)).state is HopState.OK


def test_a_key_that_lasts_is_not_spoken_of() -> None:
    assert hop("strix", status_with(key_expiry=NOW + 15 * DAY_S)).state is HopState.OK


def test_it_is_found_where_the_path_does_not_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path = program(tmp_path, "true")
    assert find_tailscale(["/nowhere/tailscale", str(path)]) == str(path)


async def test_a_program_that_fails_still_tells_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, f"cat {DATA}/status-stopped.json; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    status = await read_tailscale()
    assert status is not None
    assert status.backend_state == "Stopped"


@given(json_values)
def test_any_json_is_a_status(value: Any) -> None:
    hop = hop_for("100.64.0.1", parse_tailscale(json.dumps(value)), NOW)
    assert hop
    assert hop.state is HopState.FAILED
    assert hop.detail


@given(st.dictionaries(st.sampled_from(FIELDS), json_values), st.text())
def test_any_peer_is_judged(peer: dict[str, Any], host: str) -> None:
    told = {"BackendState": "Running", "Self": {"Online": True}, "Peer": {"k": peer}}
    hop = hop_for(host, parse_tailscale(json.dumps(told)), NOW)
    assert hop is None or hop.detail


@given(st.text())
def test_any_text_is_a_status(text: str) -> None:
    assert isinstance(parse_tailscale(text).backend_state, str)
