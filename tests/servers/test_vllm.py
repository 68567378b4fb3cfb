"""vLLM on the CPU with the starter model: slow, but the very server that the box runs."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from strixdesk.backends.box.metrics import Sample, activity_of, parse_metrics
from strixdesk.backends.box.start_phases import Phase, Start, read_start
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.probe import Probe
from strixdesk.backends.tier_keeper import Pace
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.backends.tokenizer import Tokenizer
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.conversation import Message
from strixdesk.core.errors import StreamBroken, TierRefused, TierTimeout
from strixdesk.core.events import TextDelta
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.turn import Usage
from strixdesk.settings import ChatSettings, Settings
from tests.support.asking import Outcome, ask
from tests.support.fakes import Heard
from tests.support.handing_over import session_of
from tests.support.llama import start_llama
from tests.support.ports import free_port
from tests.support.server_process import ENVIRONMENTS, ServerProcess, program, start

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600)]

MODEL = "smollm2"
CONTEXT = 1024
QUESTION = "What is the capital of France? One sentence."
STORY = "Tell me a long story about a fox, a river and a winter night."
HASTE = Pace(watched_s=0.5, idle_s=0.5, loading_s=0.5, away_s=0.5, longest_s=0.5)
VLLM = TierStatus(TierState.READY, 0.0, server="vllm", model=MODEL, context_tokens=CONTEXT)
PATIENT = ChatSettings(max_answer_tokens=60, temperature=0.0, retries=0, first_token_timeout_s=60.0)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Running:
    server: ServerProcess
    states: tuple[TierState, ...]
    """That a watch saw while it started."""

    @property
    def tier(self) -> Tier:
        return Tier("coder", self.server.base_url)


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of two answers whose engine was killed while it wrote them."""

    asked_directly: Outcome
    answer: Message
    """A session's, which had a llama-server to go on with."""


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    serve, port = program("vllm", "bin/vllm"), free_port()
    server = start(
        [
            *(serve, "serve", ENVIRONMENTS / "vllm/model", "--served-model-name", MODEL),
            *("--host", "127.0.0.1", "--port", str(port), "--max-model-len", str(CONTEXT)),
            *("--enforce-eager", "--dtype", "float32"),
        ],
        port,
        tmp_path_factory.mktemp("vllm") / "log",
        {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_SERVER_DEV_MODE": "1",  # opens its routes for sleeping
            # Without its engine it lives on for up to five seconds; here, to be looked at.
            "VLLM_KEEP_ALIVE_ON_ENGINE_DEATH": "1",
        },
    )
    try:
        yield Running(server, _beside(_watched(server)))
    finally:
        server.close()


@pytest.fixture(scope="module")
def killed(vllm: Running, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Its tests stand last: nothing can be asked of the engine afterwards."""
    return _beside(_killed(vllm, tmp_path_factory.mktemp("killed")))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http_client() as client:
        yield client


@pytest.fixture
def chat(http: httpx.AsyncClient) -> ChatClient:
    return ChatClient(PATIENT, lambda _: VLLM, http)


@pytest.fixture
def probe(http: httpx.AsyncClient) -> Probe:
    return Probe(http, timeout_s=30.0)


def _beside(work: Coroutine[Any, Any, _T]) -> _T:
    """On a loop of its own: the fixture outlives that of any test."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _watched(server: ServerProcess) -> tuple[TierState, ...]:
    states: list[TierState] = []
    ready = asyncio.Event()

    def saw(_: Tier, status: TierStatus) -> None:
        states.append(status.state)
        if status.state is TierState.READY:
            ready.set()

    watch = TierWatch([Tier("coder", server.base_url)], pace=HASTE)
    watch.subscribe(saw)
    await watch.start()
    try:
        async with asyncio.timeout(400):
            while not ready.is_set():
                assert server.guard.poll() is None, server.last_words()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ready.wait(), 1.0)
    finally:
        await watch.close()
    return tuple(state for state, _ in groupby(states))


