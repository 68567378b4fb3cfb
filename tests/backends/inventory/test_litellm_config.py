"""LiteLLM's configuration, read as tiers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends.inventory.litellm_config import LiteLlmConfig, parse
from strixdesk.backends.inventory.source import Listing, split_name
from strixdesk.core.errors import SettingsError
from strixdesk.core.tier import Price, Tier

CONFIG = """
model_list:
  - model_name: orchestrator
    litellm_params:
      model: hosted_vllm/Qwen/Qwen2.5-14B-Instruct
      api_base: http://strix:8001/v1
      max_parallel_requests: 4
    model_info: {max_input_tokens: 65536, supports_vision: false}
  - model_name: orchestrator
    litellm_params: {model: ollama/qwen2.5:14b, api_base: "http://127.0.0.1:11434"}
  - model_name: small
    litellm_params: {model: openai/utility, api_base: "http://strix:8012/v1", api_key: none}
  - model_name: planner
    litellm_params: {model: gpt-5, api_key: os.environ/PLANNER_KEY}
    model_info: {input_cost_per_token: 0.00000125, output_cost_per_token: 0.00001}
  - model_name: vectors
    litellm_params: {model: openai/bge, api_base: "http://strix:8013/v1"}
    model_info: {mode: embedding}
  - model_name: far
    litellm_params: {model: bedrock/anthropic.claude}
  - litellm_params: {model: openai/nameless}
router_settings:
  fallbacks: [{orchestrator: [small, planner]}, {"*": [small]}]
  context_window_fallbacks: [{small: [orchestrator]}]
litellm_settings: {num_retries: 2}
"""


def read(text: str, tmp_path: Path, *, cloud: bool = False) -> Listing:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return LiteLlmConfig("lite", file, cloud=cloud).listing()


def tiers(listing: Listing) -> dict[str, Tier]:
    return {split_name(one.tier.name)[1]: one.tier for one in listing.models}


def test_given_local_entries_then_each_is_a_tier_at_its_own_server(tmp_path: Path) -> None:
    listing = read(CONFIG, tmp_path)
    found = tiers(listing)
    assert list(found) == ["orchestrator", "orchestrator#2", "small"]
    assert listing.own_servers
    first = found["orchestrator"]
    assert (first.name, first.base_url) == ("lite/orchestrator", "http://strix:8001/v1")
    assert (first.model, first.context_tokens) == ("Qwen/Qwen2.5-14B-Instruct", 65536)
    assert first.concurrency == 4
    assert first.capabilities == frozenset()
    assert found["orchestrator#2"].base_url == "http://127.0.0.1:11434/v1"


def test_given_fallbacks_then_twins_come_first_and_unknown_ones_are_left_out(
    tmp_path: Path,
) -> None:
    found = tiers(read(CONFIG, tmp_path))
    assert found["orchestrator"].fallbacks == ("lite/orchestrator#2", "lite/small")
    assert found["small"].fallbacks == ()
    assert found["small"].context_fallbacks == ("lite/orchestrator", "lite/orchestrator#2")


def test_given_a_cloud_entry_then_it_is_taken_up_only_where_clouds_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANNER_KEY", "sk-1")
    told = " ".join(read(CONFIG, tmp_path).left_out)
    assert "“planner” is a cloud model; set cloud = true" in told
    planner = tiers(read(CONFIG, tmp_path, cloud=True))["planner"]
    assert planner.cloud
    assert planner.base_url == "https://api.openai.com/v1"
    assert planner.api_key == "sk-1"
    assert planner.price == Price(1.25, 10.0)


def test_given_a_key_in_a_variable_then_it_leaves_the_environment_only_with_a_tier_that_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANNER_KEY", "sk-1")
    read(CONFIG, tmp_path)  # no clouds: whoever else has use for it gets it
    assert os.environ["PLANNER_KEY"] == "sk-1"
    for _ in range(2):
        assert tiers(read(CONFIG, tmp_path, cloud=True))["planner"].api_key == "sk-1"
        assert "PLANNER_KEY" not in os.environ


def test_given_a_variable_that_cannot_be_one_then_there_is_no_key(tmp_path: Path) -> None:
    text = CONFIG.replace("os.environ/PLANNER_KEY", '"os.environ/\\uD83D"')
    assert tiers(read(text, tmp_path, cloud=True))["planner"].api_key is None


def test_given_what_cannot_be_taken_up_then_each_says_why(tmp_path: Path) -> None:
    told = read(CONFIG, tmp_path).left_out
    assert "“vectors” is for embedding, not for chat." in told
    assert "“far” needs bedrock's own protocol, which StrixDesk does not speak." in told
    assert "Entry 7 of model_list has no model_name." in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model_list: [", "not valid YAML (line"),
        ("", "has no model_list"),
        ("- a", "has no model_list"),
        ("model_list: 3", "has no model_list"),
        ("a: !!python/object/apply:os.system [id]", "not valid YAML"),
    ],
)
def test_given_a_file_that_is_no_configuration_then_it_says_so(
    text: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as raised:
        read(text, tmp_path)
    assert says in raised.value.sentence()


async def test_given_a_missing_file_then_it_says_which(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        await LiteLlmConfig("lite", tmp_path / "no.yaml").read()
    assert "no.yaml could not be read" in raised.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["model_name", "litellm_params", "model_info", "model", "api_base", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), JSON)
def test_given_any_entries_then_each_is_a_tier_or_left_out(entries: list[Any], other: Any) -> None:
    config = {"model_list": entries, "router_settings": other, "litellm_settings": other}
    listing = parse("s", config, cloud=True)
    assert len(listing.models) + len(listing.left_out) == len(entries)
