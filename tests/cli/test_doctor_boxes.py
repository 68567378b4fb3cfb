"""What `strixdesk doctor` says of boxes and of the sources of tiers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.inventory.litellm_config import LiteLlmConfig
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.cli.doctor import Finding, Health, box_findings, source_findings
from strixdesk.core.box import Box
from strixdesk.core.errors import BoxError
from strixdesk.core.finding import Finding as BoxFinding
from strixdesk.core.finding import Severity
from tests.support.scripted_boxes import BOX, BROKEN, ScriptedBoxes
from tests.support.scripted_tools import ScriptedTools


def examined(boxes: ScriptedBoxes, tools: ScriptedTools | None = None) -> dict[str, Finding]:
    async def examine() -> list[Finding]:
        return [one async for one in box_findings(BOX, boxes, tools or ScriptedTools())]

    found = asyncio.run(examine())
    assert all(bool(one.mend) == (one.health is not Health.OK) for one in found)
    return {one.what: one for one in found}


def told_of_sources(folder: Path, config: str | None) -> list[Finding]:
    path = folder / "config.yaml"
    if config is not None:
        path.write_text(config)

    async def look() -> list[Finding]:
        inventory = Inventory(TierWatch([]), [LiteLlmConfig("proxy", path)])
        try:
            await inventory.refresh()
            return list(source_findings(inventory, ()))
        finally:
            await inventory.close()

    return asyncio.run(look())


def test_each_hop_is_told_and_then_what_the_box_needs() -> None:
    found = examined(ScriptedBoxes())
    assert [one.partition(", ")[2] for one in found] == [
        *("Tailscale", "ssh", "docker", "model-file", "no-watchdog", "swap")
    ]
    assert found["box strix, ssh"].sentence == "Signed in as anna."
    missing = found["box strix, model-file"]
    assert missing.health is Health.PROBLEM
    assert missing.mend.startswith("hf download ")
    assert found["box strix, no-watchdog"].health is Health.WARNING
    assert found["box strix, swap"].health is Health.OK


def test_behind_a_broken_hop_nothing_is_examined() -> None:
    boxes = ScriptedBoxes()
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    found = examined(boxes)
    assert [one.health for one in found.values()] == [Health.WARNING, Health.PROBLEM, Health.OK]
    assert "ssh-copy-id" in found["box strix, ssh"].sentence


def test_a_number_to_change_is_named_and_a_rule_may_be_allowed() -> None:
    class Linted(ScriptedTools):
        async def examine(self, box: Box) -> tuple[BoxFinding, ...]:
            return (
                BoxFinding(
                    *("fp8-kv-cache", Severity.PROBLEM, "No FP8."),
                    variable="CODER_KV_CACHE_DTYPE",
                    value="auto",
                ),
                BoxFinding("no-mmap", Severity.WARNING, "It maps its file."),
            )

    found = examined(ScriptedBoxes(), Linted())
    cache, mapped = found["box strix, fp8-kv-cache"], found["box strix, no-mmap"]
    assert cache.mend == "Write CODER_KV_CACHE_DTYPE=auto into the stack's .env file."
    assert 'allow_unsupported = ["no-mmap"]' in mapped.mend


def test_a_box_that_cannot_be_examined_says_why() -> None:
    class Deaf(ScriptedTools):
        async def examine(self, box: Box) -> tuple[BoxFinding, ...]:
            raise BoxError("Its stack has not been read yet.", "Read it again.")

    box = examined(ScriptedBoxes(), Deaf())["box strix"]
    assert (box.health, box.mend) == (Health.PROBLEM, "Read it again.")


def test_a_source_tells_how_many_models_it_has_and_which_it_left_out(tmp_path: Path) -> None:
    count, left = told_of_sources(
        tmp_path,
        "model_list:\n"
        "  - model_name: coder\n"
        "    litellm_params: {model: openai/qwen, api_base: http://127.0.0.1:9/v1}\n"
        "  - litellm_params: {model: openai/nameless}\n",
    )
    assert (count.what, count.health, count.sentence) == ("source proxy", Health.OK, "1 model")
    assert (left.health, left.sentence) == (
        Health.WARNING,
        "Entry 2 of model_list has no model_name.",
    )


def test_a_source_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (problem,) = told_of_sources(tmp_path, None)
    assert problem.health is Health.PROBLEM
    assert "config.yaml" in problem.sentence
