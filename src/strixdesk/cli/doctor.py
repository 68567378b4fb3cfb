"""`strixdesk doctor`: what is wrong with sound, models, boxes and tiers; how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum

from strixdesk import __version__
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.cli.box import HOP_WORDS
from strixdesk.cli.context import CommandContext
from strixdesk.cli.opened import opened
from strixdesk.composition import build_recogniser, build_voice
from strixdesk.composition_boxes import build_box_tools
from strixdesk.core.box import Box, Hop, HopState
from strixdesk.core.errors import StrixError
from strixdesk.core.finding import Finding as BoxFinding
from strixdesk.core.finding import Severity
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.ports import Boxes
from strixdesk.voice.devices import probe_input, probe_output

LOW_SPACE_BYTES = 500 * 1024 * 1024
LOW_LEVEL_DB = -75.0
"""Below this a microphone gives hardly more than its own hiss."""

_LOOK_INTO_THE_LOG = "The log, named above, may tell more."


class Health(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    health: Health
    sentence: str
    mend: str = ""
    """What to do about it; empty when all is well, and only then."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("doctor", help="say what is wrong, and how to mend it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, context: CommandContext) -> int:
    return asyncio.run(_examine(context, as_json=arguments.json))


async def _examine(context: CommandContext, *, as_json: bool) -> int:
    findings: list[Finding] = []
    async for finding in _findings(context):
        findings.append(finding)
        if not as_json:
            mark = {Health.OK: "ok", Health.WARNING: "!", Health.PROBLEM: "✗"}[finding.health]
            print(f"{mark:>2}  {finding.what}: {finding.sentence}", flush=True)
            if finding.mend:
                print(f"      → {finding.mend}")
    if as_json:
        report = [
            {"what": f.what, "state": f.health.value, "sentence": f.sentence, "mend": f.mend}
            for f in findings
        ]
        print(json.dumps({"version": __version__, "findings": report}, ensure_ascii=False))
    return 1 if any(finding.health is Health.PROBLEM for finding in findings) else 0


async def _findings(context: CommandContext) -> AsyncIterator[Finding]:
    yield Finding(
        "program",
        Health.OK,
        f"StrixDesk {__version__}, Python {platform.python_version()}, {platform.platform()}",
    )
    yield _settings(context)
    yield _data(context)
    yield Finding("log", Health.OK, f"{context.paths.log_dir / 'strixdesk.log'}")
    yield await asyncio.to_thread(_microphone, context)
    yield await asyncio.to_thread(_speaker, context)
    yield await _recogniser(context)
    yield await _voice(context)
    async with opened(context) as (tiers, boxes):
        tools = build_box_tools(context.loaded.settings, boxes)
        try:
            for box in boxes.all():
                async for finding in box_findings(box, boxes, tools):
                    yield finding
        finally:
            await tools.close()
        async for finding in _tiers(context, tiers, boxes):
            yield finding


def _problem(what: str, error: StrixError) -> Finding:
    return Finding(what, Health.PROBLEM, error.message, error.advice or _LOOK_INTO_THE_LOG)


def _settings(context: CommandContext) -> Finding:
    if problem := context.loaded.problem:
        return _problem("settings", problem)
    path = context.paths.config_file
    return Finding("settings", Health.OK, str(path) if path.exists() else "the defaults")


def _data(context: CommandContext) -> Finding:
    folder = context.paths.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            "data",
            Health.PROBLEM,
            f"{folder} cannot be written: {error.strerror}.",
            "Check its permissions, or choose another folder with --data-dir.",
        )
    sentence = f"{folder}, {free / 2**30:.1f} GB free"
    if free < LOW_SPACE_BYTES:
        return Finding("data", Health.WARNING, sentence, "Free some space on that disk.")
    return Finding("data", Health.OK, sentence)


def _microphone(context: CommandContext) -> Finding:
    probe = probe_input(context.loaded.settings.microphone.device, seconds=1.0)
    if probe.error:
        return _problem("microphone", probe.error)
    heard = f"{probe.device}, {probe.rate_hz} Hz, {probe.level_db:.0f} dB"
    if probe.all_zero:
        mend = (
            "Allow the microphone for this program in System Settings → Privacy & Security."
            if sys.platform == "darwin"
            else "Is it muted? Look at the input in your system's sound settings."
        )
        return Finding("microphone", Health.WARNING, f"{heard}: it gives pure silence", mend)
    if probe.level_db < LOW_LEVEL_DB:
        return Finding("microphone", Health.WARNING, f"{heard}: very quiet", "Raise its level.")
    return Finding("microphone", Health.OK, heard)


def _speaker(context: CommandContext) -> Finding:
    probe = probe_output(context.loaded.settings.speaker.device)
    if probe.error:
        return _problem("speaker", probe.error)
    latency = f"{probe.latency_s * 1000:.0f} ms latency"
    return Finding("speaker", Health.OK, f"{probe.device}, {probe.rate_hz} Hz, {latency}")


async def _recogniser(context: CommandContext) -> Finding:
    recogniser = build_recogniser(context.loaded.settings, context.paths)
    try:
        await recogniser.ensure_ready()
    except StrixError as error:
        return _problem("recogniser", error)
    finally:
        await recogniser.close()
    return Finding("recogniser", Health.OK, "it loads")


