"""What is a command to the program, and what is a question for a model."""

from __future__ import annotations

import pytest

from strixdesk.core.box import Deed
from strixdesk.core.commands import Command, Reply, command, reply
from strixdesk.core.tier import Control, ControlKind, Tier
from tests.support.scripted_boxes import TIERS, stack

STACKS = {"strix": stack()}


def meant(text: str) -> Command | None:
    return command(text, TIERS, STACKS)


@pytest.mark.parametrize(
    ("text", "deed", "service"),
    [
        ("Start the coder.", Deed.START, "vllm-coder"),
        ("stop the reviewer", Deed.STOP, "llama-reviewer"),
        ("restart utility", Deed.RESTART, "llama-utility"),
        ("Hey, could you please start the coder?", Deed.START, "vllm-coder"),
        ("please shut the reviewer down now", Deed.STOP, "llama-reviewer"),
        ("Bring up the coder tier, please.", Deed.START, "vllm-coder"),
        ("start vllm-coder", Deed.START, "vllm-coder"),
        ("start vllm coder on strix", Deed.START, "vllm-coder"),
    ],
)
def test_a_service_is_named_by_name_role_or_tier(text: str, deed: Deed, service: str) -> None:
    found = meant(text)
    assert found is not None
    assert (found.deed, found.box, found.services) == (deed, "strix", (service,))


def test_several_are_named_at_once() -> None:
    found = meant("start the coder, the reviewer and utility")
    assert found is not None
    assert found.services == ("vllm-coder", "llama-reviewer", "llama-utility")
    assert found.words == "the coder, the reviewer and the utility"


@pytest.mark.parametrize(
    ("text", "mode"),
    [("full mode", "full"), ("start gpu mode", "gpu"), ("switch to the cpu mode please", "cpu")],
)
def test_a_mode_is_named(text: str, mode: str) -> None:
    found = meant(text)
    assert found is not None
    assert (found.deed, found.mode, found.services) == (Deed.START, mode, ())


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("start everything", Deed.START),
        ("Shut down the stack!", Deed.STOP),
        ("stop everything", Deed.STOP),
    ],
)
def test_the_whole_stack_is_named(text: str, deed: Deed) -> None:
    found = meant(text)
    assert found is not None
    assert (found.deed, found.mode, found.services) == (deed, None, ())


@pytest.mark.parametrize(
    "text",
    [
        "How do I start the coder?",
        "start the coder and tell me a joke",
        "Why did you stop the reviewer",
        "start the engine",
        "stop the war",
        "what is gpu mode",
        "start",
        "",
        "restart the coder when the utility is ready",
    ],
)
def test_a_question_that_merely_contains_such_words_is_a_question(text: str) -> None:
    assert meant(text) is None


def test_a_whole_stack_of_several_boxes_is_nobodys() -> None:
    assert command("start everything", TIERS, {"strix": stack(), "other": stack()}) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes.", Reply.YES),
        ("yes, please", Reply.YES),
        ("Okay, go ahead", Reply.YES),
        ("No!", Reply.NO),
        ("no thanks", Reply.NO),
        ("Stop!", Reply.STOP),
        ("please cancel", Reply.STOP),
        ("Start anyway.", Reply.ANYWAY),
        ("yes but what is a tensor", None),
        ("stop the coder", None),
    ],
)
def test_replies_are_whole_utterances(text: str, answer: Reply | None) -> None:
    assert reply(text) is answer


OTHERS = (
    Tier("scribe", "http://x/v1", control=Control(ControlKind.SYSTEMD, "strix", "scribe.service")),
    Tier("swap/qwen", "http://x/v1", role="sketcher", control=Control(ControlKind.LLAMA_SWAP)),
    Tier("mine", "http://x/v1", control=Control(ControlKind.COMMAND, start=("serve",))),
    Tier("bare", "http://x/v1"),
)


@pytest.mark.parametrize(
    ("text", "deed", "box", "tiers"),
    [
        ("start the scribe", Deed.START, "strix", ("scribe",)),
        ("stop scribe on strix", Deed.STOP, "strix", ("scribe",)),
        ("load the sketcher", Deed.START, "", ("swap/qwen",)),
        ("unload the sketcher and mine", Deed.STOP, "", ("swap/qwen", "mine")),
        ("please restart mine", Deed.RESTART, "", ("mine",)),
    ],
)
def test_a_tier_that_is_no_compose_service_is_named(
    text: str, deed: Deed, box: str, tiers: tuple[str, ...]
) -> None:
    found = command(text, (*TIERS, *OTHERS), STACKS)
    assert found is not None
    assert (found.deed, found.box, found.tiers, found.services) == (deed, box, tiers, ())


@pytest.mark.parametrize(
    "text",
    ["start bare", "start the scribe and mine", "start the coder and the scribe"],
)
def test_what_cannot_be_done_as_one_is_no_command(text: str) -> None:
    """No control; two machines; compose and something else."""
    assert command(text, (*TIERS, *OTHERS), STACKS) is None


def test_tiers_of_this_machine_need_no_box() -> None:
    found = command("start mine", OTHERS, {})
    assert found is not None
    assert (found.box, found.tiers) == ("", ("mine",))