async def _killed(vllm: Running, folder: Path) -> Killed:
    llama = await asyncio.to_thread(start_llama)
    watch = TierWatch([vllm.tier, llama.tier("utility")])
    settings = Settings(chat=PATIENT.model_copy(update={"max_answer_tokens": 400}))
    chat = ChatClient(settings.chat, watch.status_of)
    session = await session_of(Inventory(watch), chat, settings, folder)
    heard = Heard()
    session.subscribe(heard.take)
    try:
        directly = asyncio.create_task(ask(chat, vllm.tier, STORY, max_tokens=400))
        runner = session.begin_typed(STORY)
        await heard.until(
            lambda: len("".join(one.text for one in heard.of(TextDelta)).split()) >= 12,
            within_s=120,
        )
        await asyncio.to_thread(vllm.server.kill_child, "VLLM::EngineCore")
        await session.finished(runner)
        assert runner.answer
        return Killed(await directly, runner.answer)
    finally:
        await session.close()
        await asyncio.to_thread(llama.close)


async def _sampled(http: httpx.AsyncClient, vllm: Running, at: float) -> Sample:
    sample = parse_metrics((await http.get(f"{vllm.server.root}/metrics")).text, at)
    assert sample
    return sample


def _post(vllm: Running, path: str) -> None:
    request = urllib.request.Request(vllm.server.root + path, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310
        pass


# ---- its start ----------------------------------------------------------------------------------


def test_while_it_starts_it_is_unreachable_and_then_ready(vllm: Running) -> None:
    assert vllm.states == (TierState.UNREACHABLE, TierState.READY)


def test_its_log_tells_how_far_its_start_is(vllm: Running) -> None:
    start, phases = Start(), []
    for line in vllm.server.log.read_text(errors="replace").splitlines():
        start = read_start([line], start)
        phases.append(start.phase)
    order = [phase for phase, _ in groupby(phases)]
    assert order == sorted(order, key=list(Phase).index)
    assert {Phase.LOADING, Phase.PROFILING, Phase.WARMING} <= set(order)
    assert start.ready


async def test_it_tells_what_it_serves(vllm: Running, probe: Probe) -> None:
    served = await probe.ask(vllm.tier)
    assert (served.server, served.model, served.context_tokens) == ("vllm", MODEL, CONTEXT)


# ---- its answers --------------------------------------------------------------------------------


async def test_an_answer_streams_with_its_token_count(chat: ChatClient, vllm: Running) -> None:
    outcome = await ask(chat, vllm.tier, QUESTION)
    assert outcome.text == "The capital of France is Paris."
    assert outcome.end
    assert (outcome.end.finish_reason, outcome.end.usage) == ("stop", Usage(40, 8))


async def test_a_begun_answer_is_continued_from_its_very_last_character(
    chat: ChatClient, vllm: Running
) -> None:
    begun, text = "The capital of", ""
    messages = [ChatMessage("user", QUESTION), ChatMessage("assistant", begun)]
    async with contextlib.aclosing(chat.stream(vllm.tier, messages)) as items:
        async for item in items:
            text += item.text if isinstance(item, ChatDelta) else ""
    assert f"{begun}{text}" == "The capital of France is Paris."


async def test_a_word_that_was_cut_is_ended_as_it_began(chat: ChatClient, vllm: Running) -> None:
    begun = ChatMessage("assistant", "The", goes_on=" cap")
    stream = chat.stream(vllm.tier, [ChatMessage("user", QUESTION), begun])
    async with contextlib.aclosing(stream) as items:
        said = "".join([item.text async for item in items if isinstance(item, ChatDelta)])
    assert said.startswith(" capital of France")


async def test_its_tokenizer_counts_what_the_usage_tells(
    chat: ChatClient, vllm: Running, http: httpx.AsyncClient
) -> None:
    prompt = "".join(
        f"<|im_start|>{role}\n{text}<|im_end|>\n"
        for role, text in (("system", "Be brief."), ("user", QUESTION))
    )
    messages = [ChatMessage("system", "Be brief."), ChatMessage("user", QUESTION)]
    usage = None
    async with contextlib.aclosing(chat.stream(vllm.tier, messages)) as items:
        async for item in items:
            usage = item.usage if isinstance(item, ChatEnd) else usage
    counted = await Tokenizer(http, timeout_s=30.0).count(
        vllm.tier, VLLM, f"{prompt}<|im_start|>assistant\n"
    )
    assert usage
    assert counted == usage.prompt_tokens


async def test_given_a_cap_beyond_its_context_then_it_answers_all_the_same(
    http: httpx.AsyncClient, vllm: Running
) -> None:
    generous = ChatClient(PATIENT.model_copy(update={"max_answer_tokens": 4096}), http=http)
    assert (await ask(generous, vllm.tier, QUESTION)).whole


async def test_given_a_question_beyond_its_context_then_the_numbers_are_told(
    chat: ChatClient, vllm: Running
) -> None:
    error = (await ask(chat, vllm.tier, "word " * 2000)).error
    assert isinstance(error, TierRefused)
    assert "longer than “coder” can hold" in error.message
    assert "of 1024 tokens" in error.message


async def test_given_a_model_that_it_lacks_then_that_is_said(
    chat: ChatClient, vllm: Running
) -> None:
    error = (await ask(chat, Tier("coder", vllm.server.base_url, model="nope"))).error
    assert isinstance(error, TierRefused)
    assert error.status == 404
    assert "does not have the model “nope”" in error.message


async def test_its_metrics_tell_how_fast_it_writes(
    chat: ChatClient, vllm: Running, http: httpx.AsyncClient
) -> None:
    before = await _sampled(http, vllm, 0.0)
    outcome = await ask(chat, vllm.tier, QUESTION)
    after = await _sampled(http, vllm, 2.0)
    assert outcome.end
    assert outcome.end.usage
    assert before.written_tokens is not None
    assert after.written_tokens == before.written_tokens + outcome.end.usage.completion_tokens
    activity = activity_of(before, after)
    assert activity.tokens_per_s == outcome.end.usage.completion_tokens / 2.0
    assert activity.kv_cache_use is not None


# ---- asleep ------------------------------------------------------------------------------------


@pytest.fixture
def asleep(vllm: Running) -> Iterator[Running]:
    _post(vllm, "/sleep?level=1")
    yield vllm
    _post(vllm, "/wake_up")


async def test_given_it_sleeps_then_that_is_said_though_its_health_is_good(
    asleep: Running, probe: Probe
) -> None:
    assert asleep.server.answers("/health")
    with pytest.raises(TierRefused, match="“coder” is asleep"):
        await probe.ask(asleep.tier)


async def test_given_it_sleeps_then_a_question_does_not_wait_for_ever(
    asleep: Running, http: httpx.AsyncClient
) -> None:
    hasty = ChatClient(PATIENT.model_copy(update={"first_token_timeout_s": 2.0}), http=http)
    error = (await ask(hasty, asleep.tier, QUESTION)).error
    assert isinstance(error, TierTimeout)
    assert "busy or asleep" in error.advice


async def test_given_it_woke_up_then_it_answers_again(
    chat: ChatClient, vllm: Running, probe: Probe
) -> None:
    _post(vllm, "/sleep?level=1")
    _post(vllm, "/wake_up")
    assert (await probe.ask(vllm.tier)).model == MODEL
    assert (await ask(chat, vllm.tier, QUESTION)).whole


# ---- its end -----------------------------------------------------------------------------------


def test_given_its_engine_dies_in_mid_answer_then_the_answer_is_broken_and_kept(
    killed: Killed,
) -> None:
    assert isinstance(killed.asked_directly.error, StreamBroken)
    assert killed.asked_directly.end is None
    assert len(killed.asked_directly.text.split()) > 3


def test_given_its_engine_dies_in_mid_answer_then_another_server_completes_it(
    killed: Killed,
) -> None:
    (joint,) = killed.answer.hand_overs
    assert (joint.begun_by, joint.continued_by) == ("coder", "utility")
    assert len(killed.answer.text[: joint.at_chars].split()) >= 11
    assert len(killed.answer.text) > joint.at_chars
    assert "  " not in killed.answer.text[joint.at_chars - 30 : joint.at_chars + 30]


@pytest.mark.usefixtures("killed")
async def test_given_its_engine_is_dead_then_that_is_said_though_its_models_are_listed(
    vllm: Running, probe: Probe
) -> None:
    assert vllm.server.answers("/v1/models")
    with pytest.raises(TierRefused, match="its engine has stopped"):
        await probe.ask(vllm.tier)
