"""A box's doctor, setup and .env out of a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from strixdesk.core.box import Box
from strixdesk.core.box_setup import EnvPlan, HostKey, Peer, Survey
from strixdesk.core.env_file import changed, difference
from strixdesk.core.finding import Finding, Severity
from tests.support.scripted_boxes import BROKEN, HOPS, stack, status

ENV = """\
# Shares of the memory
ORCH_GPU_UTIL=0.35
ORCH_CONTEXT=32768
CODER_GPU_UTIL=0.55
CODER_CONTEXT=49152
HF_TOKEN=hf_secret
"""


class ScriptedTools:
    """Implements `BoxTools`."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.found = Survey(HOPS, ("/home/anna/ai/strix-stack",), stack(), status().memory)
        self.key: HostKey | None = None
        self.env = ENV

    async def peers(self) -> tuple[Peer, ...]:
        return (
            Peer("strix", "strix.tail1234.ts.net", True, "linux"),
            Peer("laptop", "laptop.tail1234.ts.net", True, "macOS"),
            Peer("attic", "attic.tail1234.ts.net", False, "linux"),
        )

    async def survey(self, box: Box, tell: Callable[[str], None]) -> Survey:
        self.calls.append(("survey", box))
        tell(f"Asking {box.host or 'this machine'} …")
        if self.key:
            hops = (HOPS[0], replace(BROKEN[1], detail="Its key is not known yet."), BROKEN[2])
            return Survey(hops, key=self.key)
        return self.found

    async def trust(self, box: Box, key: HostKey) -> None:
        self.calls.append(("trust", key.fingerprint))
        self.key = None

    async def env_values(self, box: Box) -> Mapping[str, str]:
        lines = [line for line in self.env.splitlines() if "=" in line]
        pairs = [line.split("=", 1) for line in lines]
        return {name: "" if "TOKEN" in name else value for name, value in pairs}

    async def plan_env(self, box: Box, changes: Mapping[str, str]) -> EnvPlan:
        after = changed(self.env, changes)
        diff = difference(self.env, after, ".env")
        return EnvPlan("/home/anna/ai/strix-stack/.env", tuple(changes.items()), diff)

    async def apply_env(self, box: Box, plan: EnvPlan) -> str:
        self.calls.append(("apply", plan.changes))
        self.env = changed(self.env, dict(plan.changes))
        return f"{plan.path}.strixdesk-backup"

    async def examine(self, box: Box) -> tuple[Finding, ...]:
        return (
            Finding(
                "model-file",
                Severity.PROBLEM,
                "The file of utility is damaged: 1.4 of 2.1 GB are there.",
                "hf download Qwen/Qwen2.5-3B-Instruct-GGUF --local-dir ~/models",
                "llama-utility",
            ),
            Finding(
                "no-watchdog",
                Severity.WARNING,
                "Nothing ends programs before memory runs out: the box can freeze.",
                "sudo apt install earlyoom",
            ),
            Finding("swap", Severity.NOTE, "There are 8.0 GB of swap, none of it used."),
        )
