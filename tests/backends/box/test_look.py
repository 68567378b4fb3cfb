from __future__ import annotations

import pytest

from strixdesk.backends.box.docker_trouble import docker_trouble
from strixdesk.backends.box.look import parse_look

WHOLE = """\
== strixdesk containers
{"service":"a","id":"c0de","state":{"Status":"running"},"restarts":0}
== strixdesk clock
1795228286
== strixdesk holder
== strixdesk memory
\0meminfo\0MemTotal:       131072000 kB
MemAvailable:   100000000 kB
\0gpu\0"""


def test_one_look_tells_of_containers_clock_holder_and_memory() -> None:
    look = parse_look(WHOLE)
    assert look.containers is not None
    assert [one.service for one in look.containers] == ["a"]
    assert (look.box_now, look.holder) == (1795228286.0, None)
    assert look.memory is not None
    assert look.memory.available_bytes == 100_000_000 * 1024


def test_a_stack_without_containers_is_not_a_docker_that_did_not_answer() -> None:
    assert parse_look("== strixdesk containers\n").containers == ()
    assert parse_look("").containers is None


def test_what_docker_refuses_is_kept_with_its_status() -> None:
    look = parse_look("== strixdesk refused 1\nCannot connect\n== strixdesk clock\nx\n")
    assert (look.containers, look.refusal, look.refusal_status) == (None, "Cannot connect", 1)
    assert look.box_now is None


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (127, "sh: docker: not found", "not installed"),
        (1, "Cannot connect to the Docker daemon. Is the docker daemon running?", "not running"),
        (1, "permission denied while trying to connect to the Docker daemon", "may not use"),
        (1, "", "status 1"),
        (1, "x" * 5000, "does not answer"),
    ],
)
def test_each_refusal_has_a_sentence(status: int, said: str, words: str) -> None:
    sentence = docker_trouble(status, said).sentence()
    assert words in sentence
    assert len(sentence) < 400
