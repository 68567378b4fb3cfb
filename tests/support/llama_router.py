"""A real llama-server as a router of three models, and what a test asks of it by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.endpoints import Endpoint
from strixdesk.backends.inventory.source import Listed
from strixdesk.backends.starter import find_starter_model
from strixdesk.core.tier import Control, ControlKind, Tier
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.server_process import ServerProcess, program, start

CONTEXT = 2048


@contextlib.contextmanager
def llama_router(folder: Path, *options: str) -> Iterator[ServerProcess]:
    """Of `alpha` and `beta`, the starter model under two names, and of `broken`, which is none."""
    llama_server = program("llama", "bin/llama-server")
    model = find_starter_model()
    assert model is not None, "the starter extra is not installed"
    models = folder / "models"
    models.mkdir()
    for name in ("alpha", "beta"):
        (models / f"{name}.gguf").symlink_to(model)
    (models / "broken.gguf").write_bytes(b"no model")
    port = free_port()
    server = start(
        [
            *(llama_server, "--host", "127.0.0.1", "--port", str(port), "--offline"),
            *("--models-dir", models, "--models-max", "1", "--no-webui", "--parallel", "1"),
            *("--ctx-size", str(CONTEXT), "--threads", "1", "--temp", "0", "--seed", "1"),
            *options,
        ],
        port,
        folder / "log",
        {"LLAMA_CACHE": str(folder / "cache"), "HF_HOME": str(folder / "cache")},
    )
    try:
        server.wait_until("/health", within_s=30)
        yield server
    finally:
        server.close()


def entries(router: ServerProcess) -> dict[str, Any]:
    with urllib.request.urlopen(f"{router.base_url}/models", timeout=10) as answer:  # noqa: S310
        return {one["id"]: one for one in json.load(answer)["data"]}


def states(router: ServerProcess) -> dict[str, str]:
    return {name: one["status"]["value"] for name, one in entries(router).items()}


async def post(router: ServerProcess, path: str, body: dict[str, Any]) -> None:
    async with make_http_client() as client:
        (await client.post(router.root + path, json=body, timeout=60)).raise_for_status()


async def listed(router: ServerProcess) -> dict[str, Listed]:
    async with make_http_client() as client:
        listing = await Endpoint("desk", "llama-swap", router.root, client).read()
    return {one.tier.role: one for one in listing.models}


def tier(router: ServerProcess, model: str) -> Tier:
    """As somebody writes it into the settings."""
    control = Control(ControlKind.LLAMA_ROUTER, unit=model)
    return Tier(model, router.base_url, model=model, control=control)


async def load(router: ServerProcess, model: str) -> None:
    await post(router, "/models/load", {"model": model})
    await until(router, model, "loaded")


@contextlib.asynccontextmanager
async def loading(router: ServerProcess, model: str) -> AsyncIterator[None]:
    """It loads, and is held in the middle of that; loaded at the end."""
    await post(router, "/models/load", {"model": model})
    await asyncio.to_thread(router.signal_child, f"alias {model}", signal.SIGSTOP)
    try:
        yield
    finally:
        await asyncio.to_thread(router.signal_child, f"alias {model}", signal.SIGCONT)
        await until(router, model, "loaded")


async def until(router: ServerProcess, model: str, state: str) -> None:
    await eventually(lambda: states(router)[model] == state, within_s=60)
