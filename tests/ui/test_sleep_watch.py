"""Sleeping and waking, as logind and the clocks tell of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from pytestqt.qtbot import QtBot

from strixdesk.ui.sleep_watch import SleepWatch

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@pytest.fixture
def bus(tmp_path: Path, qtbot: QtBot) -> Iterator[QDBusConnection]:
    """A message bus of the test's own."""
    config = tmp_path / "bus.conf"
    config.write_text(BUS.format(folder=tmp_path))
    try:
        daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--print-address", "--nofork"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no dbus-daemon here")
    with daemon:
        assert daemon.stdout
        connection = QDBusConnection.connectToBus(daemon.stdout.readline().strip(), "test")
        yield connection
        QDBusConnection.disconnectFromBus("test")
        daemon.terminate()


@pytest.mark.parametrize("asleep", [True, False])
def test_given_a_bus_when_logind_announces_it_then_it_is_told(
    qtbot: QtBot, bus: QDBusConnection, asleep: bool
) -> None:
    watch = SleepWatch(bus=bus)
    said = QDBusMessage.createSignal(
        "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep"
    )
    said.setArguments([asleep])
    with qtbot.waitSignal(watch.slept) as told:
        assert bus.send(said)
    assert told.args == [asleep]


class Clocks:
    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1_000_000.0, 50.0


def on(clocks: Clocks, told: list[bool]) -> SleepWatch:
    watch = SleepWatch(wall=lambda: clocks.wall_s, steady=lambda: clocks.steady_s)
    watch.slept.connect(told.append)
    return watch


def test_given_that_the_steady_clock_stood_still_then_it_woke_up(qtbot: QtBot) -> None:
    clocks, told = Clocks(), list[bool]()
    watch = on(clocks, told)
    clocks.wall_s += 3600
    clocks.steady_s += 10
    watch.compare_clocks()
    watch.compare_clocks()
    assert told == [False]


def test_given_that_both_clocks_ran_on_then_nothing_is_told(qtbot: QtBot) -> None:
    clocks, told = Clocks(), list[bool]()
    watch = on(clocks, told)
    clocks.wall_s += 3600.5
    clocks.steady_s += 3600
    watch.compare_clocks()
    assert told == []
