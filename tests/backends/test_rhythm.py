from __future__ import annotations

import pytest

from strixdesk.backends.rhythm import Rhythm
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.tier import Tier
from tests.support.eventually import eventually
from tests.support.fault_server import FaultServer

LASTING = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nServer: llama.cpp\r\n\r\n{}"


def test_the_speed_of_a_tier_is_that_of_its_latest_answers() -> None:
    rhythm = Rhythm(Tier("box", "http://127.0.0.1:9/v1"), lambda: None)
    assert rhythm.speed() is None
    for rate in (1.0, 60.0, 62.0, 64.0, 61.0, 63.0, 0.0):
        rhythm.measured(rate)
    assert rhythm.speed() == 62.0


@pytest.mark.parametrize(
    ("url", "server", "fits"),
    [
        ("http://127.0.0.1:9/v1", "llama.cpp", True),
        ("http://127.0.0.1:9/v1", "vllm", True),
        ("http://127.0.0.1:9/v1", "ollama", False),
        ("http://127.0.0.1:9/v1", "", False),
        ("https://127.0.0.1:9/v1", "vllm", False),
    ],
)
def test_only_servers_whose_health_costs_nothing_are_felt(
    url: str, server: str, fits: bool
) -> None:
    assert Rhythm(Tier("box", url), lambda: None).fits(server) is fits


async def test_a_tier_that_writes_much_more_slowly_than_ever_is_degraded(
    faults: FaultServer,
) -> None:
    models = '{"object":"list","data":[{"id":"m","owned_by":"llamacpp"}]}'
    for path, body in (("/health", '{"status":"ok"}'), ("/v1/models", models), ("/props", "{}")):
        faults.on(path, [LASTING.format(len(body), body).encode()])
    watch = TierWatch([faults.tier()])
    for rate in [60.0] * 20 + [10.0] * 5:
        watch.measured("box", rate)
    await watch.start()
    await eventually(lambda: "used to write 60" in watch.statuses()["box"].degraded, within_s=30)
    assert watch.statuses()["box"].tokens_per_s == 10.0
    await watch.close()
