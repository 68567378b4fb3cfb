from __future__ import annotations

import pytest

from strixdesk.core.addressing import addressee, by_name, picker_order
from strixdesk.core.tier import Tier

CODER = Tier("coder", "http://box:8002/v1", "coder")
QWEN = Tier("ollama/qwen3-coder:30b", "http://box:11434/v1", label="Qwen3 Coder 30B")
NESTED = Tier("lab/mistralai/Mistral-7B-Instruct-v0.3", "http://lab/v1", role="chat")
TIERS = (CODER, QWEN, NESTED)


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("ask qwen coder for a haiku", QWEN),
        ("@ollama/qwen3-coder:30b hi", QWEN),
        ("Qwen3 Coder 30B, hello", QWEN),
        ("@qwen3-coder:30b hi", QWEN),
        ("ask the coder", CODER),
        ("ask the coder: why?", CODER),
        ("mistral, are you there?", NESTED),
        ("@chat hi", NESTED),
        ("@lab/mistralai/Mistral-7B-Instruct-v0.3 hi", NESTED),
    ],
)
def test_id_label_model_and_role_all_call_a_tier(text: str, tier: Tier) -> None:
    assert addressee(text, TIERS) == tier


@pytest.mark.parametrize("text", ["@coder/two hi", "@coder:7b hi", "Qwen is a model", "@ hi", ""])
def test_what_only_begins_like_a_name_calls_nobody(text: str) -> None:
    assert addressee(text, TIERS) is None


def test_what_two_tiers_are_called_calls_neither() -> None:
    twins = (Tier("a/qwen3:8b", "http://a/v1"), Tier("b/qwen3:8b", "http://b/v1"))
    assert addressee("ask qwen for a haiku", twins) is None
    assert addressee("ask b/qwen3:8b for a haiku", twins) == twins[1]
    assert by_name("qwen3:8b", twins) is None


@pytest.mark.parametrize(
    "name", ["OLLAMA/qwen3-coder:30b", "qwen3 coder 30b", "qwen3-coder:30b", "qwen coder"]
)
def test_a_name_is_found_however_it_is_spelt(name: str) -> None:
    assert by_name(name, TIERS) == QWEN


@pytest.mark.parametrize("name", ["", "  ", "/", "odin"])
def test_no_name_finds_nobody(name: str) -> None:
    assert by_name(name, TIERS) is None


def test_favourites_come_first_in_the_picker_and_the_rest_keeps_its_order() -> None:
    tiers = tuple(
        Tier(name, "http://box/v1", favourite=favourite)
        for name, favourite in (("a", False), ("b", True), ("c", False), ("d", True))
    )
    assert [tier.name for tier in picker_order(tiers)] == ["b", "d", "a", "c"]
