from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.up_script import (
    DockerCall,
    may_be_tried,
    possible_modes,
    recorded_calls,
    up_call,
)


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("case $1 in\n  gpu)\n ;;\n  cpu|'full') x ;;\n *) exit ;;\n  -h|--help) y ;;\nesac", True),
        ('if [ "$1" = "gpu" ]; then a; elif [[ $1 == cpu ]]; then b; elif [ $1 = full ]', True),
        ('echo "Usage: up {gpu|cpu|full}"', True),
        ("docker compose up -d", False),
    ],
    ids=["case", "if", "usage", "none"],
)
def test_modes_are_the_words_that_the_script_asks_for(text: str, modes: bool) -> None:
    assert possible_modes(text) == (("gpu", "cpu", "full") if modes else ())


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/docker compose up",
        "PATH=/usr/bin:$PATH",
        "export DOCKER_HOST=tcp://a",
        "env -i docker compose up",
    ],
)
def test_what_gets_round_the_stand_in_is_not_tried(line: str) -> None:
    assert not may_be_tried(f"#!/bin/sh\n{line}\ndocker compose up\n")


def test_only_shell_scripts_are_tried() -> None:
    assert may_be_tried("#!/usr/bin/env bash\ndocker compose up -d")
    assert not may_be_tried("#!/usr/bin/env python3\nrun('docker compose up')")


def test_relative_files_are_where_the_script_stood() -> None:
    call = up_call(
        [DockerCall("/srv/ai", ("compose", "-f", "../a/x.yml", "--profile=big", "up", "-d"))]
    )
    assert call is not None
    assert call.compose == ("-f", "/srv/a/x.yml", "--profile", "big")


def test_without_a_file_compose_is_told_the_folder() -> None:
    call = up_call([DockerCall("/srv/ai", ("compose", "up", "-t", "5", "--wait", "coder"))])
    assert call is not None
    assert (call.compose, call.services) == (("--project-directory", "/srv/ai"), ("coder",))


def test_what_starts_nothing_is_no_mode() -> None:
    assert up_call([DockerCall("/", ("compose", "down")), DockerCall("/", ("ps",))]) is None


def test_a_record_that_was_cut_off_keeps_its_whole_calls() -> None:
    record = ["MODE", "gpu", "CALL", "/a", "2", "compose", "up", "A=1", "END", "CALL", "/a", "9"]
    assert list(recorded_calls(record)) == [
        ("gpu", DockerCall("/a", ("compose", "up"), {"A": "1"}))
    ]


@given(st.text(max_size=300), st.lists(st.sampled_from(["MODE", "CALL", "END", "2", "0", "a"])))
def test_no_script_and_no_record_is_too_odd(text: str, record: list[str]) -> None:
    assert "docker" in text or not may_be_tried(text)
    assert all(mode.strip("\"'").split() == [mode] for mode in possible_modes(text))
    call = up_call([call for _, call in recorded_calls(record)])
    assert call is None or "MODE" in record


def test_long_lines_are_read_in_no_time() -> None:
    began = time.process_time()
    for text in ("a" * 60_000, "a|" * 30_000, " " * 60_000, "{" * 60_000, "$a = " * 12_000):
        possible_modes(text)
        may_be_tried(text + "docker")
    assert time.process_time() - began < 5
