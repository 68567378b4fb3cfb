"""LiteLLM's proxy in front of two real llama-servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.endpoints import Endpoint
from strixdesk.backends.inventory.litellm_config import LiteLlmConfig
from strixdesk.backends.inventory.source import Listed
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import TierRefused, TierUnreachable
from strixdesk.core.tier import Tier, TierState
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.llama import LlamaServer, start_llama
from tests.support.ports import free_port
from tests.support.server_process import ServerProcess, program, start

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(300)]

KEY = "sk-desk"
SMALL_CONTEXT = 512
CONFIG = """
model_list:
  - model_name: orchestrator
    litellm_params: {{model: openai/big, api_base: "{big}", api_key: none}}
    model_info: {{id: big, max_input_tokens: 2048}}
  - model_name: utility
    litellm_params: {{model: openai/small, api_base: "{small}", api_key: none}}
    model_info: {{id: small}}
  - model_name: coder
    litellm_params: {{model: openai/gone, api_base: "{gone}", api_key: none}}
  - model_name: reviewer
    litellm_params: {{model: openai/gone, api_base: "{gone}", api_key: none}}
  - model_name: doomed
    litellm_params: {{model: openai/doomed, api_base: "{doomed}", api_key: none}}
router_settings:
  num_retries: 0
  fallbacks: [{{coder: [utility]}}]
  context_window_fallbacks: [{{utility: [orchestrator]}}]
