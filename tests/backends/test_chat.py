from __future__ import annotations

import asyncio
import base64
import gc
import logging
import sys
from pathlib import Path

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.core.turn import Usage
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import (
    DONE,
    Cut,
    FaultServer,
    Hold,
    Pause,
    Script,
    Step,
    event,
    http,
    says,
    stream,
)

RECORDED = Path(__file__).parent / "recorded"


def replay(name: str) -> Script:
    return stream((RECORDED / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("llama/chat.sse", ChatEnd("length", Usage(37, 32), "reviewer")),
        ("vllm/chat.sse", ChatEnd("stop", Usage(37, 8), "orchestrator")),
        ("litellm/chat.sse", ChatEnd("stop", Usage(40, 8), "reviewer")),
    ],
)
async def test_recorded_answers_of_each_server_are_read_to_their_end(
    name: str, end: ChatEnd, faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(replay(name))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.end == end
    assert outcome.text
    assert outcome.thinking == ""


async def test_vllms_reasoning_is_thinking(faults: FaultServer, chat: ChatClient) -> None:
    faults.on_chat(replay("vllm/thinking.sse"))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.whole
    assert outcome.thinking == "The capital of France is Paris."
    assert outcome.text == ""


@pytest.mark.parametrize(
    "deltas",
    [
        [says(reasoning_content="Hm."), says("Paris.")],
        [says(reasoning="Hm."), says("Paris.")],
        [says("<thi"), says("nk>H"), says("m.</th"), says("ink>\n\nPar"), says("is.")],
        [says(reasoning="Hm.", reasoning_content="Hm."), says("Paris.")],
    ],
)
async def test_thinking_is_told_from_the_answer_however_it_is_sent(
    deltas: list[bytes], faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(stream(*deltas, says(finish="stop"), DONE))
    outcome = await ask(chat, faults.tier(model="m"))
    assert (outcome.thinking, outcome.text) == ("Hm.", "Paris.")


async def test_a_character_cut_over_two_deltas_is_one_character(
    faults: FaultServer, chat: ChatClient
) -> None:
    halves = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % half for half in
              (rb"an owl: \ud83e", rb"\udd89!", rb" lost: \ud83e", rb" end")]  # fmt: skip
    faults.on_chat(stream(*halves, says(finish="stop"), DONE))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.text == "an owl: 🦉! lost: � end"


async def test_a_server_that_does_not_stream_is_understood(
    faults: FaultServer, chat: ChatClient
) -> None:
    body = (
        b'{"model":"m1","choices":[{"message":{"role":"assistant","content":"Paris."},'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    )
    faults.on_chat(http(200, body))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.text == "Paris."
    assert outcome.end == ChatEnd("stop", Usage(3, 2), "m1")


async def test_deltas_arrive_while_the_answer_is_still_written(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(stream(says("Paris"), Hold()))
    answer = chat.stream(faults.tier(model="m"), [ChatMessage("user", "?")])
    async with asyncio.timeout(30):
        first = await anext(answer)
    assert first == ChatDelta(text="Paris")
    await answer.aclose()


# ---- what is sent ----------------------------------------------------------------------------

GOOD = stream(says("ok", finish="stop"), DONE)


async def test_the_request_has_the_model_the_key_and_asks_for_the_token_count(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(GOOD)
    await ask(chat, faults.tier(model="m7", api_key="k-1"), "Hello", max_tokens=33)
    (request,) = faults.requests
    assert request.headers["authorization"] == "Bearer k-1"
    assert request.json == {
        "model": "m7",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 33,
    }


async def test_without_a_key_no_authorization_is_sent(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(GOOD)
    await ask(chat, faults.tier(model="m"))
    assert "authorization" not in faults.requests[0].headers


async def test_pictures_go_as_data_before_the_text(faults: FaultServer, chat: ChatClient) -> None:
    faults.on_chat(GOOD)
    await ask(chat, faults.tier(model="m"), "What is it?", images=[b"\x89PNG"])
    (message,) = faults.requests[0].json["messages"]
    picture = base64.b64encode(b"\x89PNG").decode()
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        {"type": "text", "text": "What is it?"},
    ]


async def test_the_server_is_asked_for_its_model_where_nobody_knows_it(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on("/v1/models", http(200, (RECORDED / "vllm/models.json").read_bytes()))
    faults.on_chat(GOOD)
    await ask(chat, faults.tier())
    assert faults.asked("/v1/chat/completions")[0].json["model"] == "orchestrator"


async def test_what_was_learnt_of_a_tier_gives_model_and_limit(faults: FaultServer) -> None:
    learnt = TierStatus(TierState.READY, 0.0, model="learnt", context_tokens=1000)
    chat = ChatClient(ChatSettings(), lambda tier: learnt)
    faults.on_chat(GOOD)
    await ask(chat, faults.tier())
    await chat.close()
    sent = faults.requests[0].json
    assert sent["model"] == "learnt"
    assert sent["max_tokens"] == 500, "the other half is left for the question"


@pytest.mark.parametrize(
    ("objection", "gone"),
    [
        ((RECORDED / "vllm/answer_too_long.json").read_bytes(), "max_tokens"),
        (b'{"error":{"message":"Unknown field: stream_options"}}', "stream_options"),
        (b'{"error":{"message":"Unsupported value: temperature"}}', "temperature"),
        (b'{"error":{"message":"Use max_completion_tokens instead of max_tokens"}}', "max_tokens"),
    ],
)
async def test_a_request_gives_way_to_what_the_server_objects_to(
    objection: bytes, gone: str, faults: FaultServer
) -> None:
    chat = ChatClient(ChatSettings(temperature=0.5))
    faults.on_chat(http(400, objection), GOOD)
    outcome = await ask(chat, faults.tier(model="m"))
    await chat.close()
    first, second = (request.json for request in faults.requests)
    assert outcome.text == "ok"
    assert gone in first
    assert gone not in second


async def test_half_characters_in_a_question_do_not_stop_it(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(GOOD)
    outcome = await ask(chat, faults.tier(model="m"), "pasted \ud83e half")
    assert outcome.whole


# ---- ending early ----------------------------------------------------------------------------


async def test_closing_the_answer_hangs_up_at_once(faults: FaultServer, chat: ChatClient) -> None:
    faults.on_chat(stream(says("Once upon"), Hold()))
    answer = chat.stream(faults.tier(model="m"), [ChatMessage("user", "?")])
    await anext(answer)
    await answer.aclose()
    async with asyncio.timeout(30):
        await faults.left.wait()


@pytest.mark.parametrize("script", [[Hold()], stream(Hold()), stream(says("Once"), Hold())])
async def test_cancelling_whoever_reads_hangs_up_at_once(
    script: Script, faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(script)
    reading = asyncio.create_task(ask(chat, faults.tier(model="m")))
    async with asyncio.timeout(30):
        await faults.asked_something.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(30):
        await faults.left.wait()


async def test_no_connection_is_left_behind(faults: FaultServer, impatient: ChatSettings) -> None:
    chat = ChatClient(impatient)
    faults.on_chat(GOOD, stream(says("x"), Hold()), http(500, b"no"), stream(says("x")), [Hold()])
    for _ in range(5):
        await ask(chat, faults.tier(model="m"))
    await chat.close()
    async with asyncio.timeout(30):
        await faults.idle.wait()


@pytest.mark.parametrize("rest", [[Hold()], [says(finish="stop"), DONE, Hold()], [Cut()]])
async def test_nothing_is_left_for_the_garbage_collector_to_close(
    rest: list[Step], faults: FaultServer, chat: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some event loops (qasync's) do not look after abandoned generators."""
    gc.collect()  # what other tests have left
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=None, finalizer=None)
    try:
        faults.on_chat(stream(says("Once"), *rest))
        answer = chat.stream(faults.tier(model="m"), [ChatMessage("user", "?")])
        assert await anext(answer) == ChatDelta("Once")
        if rest[0] is not rest[-1]:
            assert isinstance(await anext(answer), ChatEnd)
        await answer.aclose()
        del answer
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert complaints == []


async def test_two_answers_at_once_do_not_mix(faults: FaultServer, chat: ChatClient) -> None:
    def slowly(word: str) -> Script:
        return stream(says(word), Pause(0.05), says(word), says(finish="stop"), DONE)

    faults.on_chat(slowly("a"), slowly("b"))
    one, two = await asyncio.gather(*(ask(chat, faults.tier(model="m")) for _ in range(2)))
    assert sorted([one.text, two.text]) == ["aa", "bb"]


async def test_neither_key_nor_words_are_logged(
    faults: FaultServer, chat: ChatClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    faults.on_chat(stream(event({"error": {"message": "x"}})), GOOD)
    for _ in range(2):
        await ask(chat, faults.tier(model="m", api_key="k-secret"), "my private words")
    assert "k-secret" not in caplog.text
    assert "private" not in caplog.text
    assert "127.0.0.1" not in caplog.text
