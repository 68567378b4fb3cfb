"""llama-server as a router of three models: the real executable, one model in memory at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.unit_control import control_of
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.inventory.endpoints import Endpoint
from strixdesk.backends.inventory.inventory import Inventory, SourcePace
from strixdesk.backends.inventory.source import Listing, Source
from strixdesk.backends.probe import Probe
from strixdesk.backends.tier_keeper import Pace
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.backends.tokenizer import Tokenizer
from strixdesk.core.chat import ChatDelta, ChatMessage
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import CommandFailed, StreamBroken, TierLoading, TierRefused
from strixdesk.core.events import TextDelta
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.settings import ChatSettings, Settings
from tests.support.asking import Outcome, ask
from tests.support.eventually import eventually
from tests.support.fakes import Heard
from tests.support.handing_over import session_of
from tests.support.llama import start_llama
from tests.support.llama_router import (
    CONTEXT,
    listed,
    llama_router,
    load,
    loading,
    post,
    states,
    tier,
    until,
)
from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(300)]

STORY = "Tell me a long story about a fox, a river and a winter night."
TEXT = "The quick brown fox jumps over the lazy dog."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with llama_router(tmp_path_factory.mktemp("router")) as server:
        yield server


@pytest.fixture
async def router(running: ServerProcess) -> ServerProcess:
    """With nothing in memory."""
    for model, state in states(running).items():
        if state != "unloaded":
            await post(running, "/models/unload", {"model": model})
    await eventually(lambda: set(states(running).values()) == {"unloaded"}, within_s=30)
    return running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http_client() as client:
        yield client


@pytest.fixture
def chat(http: httpx.AsyncClient) -> ChatClient:
    return ChatClient(ChatSettings(max_answer_tokens=60, retries=0), http=http)


async def until_words(
    chat: ChatClient, asked: Tier, words: int, then: Callable[[], Awaitable[object]]
) -> str:
    """A long answer, and what is done in the middle of it. Raises what the answer ends with."""
    text, done = "", False
    stream = chat.stream(asked, [ChatMessage("user", STORY)], max_tokens=300)
    async with contextlib.aclosing(stream) as items:
        async for item in items:
            if isinstance(item, ChatDelta):
                text += item.text
                if not done and len(text.split()) >= words:
                    done = True
                    await then()
    return text


# ---- the router as a source of tiers ------------------------------------------------------------


async def test_its_models_are_tiers_none_of_them_in_memory_and_to_list_them_loads_none(
    router: ServerProcess,
) -> None:
    found = await listed(router)
    assert set(found) == {"alpha", "beta", "broken"}
    for one in found.values():
        assert one.unloaded
        assert one.detail == "It is loaded when it is asked."
        assert one.server == "llama.cpp"
        assert one.context_tokens is None
    assert set(states(router).values()) == {"unloaded"}


async def test_asked_an_unloaded_tier_is_loaded_and_tells_its_context_and_the_next_one_swaps(
    router: ServerProcess, chat: ChatClient
) -> None:
    for asked, other in (("alpha", "beta"), ("beta", "alpha")):
        outcome = await ask(chat, (await listed(router))[asked].tier)
        assert outcome.whole
        assert "Paris" in outcome.text
        found = await listed(router)
        assert (found[asked].unloaded, found[other].unloaded) == (False, True)
        assert (found[asked].detail, found[asked].context_tokens) == ("", CONTEXT)


async def test_given_one_that_is_loading_then_it_is_told(
    router: ServerProcess, http: httpx.AsyncClient
) -> None:
    async with loading(router, "alpha"):
        found = (await listed(router))["alpha"]
        assert (found.state, found.unloaded) == (TierState.LOADING, False)
        with pytest.raises(TierLoading):
            await Probe(http).ask(tier(router, "alpha"))
    assert (await listed(router))["alpha"].state is TierState.READY


async def test_one_that_cannot_be_loaded_is_a_refusal_in_words_and_is_told_of_in_the_list(
    router: ServerProcess, chat: ChatClient
) -> None:
    error = (await ask(chat, tier(router, "broken"))).error
    assert isinstance(error, TierRefused)
    assert "broken failed to load" in error.message
    await until(router, "broken", "unloaded")
    found = (await listed(router))["broken"]
    assert found.unloaded
    assert found.detail == "It ended with exit status 1, and is loaded again when it is asked."


async def test_a_model_that_it_lacks_is_refused_with_those_that_it_has(
    router: ServerProcess, chat: ChatClient, http: httpx.AsyncClient
) -> None:
    error = (await ask(chat, tier(router, "nope"))).error
    assert isinstance(error, TierRefused)
    assert "nope" in error.message
    with pytest.raises(TierRefused, match="alpha, beta"):
        await Probe(http).ask(tier(router, "nope"))


class Counted:
    """A source that knows how often it was read."""

    def __init__(self, source: Source) -> None:
        self.name, self.reads = source.name, 0
        self._source = source

    async def read(self) -> Listing:
        self.reads += 1
        return await self._source.read()


# ---- polled -------------------------------------------------------------------------------------


async def test_polled_for_its_health_nothing_is_loaded_and_nothing_shown_as_loaded(
    router: ServerProcess, http: httpx.AsyncClient
) -> None:
    watch = TierWatch([tier(router, "alpha"), tier(router, "beta")], pace=Pace(0.2, 0.05))
    source = Counted(Endpoint("desk", "llama-swap", router.root, http))
    inventory = Inventory(watch, [source], pace=SourcePace(0.1))
    told: list[tuple[str, TierStatus]] = []
    inventory.subscribe(lambda tier, status: told.append((tier.name, status)))
    await inventory.start()
    try:
        await eventually(lambda: source.reads > 20, within_s=60)
        await inventory.refresh()
        for one in inventory.all():
            await inventory.ensure_ready(one)
        ready = [status for _, status in told if status.state is TierState.READY]
        assert len({name for name, _ in told}) == 5
        assert len(ready) >= 5
        assert all(status.unloaded for status in ready)
        assert set(states(router).values()) == {"unloaded"}
    finally:
        await inventory.close()


async def test_what_is_loaded_and_unloaded_elsewhere_is_noticed(router: ServerProcess) -> None:
    watch = TierWatch([tier(router, "alpha")], pace=Pace(0.2, 0.05))
    await watch.start()

    def status() -> TierStatus:
        return watch.statuses()["alpha"]

    try:
        await eventually(lambda: status().unloaded, within_s=10)
        await load(router, "alpha")
        await eventually(
            lambda: status().state is TierState.READY and not status().unloaded, within_s=20
        )
        assert (status().context_tokens, status().detail) == (CONTEXT, "")
        await post(router, "/models/unload", {"model": "alpha"})
        await eventually(lambda: status().unloaded, within_s=20)
        assert status().context_tokens is None
    finally:
        await watch.close()


async def test_a_model_that_fell_asleep_is_not_loaded_and_no_look_wakes_it_but_a_question(
    tmp_path: Path, chat: ChatClient, http: httpx.AsyncClient
) -> None:
    with llama_router(tmp_path, "--sleep-idle-seconds", "1") as router:
        asked = tier(router, "alpha")
        assert "Paris" in (await ask(chat, asked)).text
        await until(router, "alpha", "sleeping")
        for _ in range(10):
            assert (await Probe(http).ask(asked)).unloaded
            assert (await listed(router))["alpha"].unloaded
        assert states(router)["alpha"] == "sleeping"
        assert "Paris" in (await ask(chat, asked)).text


# ---- what is asked of one model -----------------------------------------------------------------


async def test_tokens_are_counted_by_a_loaded_model_and_no_model_is_loaded_to_count(
    router: ServerProcess, http: httpx.AsyncClient
) -> None:
    tokenizer = Tokenizer(http)
    await load(router, "alpha")
    alpha, beta = tier(router, "alpha"), tier(router, "beta")
    probe = Probe(http)
    for asked, expected in ((alpha, 10), (beta, None)):
        served = await probe.ask(asked)
        status = TierStatus(TierState.READY, 0.0, model=served.model, server=served.server)
        assert await tokenizer.count(asked, status, TEXT) == expected
    assert states(router) == {"alpha": "loaded", "beta": "unloaded", "broken": "unloaded"}


async def test_a_question_too_long_for_it_is_refused_with_both_counts(
    router: ServerProcess, chat: ChatClient
) -> None:
    error = (await ask(chat, tier(router, "alpha"), "word " * 4000)).error
    assert isinstance(error, TierRefused)
    assert f"of {CONTEXT:,} tokens" in error.message or f"of {CONTEXT} tokens" in error.message


# ---- loaded and unloaded from here --------------------------------------------------------------


async def test_its_control_loads_and_unloads_and_says_what_it_found(
    router: ServerProcess, http: httpx.AsyncClient
) -> None:
    found = (await listed(router))["alpha"].tier
    control = control_of(found, LocalShell(), http)
    assert control
    assert await control.is_running() is False
    await control.stop()
    for _ in range(2):
        await control.start()
        assert await control.is_running() is True
        assert states(router)["alpha"] == "loaded"
    await control.stop()
    assert states(router)["alpha"] == "unloaded"


async def test_a_load_that_fails_is_told(router: ServerProcess, http: httpx.AsyncClient) -> None:
    control = control_of(tier(router, "broken"), LocalShell(), http)
    assert control
    with pytest.raises(CommandFailed, match="“broken” could not be loaded"):
        await control.start()


async def test_given_a_router_that_loads_nothing_by_itself_then_its_models_wait_to_be_started(
    tmp_path: Path, chat: ChatClient, http: httpx.AsyncClient
) -> None:
    with llama_router(tmp_path, "--no-models-autoload") as router:
        found = (await listed(router))["alpha"]
        assert (found.state, found.unloaded) == (TierState.STOPPED, False)
        with pytest.raises(TierRefused, match="only when it is told to"):
            await Probe(http).ask(found.tier)
        error = (await ask(chat, found.tier)).error
        assert isinstance(error, TierRefused)
        assert "model is not loaded" in error.message
        control = control_of(found.tier, LocalShell(), http)
        assert control
        await control.start()
        assert (await listed(router))["alpha"].state is TierState.READY
        assert "Paris" in (await ask(chat, found.tier)).text


# ---- in the middle of an answer -----------------------------------------------------------------


async def test_asked_for_another_model_meanwhile_then_the_answer_ends_first_and_both_are_whole(
    router: ServerProcess, chat: ChatClient
) -> None:
    other: list[asyncio.Task[Outcome]] = []

    async def ask_other() -> None:
        other.append(asyncio.create_task(ask(chat, tier(router, "beta"))))

    story = await until_words(chat, tier(router, "alpha"), 12, ask_other)
    assert len(story.split()) > 50
    outcome = await other[0]
    assert outcome.whole
    assert "Paris" in outcome.text


async def test_a_model_killed_in_mid_answer_is_a_broken_answer_and_answers_again(
    router: ServerProcess, chat: ChatClient
) -> None:
    async def kill() -> None:
        await asyncio.to_thread(router.kill_child, "alias alpha")

    with pytest.raises(StreamBroken):
        await until_words(chat, tier(router, "alpha"), 12, kill)
    await until(router, "alpha", "unloaded")
    found = (await listed(router))["alpha"]
    assert found.unloaded
    assert found.detail.startswith("It ended with exit status ")
    assert "Paris" in (await ask(chat, found.tier)).text


async def test_a_model_killed_in_mid_answer_is_handed_over_or_labelled_incomplete(
    router: ServerProcess, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    second = await asyncio.to_thread(start_llama)
    watch = TierWatch([tier(router, "alpha"), second.tier("utility")])
    settings = Settings(chat=ChatSettings(max_answer_tokens=400, retries=0))
    chat = ChatClient(settings.chat, watch.status_of, http)
    session = await session_of(Inventory(watch), chat, settings, tmp_path)
    heard = Heard()
    session.subscribe(heard.take)
    try:
        runner = session.begin_typed(STORY)

        def words() -> str:
            return "".join(delta.text for delta in heard.of(TextDelta))

        await heard.until(lambda: len(words().split()) >= 12, within_s=60)
        before = words()
        await asyncio.to_thread(router.kill_child, "alias alpha")
        await session.finished(runner)
        answer = runner.answer
        assert answer is not None
        assert answer.text.startswith(before)
        assert answer.text.count(before) == 1
        assert "proxy error" not in answer.text
        assert answer.status in {MessageStatus.COMPLETE, MessageStatus.INCOMPLETE}
        (joint,) = answer.hand_overs
        assert (joint.begun_by, joint.continued_by) == ("alpha", "utility")
    finally:
        await session.close()
        second.close()
