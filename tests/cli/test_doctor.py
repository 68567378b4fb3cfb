"""`strixdesk doctor` on the real engines: what is wrong, and how to mend it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

DEAD_TIER = """\
[starter]
enabled = "never"

[[tiers]]
name = "gone"
base_url = "http://127.0.0.1:9/v1"
"""


def doctor(folder: Path, settings: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """On a machine without a sound server."""
    (folder / "strixdesk.toml").write_text(settings)
    return subprocess.run(
        [
            *(sys.executable, "-m", "strixdesk", "--config", str(folder / "strixdesk.toml")),
            *("--data-dir", str(folder / "data"), "doctor", *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PULSE_SERVER": f"unix:{folder}/none"},
        check=False,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = doctor(tmp_path_factory.mktemp("doctor"), DEAD_TIER, "--json")
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_given_a_report_then_each_finding_says_what_is_and_how_to_mend_it(
    report: dict[str, Any],
) -> None:
    for finding in report["findings"]:
        assert set(finding) == {"what", "state", "sentence", "mend"}
        assert finding["state"] in {"ok", "warning", "problem"}
        assert finding["sentence"]
        assert bool(finding["mend"]) == (finding["state"] != "ok"), finding


def test_given_a_report_then_it_covers_all_that_a_turn_needs(report: dict[str, Any]) -> None:
    assert [finding["what"] for finding in report["findings"]] == [
        *("program", "settings", "data", "log", "microphone", "speaker", "recogniser", "voice"),
        "tier gone",
    ]


def test_given_the_starter_kit_then_its_engines_were_really_tried(report: dict[str, Any]) -> None:
    states = {finding["what"]: finding for finding in report["findings"]}
    assert states["recogniser"]["state"] == "ok"
    assert states["voice"]["state"] == "ok"
    assert "All is well" in states["voice"]["sentence"]


def test_given_a_dead_tier_then_it_is_a_problem_with_its_address(report: dict[str, Any]) -> None:
    tier = report["findings"][-1]
    assert tier["state"] == "problem"
    assert "http://127.0.0.1:9/v1" in tier["sentence"]


def test_given_broken_settings_then_they_are_a_problem_in_the_readable_report(
    tmp_path: Path,
) -> None:
    done = doctor(tmp_path, '[voice]\nspeed = 9\nmodel = "none"\n')
    assert done.returncode == 1
    assert "✗  settings: " in done.stdout
    assert "line 2 (voice.speed): it must be at most 2.0" in done.stdout
    assert "→ It was left as it is" in done.stdout
    assert "ok  tier This computer" in done.stdout, "it runs on its defaults"
    assert "Traceback" not in done.stderr