litellm_settings: {{num_retries: 0, telemetry: false}}
general_settings: {{master_key: {key}}}
"""


@pytest.fixture(scope="module")
def doomed() -> Iterator[LlamaServer]:
    """One of its tests kills it."""
    with _llama("doomed") as server:
        yield server


@pytest.fixture(scope="module")
def config(doomed: LlamaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("litellm") / "config.yaml"
    with _llama("big") as big, _llama("small", SMALL_CONTEXT) as small:
        path.write_text(
            CONFIG.format(
                big=big.base_url,
                small=small.base_url,
                doomed=doomed.base_url,
                gone=f"http://127.0.0.1:{free_port()}/v1",
                key=KEY,
            )
        )
        yield path


@pytest.fixture(scope="module")
def proxy(config: Path) -> Iterator[ServerProcess]:
    litellm = program("litellm", "bin/litellm")
    port = free_port()
    server = start(
        [litellm, "--config", config, "--host", "127.0.0.1", "--port", str(port)],
        port,
        config.with_name("log"),
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": f"{litellm.parent}:{os.environ['PATH']}"},
    )
    try:
        server.wait_until("/health/liveliness", within_s=120)
        yield server
    finally:
        server.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http_client() as client:
        yield client


@pytest.fixture
def chat(http: httpx.AsyncClient) -> ChatClient:
    return ChatClient(ChatSettings(max_answer_tokens=60, retries=0), http=http)


@pytest.fixture
async def listed(proxy: ServerProcess, http: httpx.AsyncClient) -> dict[str, Listed]:
    endpoint = Endpoint("proxy", "litellm", proxy.base_url, http, api_key=KEY)
    return {one.tier.role: one for one in (await endpoint.read()).models}


@contextlib.contextmanager
def _llama(alias: str, context: int = 2048) -> Iterator[LlamaServer]:
    server = start_llama(alias=alias, context=context)
    try:
        yield server
    finally:
        server.close()


# ---- the proxy as a source of tiers -----------------------------------------------------------


async def test_its_models_are_tiers_with_what_the_proxy_knows_of_them(
    listed: dict[str, Listed],
) -> None:
    assert set(listed) == {"orchestrator", "utility", "coder", "reviewer", "doomed"}
    orchestrator = listed["orchestrator"]
    assert orchestrator.tier.name == "proxy/orchestrator"
    assert orchestrator.state is TierState.READY
    assert orchestrator.context_tokens == 2048
    assert orchestrator.server == "litellm"
    assert not orchestrator.tier.cloud


async def test_an_answer_streams_through_it_with_its_token_count(
    chat: ChatClient, listed: dict[str, Listed]
) -> None:
    outcome = await ask(chat, listed["orchestrator"].tier)
    assert "Paris" in outcome.text
    assert outcome.end
    assert outcome.end.finish_reason == "stop"
    assert outcome.end.usage
    assert outcome.end.usage.prompt_tokens > 20


async def test_given_a_dead_server_with_a_fallback_then_the_proxy_answers_from_that(
    chat: ChatClient, listed: dict[str, Listed]
) -> None:
    outcome = await ask(chat, listed["coder"].tier)
    assert outcome.whole
    assert "Paris" in outcome.text


async def test_given_a_dead_server_without_a_fallback_then_it_is_a_failure_that_may_pass(
    chat: ChatClient, listed: dict[str, Listed]
) -> None:
    error = (await ask(chat, listed["reviewer"].tier)).error
    assert isinstance(error, TierRefused)
    assert error.passing
    assert "“reviewer” failed (HTTP 500)" in error.message
    assert "Connection error" in error.message


async def test_given_a_model_that_it_lacks_then_that_is_said(
    chat: ChatClient, proxy: ServerProcess
) -> None:
    error = (await ask(chat, _tier(proxy, model="nope"))).error
    assert isinstance(error, TierRefused)
    assert "does not have the model “nope”" in error.message


@pytest.mark.parametrize(
    ("key", "words"),
    [("sk-wrong", "did not accept the API key"), (None, "wants an API key, and none is set")],
)
async def test_given_no_or_a_wrong_key_then_that_is_said(
    chat: ChatClient, proxy: ServerProcess, key: str | None, words: str
) -> None:
    error = (await ask(chat, _tier(proxy, api_key=key))).error
    assert isinstance(error, TierRefused)
    assert words in error.message


async def test_given_a_wrong_key_then_the_source_says_so_too(
    proxy: ServerProcess, http: httpx.AsyncClient
) -> None:
    with pytest.raises(TierRefused, match="did not accept the API key"):
        await Endpoint("proxy", "litellm", proxy.root, http, api_key="sk-wrong").read()


async def test_given_a_question_too_long_for_every_server_then_that_is_said(
    chat: ChatClient, listed: dict[str, Listed]
) -> None:
    error = (await ask(chat, listed["utility"].tier, "word " * 4000)).error
    assert isinstance(error, TierRefused)
    assert "longer than “utility” can hold (4031 of 512 tokens)" in error.message
    assert not error.passing


async def test_a_server_killed_in_mid_answer_is_hidden_by_the_proxy_which_calls_it_finished(
    chat: ChatClient, listed: dict[str, Listed], doomed: LlamaServer
) -> None:
    """A limit of LiteLLM 1.82.6 that no client can see through: the cut answer ends with
    `finish_reason: "stop"` and `[DONE]`, as a whole one does. Asked directly, as the tiers of its
    config.yaml are, the same server's end is noticed."""
    text, end = "", None
    stream = chat.stream(
        listed["doomed"].tier,
        [ChatMessage("user", "Tell me a long story about a fox, a river and a winter night.")],
        max_tokens=1000,
    )
    async with contextlib.aclosing(stream) as items:
        async for item in items:
            match item:
                case ChatDelta():
                    text += item.text
                    if len(text.split()) == 12:
                        await asyncio.to_thread(doomed.kill)
                case ChatEnd():
                    end = item
    assert end
    assert end.finish_reason == "stop"
    assert len(text.split()) < 700


# ---- its configuration read without it ----------------------------------------------------------


async def test_the_tiers_of_its_configuration_answer_without_the_proxy(
    config: Path, chat: ChatClient
) -> None:
    listing = await LiteLlmConfig("direct", config).read()
    tiers = {one.tier.role: one.tier for one in listing.models}
    assert set(tiers) == {"orchestrator", "utility", "coder", "reviewer", "doomed"}
    assert tiers["coder"].fallbacks == ("direct/utility",)
    assert tiers["utility"].context_fallbacks == ("direct/orchestrator",)
    for role in ("orchestrator", "utility"):
        outcome = await ask(chat, tiers[role])
        assert outcome.whole
        assert "Paris" in outcome.text
    assert isinstance((await ask(chat, tiers["coder"])).error, TierUnreachable)
    too_long = (await ask(chat, tiers["utility"], "word " * 2000)).error
    assert isinstance(too_long, TierRefused)
    assert "2031 tokens" in too_long.message or "512" in too_long.message


def _tier(proxy: ServerProcess, model: str = "orchestrator", api_key: str | None = KEY) -> Tier:
    return Tier("proxy", proxy.base_url, model=model, api_key=api_key)