async def _voice(context: CommandContext) -> Finding:
    voice = build_voice(context.loaded.settings, context.paths)
    try:
        async with aclosing(voice.speak("All is well.", "doctor")) as frames:
            seconds = sum([frame.duration_s async for frame in frames])
    except StrixError as error:
        return _problem("voice", error)
    finally:
        await voice.close()
    return Finding("voice", Health.OK, f'it said "All is well." in {seconds:.1f} s')


# ---- boxes -------------------------------------------------------------------------------------


async def box_findings(box: Box, boxes: Boxes, tools: BoxTools) -> AsyncIterator[Finding]:
    """The way there, hop by hop; then everything that the box's own doctor says."""
    what = f"box {box.name}"
    status = await boxes.refresh(box)
    for hop in status.hops:
        yield _hop(what, hop)
    if status.broken:
        return
    try:
        found = await tools.examine(box)
    except StrixError as error:
        yield _problem(what, error)
        return
    for one in found:
        yield _of_box(what, one)
    if not found:
        yield Finding(what, Health.OK, "Nothing is wrong with its stack.")


def _hop(what: str, hop: Hop) -> Finding:
    what, sentence = f"{what}, {hop.kind.value}", hop.detail or HOP_WORDS[hop.state]
    match hop.state:
        case HopState.OK:
            return Finding(what, Health.OK, sentence)
        case HopState.FAILED:
            mend = "What comes after it was not looked at. Run `strixdesk doctor` once more then."
            return Finding(what, Health.PROBLEM, sentence, mend)
        case HopState.IMPAIRED:
            return Finding(what, Health.WARNING, sentence, "It works like this, but not well.")
        case HopState.UNKNOWN:
            return Finding(what, Health.OK, sentence)


def _of_box(what: str, found: BoxFinding) -> Finding:
    what = f"{what}, {found.rule}"
    if found.severity is Severity.NOTE:
        command = f" (`{found.command}`)" if found.command else ""
        return Finding(what, Health.OK, f"{found.sentence}{command}")
    health = Health.PROBLEM if found.severity is Severity.PROBLEM else Health.WARNING
    mend = found.command
    if not mend and found.variable:
        change = f"{found.variable}={found.value}" if found.value else f"another {found.variable}"
        mend = f"Write {change} into the stack's .env file."
    allow = f"If it shall be so: allow_unsupported = [{json.dumps(found.rule)}] of this box."
    return Finding(what, health, found.sentence, mend or allow)


# ---- sources and tiers -------------------------------------------------------------------------


async def _tiers(
    context: CommandContext, inventory: Inventory, boxes: Boxes
) -> AsyncIterator[Finding]:
    settings = context.loaded.settings
    if settings.sources or settings.boxes:
        await inventory.refresh()
    for finding in source_findings(inventory, {box.name for box in boxes.all()}):
        yield finding
    tiers = inventory.all()
    await asyncio.gather(*(_wake(inventory.ensure_ready(tier)) for tier in tiers))
    statuses = inventory.statuses()
    for tier in tiers:
        yield _tier(tier, statuses[tier.name])
    if not tiers:
        yield Finding(
            "tiers",
            Health.PROBLEM,
            "No tier is configured, and the starter kit is not installed.",
            f"Add a [[tiers]] table with name and base_url to {context.paths.config_file}.",
        )


def source_findings(inventory: Inventory, boxes: Collection[str]) -> Iterator[Finding]:
    """Of those that are not boxes, which have their own doctor."""
    problems = inventory.problems()
    for name, left_out in inventory.left_out().items():
        what = f"source {name}"
        if name in boxes:
            continue
        if name in problems:
            mend = "Its models are kept as they were last known until it answers again."
            yield Finding(what, Health.PROBLEM, problems[name], mend)
            continue
        count = sum(tier.name.startswith(f"{name}/") for tier in inventory.all())
        yield Finding(what, Health.OK, f"{count} {'model' if count == 1 else 'models'}")
        for sentence in left_out:
            mend = "Correct it there, or leave it: the other models of this source are used."
            yield Finding(what, Health.WARNING, sentence, mend)


async def _wake(ready: Awaitable[TierStatus]) -> None:
    try:
        await ready
    except StrixError:
        return  # what it is like is read from its status


def _tier(tier: Tier, status: TierStatus) -> Finding:
    what = f"tier {tier.name}"
    if status.state is TierState.READY:
        context_tokens = tier.context_tokens or status.context_tokens
        size = f", {context_tokens} tokens of context" if context_tokens else ""
        model = status.model or "ready"
        return Finding(what, Health.OK, f"{model}{size}{', not loaded' if status.unloaded else ''}")
    if status.state is TierState.STOPPED and tier.control:
        start = f"`strixdesk tiers start {shlex.quote(tier.name)}` starts it"
        return Finding(what, Health.OK, f"stopped; {start}")
    health = Health.WARNING if status.state is TierState.LOADING else Health.PROBLEM
    mend = status.detail or "Is its server running, and is its address right?"
    return Finding(what, health, f"{status.state.value} at {tier.base_url}", mend)
