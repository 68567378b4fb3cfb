"""Puts together what concerns machines and the sources of tiers."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.box.hops import address_of
from strixdesk.backends.box.hops import look as look_hops
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.ssh_shell import SshShell
from strixdesk.backends.box.stack_reader import read_stack
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.backends.box.toolbox import BoxToolbox
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.backends.box.wake_on_lan import wake
from strixdesk.backends.box.world import BoxWorld
from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.compose_stack import ComposeStack
from strixdesk.backends.inventory.endpoints import Endpoint
from strixdesk.backends.inventory.litellm_config import LiteLlmConfig
from strixdesk.backends.inventory.source import Source
from strixdesk.core.box import Box
from strixdesk.core.errors import BoxError, SettingsError
from strixdesk.core.stack import Stack
from strixdesk.key_variables import take_key
from strixdesk.paths import Paths
from strixdesk.session.ports import Boxes
from strixdesk.settings import Settings, SourceSettings


def shell_for(box: Box) -> Shell:
    return LocalShell() if box.host is None else SshShell(box.host, box.user)


def build_boxes(settings: Settings, paths: Paths) -> BoxWatch:
    return BoxWatch(
        [one.box() for one in settings.boxes],
        shell_for,
        BoxWorld(make_http_client(), look_hops),
        wake=wake,
        history=StartHistory(paths.data_dir / "starts.json"),
    )


def build_box_tools(settings: Settings, boxes: BoxWatch) -> BoxToolbox:
    allowed = {one.name: one.allow_unsupported for one in settings.boxes}
    return BoxToolbox(shell_for, boxes, look_hops, allowed)


def build_controls(boxes: BoxWatch) -> UnitControls:
    return UnitControls(boxes.all, shell_for, make_http_client())


def build_sources(settings: Settings, boxes: BoxWatch | None = None) -> list[Source]:
    """Those of the settings, and the stack of each box that no tier in the settings names."""
    named = {tier.control.box for tier in settings.tiers if tier.control}
    sources: list[Source] = [_source(one) for one in settings.sources]
    if boxes:
        sources += [
            ComposeStack(
                box.name, partial(stack_of, boxes, box), address=_address_of(box), controlled=True
            )
            for box in boxes.all()
            if box.name not in named
        ]
    return sources


def _address_of(box: Box) -> Callable[[], Awaitable[str]] | None:
    host, user = box.host, box.user
    return None if host is None else lambda: address_of(host, user)


async def stack_of(boxes: Boxes, box: Box) -> Stack:
    """As its keeper has read it. Raises BoxError when it cannot be read."""
    stack = boxes.stack_of(box)
    if stack is None:
        status = await boxes.refresh(box)
        stack = boxes.stack_of(box)
    if stack is None:
        said = [hop.detail for hop in status.hops if hop.detail]
        why = status.broken.detail if status.broken else " ".join(said[-1:])
        raise BoxError(f"The stack of “{box.name}” could not be read.", why)
    return stack


def _source(settings: SourceSettings) -> Source:
    match settings.kind:
        case "compose":
            folder = settings.path
            return ComposeStack(
                settings.name, lambda: read_stack(LocalShell(), folder), host=settings.host
            )
        case "litellm-config":
            return _litellm_config(settings)
        case kind:
            key = take_key(settings.api_key_env) if settings.api_key_env else None
            return Endpoint(
                settings.name,
                kind,
                settings.url,
                make_http_client(),
                api_key=key,
                key_name=settings.key_name,
                cloud=settings.cloud,
            )


def take_listed_keys(settings: Settings) -> None:
    """Those in environment variables that LiteLLM's configurations name, before a process is
    started that would inherit them. The files are read; what is wrong with them is told when
    their tiers are asked for."""
    for one in settings.sources:
        if one.kind == "litellm-config":
            with contextlib.suppress(SettingsError):
                _litellm_config(one).listing()


def _litellm_config(settings: SourceSettings) -> LiteLlmConfig:
    return LiteLlmConfig(settings.name, Path(settings.path).expanduser(), cloud=settings.cloud)
