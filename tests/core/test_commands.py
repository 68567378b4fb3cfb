"""What is a command to the program, and what is a question for a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from strixdesk.core.box import Box, Deed
from strixdesk.core.commands import Command, Reply, Unclear, command, reply
from strixdesk.core.on_demand import HERE
from strixdesk.core.stack import Stack
from strixdesk.core.tier import Control, ControlKind, Tier
from tests.support.scripted_boxes import BOX, TIERS, stack

STACKS = {BOX: stack()}
ATLAS = Box("atlas", "atlas.tail1234.ts.net")


def meant(text: str) -> Command | None:
    """On the one box there is."""
    return one_of(command(text, TIERS, STACKS))


def one_of(found: tuple[Command, ...] | Unclear) -> Command | None:
    assert not isinstance(found, Unclear)
    assert len(found) <= 1
    return found[0] if found else None


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
    assert (found.deed, found.box, found.services) == (deed, BOX, (service,))


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


def test_a_whole_stack_or_mode_of_several_boxes_is_unclear() -> None:
    both = {BOX: stack(), ATLAS: stack()}
    assert command("start everything", TIERS, both) == Unclear("stack", (BOX, ATLAS))
    assert command("start full mode", TIERS, both) == Unclear("full mode", (BOX, ATLAS))
    assert command("start everything", TIERS, {}) == ()


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
    Tier(
        "swap/qwen", "http://localhost/v1", role="sketcher", control=Control(ControlKind.LLAMA_SWAP)
    ),
    Tier("mine", "http://x/v1", control=Control(ControlKind.COMMAND, start=("serve",))),
    Tier("bare", "http://x/v1"),
)


@pytest.mark.parametrize(
    ("text", "deed", "box", "tiers"),
    [
        ("start the scribe", Deed.START, BOX, ("scribe",)),
        ("stop scribe on strix", Deed.STOP, BOX, ("scribe",)),
        ("load the sketcher", Deed.START, HERE, ("swap/qwen",)),
        ("unload the sketcher and mine", Deed.STOP, HERE, ("swap/qwen", "mine")),
        ("please restart mine", Deed.RESTART, HERE, ("mine",)),
        ("restart mine on this machine", Deed.RESTART, HERE, ("mine",)),
    ],
)
def test_a_tier_that_is_no_compose_service_is_named(
    text: str, deed: Deed, box: Box, tiers: tuple[str, ...]
) -> None:
    found = one_of(command(text, (*TIERS, *OTHERS), STACKS))
    assert found is not None
    assert (found.deed, found.box, found.tiers, found.services) == (deed, box, tiers, ())
    assert not found.by_compose


def test_what_cannot_be_started_from_here_is_no_command() -> None:
    assert command("start bare", (*TIERS, *OTHERS), STACKS) == ()
    assert command("start the coder and bare", (*TIERS, *OTHERS), STACKS) == ()


def test_compose_services_and_others_of_one_box_are_one_command() -> None:
    found = one_of(command("start the coder and the scribe", (*TIERS, *OTHERS), STACKS))
    assert found == Command(
        Deed.START, BOX, ("vllm-coder",), tiers=("scribe",), words="the coder and the scribe"
    )
    assert found.by_compose


def test_tiers_of_this_machine_need_no_box() -> None:
    found = one_of(command("start mine", OTHERS, {}))
    assert found is not None
    assert (found.box, found.tiers) == (HERE, ("mine",))


# ---- several boxes -----------------------------------------------------------------------------

GPU_ONLY, CPU_ONLY = (
    replace(stack(), services=services, modes=())
    for services in (stack().services[:2], stack().services[2:])
)


def each(text: str, stacks: Mapping[Box, Stack]) -> list[tuple[str, tuple[str, ...]]]:
    """Boxes and what is meant on each."""
    found = command(text, OTHERS, stacks)
    assert not isinstance(found, Unclear)
    return [(one.box.name, (*one.services, *one.tiers)) for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "start the coder and the reviewer",
            [("atlas", ("vllm-coder",)), ("strix", ("llama-reviewer",))],
        ),
        (
            "stop the reviewer, the coder and the utility",
            [("strix", ("llama-reviewer", "llama-utility")), ("atlas", ("vllm-coder",))],
        ),
        (
            "stop the coder on atlas and the utility on strix",
            [("atlas", ("vllm-coder",)), ("strix", ("llama-utility",))],
        ),
        ("start the scribe and mine", [("strix", ("scribe",)), ("this machine", ("mine",))]),
    ],
)
def test_tiers_of_two_boxes_are_a_command_for_each(
    text: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert each(text, {ATLAS: GPU_ONLY, BOX: CPU_ONLY}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "start the coder on atlas and the utility on strix",
            [("atlas", ("vllm-coder",)), ("strix", ("llama-utility",))],
        ),
        ("start the coder and the utility on strix", [("strix", ("vllm-coder", "llama-utility"))]),
        (
            "restart the coder and the reviewer on atlas, and the utility on strix please",
            [("atlas", ("vllm-coder", "llama-reviewer")), ("strix", ("llama-utility",))],
        ),
        ("shut the coder down on atlas", [("atlas", ("vllm-coder",))]),
    ],
)
def test_a_box_that_is_named_tells_which_of_the_same_name_is_meant(
    text: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert each(text, {ATLAS: stack(), BOX: stack()}) == expected


@pytest.mark.parametrize("text", ["start the coder", "stop the utility on strix and the coder"])
def test_what_two_boxes_have_is_unclear(text: str) -> None:
    oak = Box("oak", "oak.tail1234.ts.net")
    found = command(text, (), {ATLAS: stack(), BOX: CPU_ONLY, oak: GPU_ONLY})
    assert found == Unclear("coder", (ATLAS, oak))


def test_what_the_box_that_is_named_does_not_have_is_no_command() -> None:
    assert each("start the coder on strix", {ATLAS: stack(), BOX: CPU_ONLY}) == []


def test_a_name_that_nobody_has_makes_it_a_question() -> None:
    assert command("start the coder and the kettle", (), {ATLAS: stack(), BOX: stack()}) == ()
