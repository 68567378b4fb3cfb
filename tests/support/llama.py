"""A real llama-server with a small model, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strixdesk.backends.starter import find_starter_model
from strixdesk.core.tier import Tier

_READY_S = 120.0

_SERVER = """
import json, os, sys, threading
import xllamacpp
options = json.loads(sys.argv[1])
wire = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
def leave():
    while os.read(0, 4096):
        pass
    os._exit(0)
threading.Thread(target=leave, daemon=True).start()
params = xllamacpp.CommonParams()
params.model.path = options["model"]
params.mmproj.path = options["projector"]
params.model_alias = {options["alias"]}
params.hostnames = [options["host"]]
params.port = 0
params.n_ctx = options["context"]
params.n_parallel = 1
if options["alike"]:
    params.n_ubatch = 1
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.endpoint_slots = True
params.use_jinja = True
params.ui = False
params.sampling.temp = 0.0
params.sampling.seed = 1
if options["api_key"]:
    params.api_keys = [options["api_key"]]
server = xllamacpp.Server(params)
wire.write(server.listening_address + "\\n")
threading.Event().wait()
"""


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """A running server. `close` or `kill` it; it also ends with the test process."""

    process: subprocess.Popen[str]
    base_url: str
    api_key: str | None

    def tier(self, name: str = "llama", role: str = "", **more: Any) -> Tier:
        return Tier(name=name, base_url=self.base_url, role=role, api_key=self.api_key, **more)

    def busy_slots(self) -> int:
        """How many answers it is generating right now."""
        return sum(bool(slot["is_processing"]) for slot in self.get("/slots"))

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.base_url.removesuffix("/v1") + path)  # noqa: S310
        if self.api_key:
            request.add_header("Authorization", f"Bearer {self.api_key}")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


def start_llama(
    *,
    alias: str = "smollm2",
    context: int = 2048,
    api_key: str | None = None,
    projector: Path | None = None,
    host: str = "127.0.0.1",
    alike: bool = False,
    inside: Sequence[str] = (),
) -> LlamaServer:
    """Returns when the model is loaded, after about a second. `alike`: it computes what it reads
    as it does what it writes, so that both give the same to the last bit. `inside`: the words of
    a command that runs it somewhere else, in a network namespace."""
    model = find_starter_model()
    assert model is not None, "the starter extra is not installed"
    options = {
        "model": str(model),
        "alias": alias,
        "context": context,
        "api_key": api_key,
        "projector": str(projector or ""),
        "host": host,
        "alike": alike,
    }
    process = subprocess.Popen(
        [*inside, sys.executable, "-c", _SERVER, json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()  # at the end of a failed process: empty
    server = LlamaServer(process, f"{address}/v1", api_key)
    if not address:
        server.close()
        raise RuntimeError("llama-server did not start")
    deadline = time.monotonic() + _READY_S
    while server.get("/health") != {"status": "ok"}:
        assert time.monotonic() < deadline, "llama-server does not get healthy"
    return server
