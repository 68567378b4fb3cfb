from __future__ import annotations

from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.stack_reader import read_stack
from strixdesk.backends.inventory.compose_stack import ComposeStack
from strixdesk.core.errors import CommandFailed
from strixdesk.core.tier import ControlKind, TierState
from tests.support.stacks import lay_out, need_compose


async def test_each_server_of_a_stack_is_a_tier_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_compose(monkeypatch)
    root = str(lay_out("six", tmp_path))
    listing = await ComposeStack(
        "norse", lambda: read_stack(LocalShell(), root), host="halo"
    ).read()
    assert [(one.tier.name, one.tier.base_url) for one in listing.models] == [
        ("norse/vllm_thor", "http://halo:8001/v1"),
        ("norse/vllm_valkyrie", "http://halo:8002/v1"),
        ("norse/llama_odin", "http://halo:8011/v1"),
        ("norse/llama_heimdall", "http://halo:8012/v1"),
        ("norse/llama_loki", "http://halo:8013/v1"),
        ("norse/llama_frigga", "http://halo:8014/v1"),
    ]
    assert listing.own_servers
    assert {one.state for one in listing.models} == {TierState.UNKNOWN}
    assert listing.models[1].context_tokens == 49152
    assert {one.tier.control for one in listing.models} == {None}


async def test_the_tiers_of_a_box_are_started_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_compose(monkeypatch)
    root = str(lay_out("six", tmp_path))
    source = ComposeStack("halo", lambda: read_stack(LocalShell(), root), controlled=True)
    control = (await source.read()).models[0].tier.control
    assert control is not None
    assert (control.kind, control.box, control.unit) == (ControlKind.COMPOSE, "halo", "vllm_thor")


async def test_a_stack_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    source = ComposeStack("a", lambda: read_stack(LocalShell(), str(tmp_path / "none")))
    with pytest.raises(CommandFailed):
        await source.read()
