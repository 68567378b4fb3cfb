from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.unit_control import UnitControl, control_of
from strixdesk.core.errors import BoxError, BoxUnreachable, CommandFailed
from strixdesk.core.tier import Control, ControlKind, Tier
from tests.support.fault_server import FaultServer, Script
from tests.support.fault_server import http as answer


def made(
    control: Control, client: httpx.AsyncClient, shell: LocalShell | None = None, **tier: str
) -> UnitControl:
    url = tier.pop("base_url", "http://127.0.0.1:9/v1")
    found = control_of(Tier("t", url, control=control), shell or LocalShell(), client)
    assert found is not None
    return found


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def systemctl(tmp_path: Path) -> LocalShell:
    """Stands in for systemd: a unit is a file that is there or not."""
    program = tmp_path / "systemctl"
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\n'
        'case $2 in start) [ "$4" != broken ] || { echo "Job for broken failed." >&2; exit 1; }\n'
        ': >"$4" ;; stop) rm -f "$4" ;;\n'
        'is-active) [ -e "$4" ] && echo active || { echo inactive; exit 3; } ;; esac\n'
    )
    program.chmod(0o755)
    return LocalShell({**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})


async def test_a_systemd_unit_is_started_and_stopped(
    systemctl: LocalShell, http: httpx.AsyncClient
) -> None:
    unit = made(Control(ControlKind.SYSTEMD, unit="llama.service"), http, systemctl)
    assert await unit.is_running() is False
    await unit.start()
    await unit.start()
    assert await unit.is_running() is True
    await unit.stop()
    assert await unit.is_running() is False


async def test_what_systemd_refuses_is_quoted(
    systemctl: LocalShell, http: httpx.AsyncClient
) -> None:
    with pytest.raises(CommandFailed, match="Job for broken failed"):
        await made(Control(ControlKind.SYSTEMD, unit="broken"), http, systemctl).start()


@pytest.mark.parametrize("unit", ["", "--now", "-H evil"])
async def test_a_unit_is_never_an_option(
    systemctl: LocalShell, http: httpx.AsyncClient, unit: str, tmp_path: Path
) -> None:
    with pytest.raises(BoxError, match="not well formed"):
        await made(Control(ControlKind.SYSTEMD, unit=unit), http, systemctl).start()
    assert os.listdir(tmp_path) == ["systemctl"]  # noqa: PTH208


async def test_a_plain_command_is_run_as_it_is(http: httpx.AsyncClient, tmp_path: Path) -> None:
    mark = tmp_path / "a $(touch b); c"
    control = Control(ControlKind.COMMAND, start=("touch", str(mark)), stop=("rm", str(mark)))
    command = made(control, http)
    await command.start()
    assert names(tmp_path) == [mark.name]
    await command.stop()
    with pytest.raises(CommandFailed, match="status 1"):
        await command.stop()
    assert await command.is_running() is None


async def test_a_command_that_is_not_given_is_missed(http: httpx.AsyncClient) -> None:
    with pytest.raises(BoxError, match="No command to stop"):
        await made(Control(ControlKind.COMMAND, start=("true",)), http).stop()


async def test_llama_swap_loads_by_a_tiny_question_and_unloads_by_name(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    running = answer(200, b'{"running":[{"model":"qwen/3b","state":"ready"}]}')
    faults.on("/running", answer(200, b'{"running":[]}'), running)
    faults.on("/v1/chat/completions", answer(200, b"{}"))
    faults.on("/api/models/unload/qwen%2F3b", answer(200, b"OK"))
    model = made(
        Control(ControlKind.LLAMA_SWAP, unit="qwen/3b"),
        http,
        base_url=f"{faults.base_url}/v1",
    )
    assert await model.is_running() is False
    await model.start()
    (question,) = faults.asked("/v1/chat/completions")
    assert (question.json["model"], question.json["max_tokens"]) == ("qwen/3b", 1)
    assert await model.is_running() is True
    await model.stop()
    assert len(faults.asked("/api/models/unload/qwen%2F3b")) == 1


async def test_stopping_what_is_not_loaded_asks_for_nothing(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/running", answer(200, b'{"running":[]}'))
    control = Control(ControlKind.LLAMA_SWAP, unit="a")
    await made(control, http, base_url=f"{faults.base_url}/v1").stop()
    assert [request.path for request in faults.requests] == ["/running"]


async def test_what_llama_swap_refuses_is_quoted(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/v1/chat/completions", answer(404, b"could not find real modelID for a"))
    control = Control(ControlKind.LLAMA_SWAP, unit="a")
    with pytest.raises(CommandFailed, match="could not find real modelID"):
        await made(control, http, base_url=f"{faults.base_url}/v1").start()


async def test_a_llama_swap_that_is_away_is_told(http: httpx.AsyncClient) -> None:
    with pytest.raises(BoxUnreachable, match="does not answer"):
        await made(Control(ControlKind.LLAMA_SWAP, unit="a"), http).start()


def _router(state: str, *, failed: bool = False) -> Script:
    status = {"value": state} | ({"failed": True, "exit_code": 1} if failed else {})
    models = {"data": [{"id": "a", "status": status}, {"id": "b", "status": {"value": "loaded"}}]}
    return answer(200, json.dumps(models).encode())


async def test_llama_servers_router_loads_and_unloads_and_is_done_when_its_list_says_so(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/models/load", answer(200, b'{"success":true}'))
    faults.on("/models/unload", answer(200, b'{"success":true}'))
    faults.on("/v1/models", *map(_router, ("unloaded", "loading", "loaded", "loaded", "unloaded")))
    control = Control(ControlKind.LLAMA_ROUTER, unit="a")
    model = made(control, http, base_url=f"{faults.base_url}/v1")
    await model.start()
    assert [one.json for one in faults.asked("/models/load")] == [{"model": "a"}]
    await model.stop()
    assert [one.json for one in faults.asked("/models/unload")] == [{"model": "a"}]
    assert await model.is_running() is False


async def test_a_load_of_the_router_that_fails_and_a_model_that_it_lacks_are_told(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    faults.on("/models/load", answer(200, b'{"success":true}'))
    faults.on(
        "/v1/models", _router("unloaded"), _router("loading"), _router("unloaded", failed=True)
    )
    for unit, words in (("a", "could not be loaded"), ("nope", "no model “nope”")):
        control = Control(ControlKind.LLAMA_ROUTER, unit=unit)
        with pytest.raises(BoxError, match=words):
            await made(control, http, base_url=f"{faults.base_url}/v1").start()


async def test_compose_services_and_uncontrolled_tiers_are_not_dealt_with_here(
    http: httpx.AsyncClient,
) -> None:
    compose = Tier("t", "http://x/v1", control=Control(ControlKind.COMPOSE, unit="a"))
    for tier in (compose, Tier("t", "http://x/v1")):
        assert control_of(tier, LocalShell(), http) is None
