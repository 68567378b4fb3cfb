"""`strixdesk route`: the choice, and how it came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strixdesk.cli.main import main

TIERS = """
default_tier = "orchestrator"
[starter]
enabled = "never"
[[tiers]]
name = "orchestrator"
base_url = "http://127.0.0.1:9/v1"
role = "orchestrator"
[[tiers]]
name = "utility"
base_url = "http://127.0.0.1:9/v1"
role = "utility"
"""
RULES = """
[[routing.rules]]
because = "It is about the garden"
to = ["utility"]
words = ["tomato"]
"""


class Desk:
    def __init__(self, folder: Path, printed: pytest.CaptureFixture[str]) -> None:
        self.config = str(folder / "strixdesk.toml")
        self._data = str(folder / "data")
        self._printed = printed
        self.write(TIERS)

    def write(self, settings: str) -> None:
        Path(self.config).write_text(settings, encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str]:
        status = main(["--config", self.config, "--data-dir", self._data, "route", *arguments])
        got = self._printed.readouterr()
        return status, got.out + got.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[1])


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_the_choice_is_told_with_rule_scores_and_fallbacks(desk: Desk) -> None:
    status, text = desk.run("What time is it?", "--spoken")
    assert status == 0
    first, *rest = text.splitlines()
    assert first.startswith("utility: A short spoken question wants a quick answer")
    assert rest == [
        "then:        orchestrator (unreachable)",
        "seen:        short, spoken",
        "complexity:  0.00 (nothing; hard from 0.60)",
        "rule:        spoken and short → fastest: A short spoken question wants a quick answer",
        "needs about: 30 tokens",
    ]


def test_the_same_as_json(desk: Desk) -> None:
    report = desk.json("Compare 1, 2, 3 and 4")
    assert report["tier"] == "orchestrator"
    assert report["fallbacks"] == ["utility"]
    assert report["states"] == {"orchestrator": "unreachable", "utility": "unreachable"}
    assert report["features"]["complexity"] == {
        "score": 0.32,
        "hard_from": 0.6,
        "parts": {"asks to compare": 0.25, "numbers": 0.07},
    }
    assert report["rule"] is None


def test_rules_in_the_settings_are_shown_and_decide(desk: Desk) -> None:
    desk.write(TIERS + RULES)
    assert desk.run("--rules")[1].splitlines()[1:] == [
        "  1. “tomato” → utility: It is about the garden"
    ]
    assert desk.json("a tomato")["rule"]["because"] == "It is about the garden"
    assert len(desk.json("--rules")["rules"]) == 1


def test_a_picture_that_nobody_sees_is_a_sentence_and_a_status(desk: Desk) -> None:
    status, text = desk.run("What is it?", "--image")
    assert status == 1
    assert "Ask without the picture" in text
    assert desk.json("What is it?", "--image")["without_pictures"] is True


def test_a_feature_that_does_not_exist_is_named(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.write(TIERS + RULES + 'when = ["purple"]\n')
    assert main(["--config", desk.config, "config", "check"]) == 1
    assert '"purple" is none of picture, code' in capsys.readouterr().out
