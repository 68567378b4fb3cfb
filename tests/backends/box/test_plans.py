from __future__ import annotations

from dataclasses import replace

import pytest

from strixdesk.backends.box.operations import Wish, ends
from strixdesk.backends.box.plans import Act, Plan, Step, make_plan
from strixdesk.core.box import Deed
from strixdesk.core.errors import BoxError
from strixdesk.core.stack import Engine, Mode, Service, Stack

ORCHESTRATOR = Service("vllm_orchestrator", Engine.VLLM, gpu_fraction=0.35)
CODER = Service("vllm_coder", Engine.VLLM, gpu_fraction=0.6, depends_on=("vllm_orchestrator",))
REVIEWER = Service("llama_reviewer", Engine.LLAMA_CPP)
UTILITY = Service("llama_utility", Engine.LLAMA_CPP)
GPU = Mode("gpu", ("-f", "vllm.yml"), (ORCHESTRATOR.name, CODER.name), ("HOME=/srv",))
CPU = Mode("cpu", ("-f", "cpu.yml"), (REVIEWER.name, UTILITY.name))
FULL = Mode("full", ("-f", "vllm.yml", "-f", "cpu.yml"), (*GPU.services, *CPU.services))
STACK = Stack("/srv", None, (ORCHESTRATOR, CODER, REVIEWER, UTILITY), (GPU, CPU, FULL))


def steps(plan: Plan) -> list[tuple[Act, tuple[str, ...], str]]:
    return [(step.act, step.services, step.mode.name) for step in plan.steps]


def test_a_mode_starts_the_gpu_first_and_in_the_order_of_its_needs() -> None:
    plan = make_plan(STACK, Deed.START, mode="full")
    assert plan.services == (*GPU.services, *CPU.services)
    assert [step.alone for step in plan.steps] == [True, True, False, False]
    assert {step.mode for step in plan.steps} == {FULL}


def test_without_a_mode_the_largest_is_meant() -> None:
    assert make_plan(STACK, Deed.START) == make_plan(STACK, Deed.START, mode="full")


def test_a_service_is_started_with_what_it_needs_by_its_smallest_mode() -> None:
    assert steps(make_plan(STACK, Deed.START, [CODER.name])) == [
        (Act.UP, (ORCHESTRATOR.name,), "gpu"),
        (Act.UP, (CODER.name,), "gpu"),
    ]


def test_services_are_stopped_in_the_opposite_order_and_together() -> None:
    names = [UTILITY.name, ORCHESTRATOR.name, CODER.name]
    assert steps(make_plan(STACK, Deed.STOP, names)) == [
        (Act.STOP, (UTILITY.name,), "cpu"),
        (Act.STOP, (CODER.name, ORCHESTRATOR.name), "gpu"),
    ]


def test_everything_is_taken_down_by_as_few_modes_as_hold_it() -> None:
    assert steps(make_plan(STACK, Deed.STOP)) == [(Act.DOWN, FULL.services, "full")]


def test_what_was_started_from_a_profile_is_taken_down_too() -> None:
    mode = Mode("all", ("-f", "a.yml"), (ORCHESTRATOR.name,), on_request=(CODER.name,))
    plan = make_plan(Stack("/srv", None, (ORCHESTRATOR, CODER), (mode,)), Deed.STOP)
    assert plan.services == (ORCHESTRATOR.name, CODER.name)
    assert plan.steps[0].argv == ("docker", "compose", "-f", "a.yml", "--profile", "*", "down")


def test_each_project_of_a_stack_is_taken_down() -> None:
    modes = (replace(GPU, project="gpu"), replace(CPU, project="cpu"), replace(FULL, project="cpu"))
    plan = make_plan(replace(STACK, modes=modes), Deed.STOP)
    assert steps(plan) == [(Act.DOWN, FULL.services, "full"), (Act.DOWN, GPU.services, "gpu")]
    assert plan.services == FULL.services


def test_restarting_everything_means_what_runs() -> None:
    plan = make_plan(STACK, Deed.RESTART, running={UTILITY.name, "stranger"})
    assert steps(plan) == [(Act.STOP, (UTILITY.name,), "cpu"), (Act.UP, (UTILITY.name,), "cpu")]
    assert make_plan(STACK, Deed.RESTART).steps == ()


def test_images_are_fetched_one_by_one() -> None:
    plan = make_plan(STACK, Deed.PULL, mode="cpu")
    assert [step.act for step in plan.steps] == [Act.PULL, Act.PULL]


def test_needs_that_go_round_in_a_circle_are_started_all_the_same() -> None:
    one = Service("one", Engine.OTHER, depends_on=("two",))
    two = Service("two", Engine.OTHER, depends_on=("one",))
    stack = Stack("/srv", None, (one, two), (Mode("all", (), ("one", "two")),))
    assert set(make_plan(stack, Deed.START, ["one"]).services) == {"one", "two"}


@pytest.mark.parametrize(
    ("act", "argv"),
    [
        (Act.UP, ("up", "-d", "--no-deps", "vllm_coder")),
        (Act.STOP, ("stop", "vllm_coder")),
        (Act.DOWN, ("down",)),
        (Act.PULL, ("pull", "vllm_coder")),
    ],
)
def test_commands_are_those_of_the_stacks_own_script(act: Act, argv: tuple[str, ...]) -> None:
    before = ("env", "HOME=/srv", "docker", "compose", "-f", "vllm.yml")
    assert Step(act, ("vllm_coder",), GPU).argv == (*before, *argv)


@pytest.mark.parametrize("name", ["", "nobody", "-f", "--project-name=x", "$(reboot)", "a b"])
def test_only_services_of_the_stack_are_ever_named(name: str) -> None:
    with pytest.raises(BoxError, match="no service"):
        make_plan(STACK, Deed.START, [name])


def wish(deed: Deed, *services: str) -> Wish:
    return Wish(deed, make_plan(STACK, deed, services))


@pytest.mark.parametrize(
    ("newer", "older", "ended"),
    [
        (wish(Deed.STOP, "vllm_coder"), wish(Deed.START, "vllm_coder"), True),
        (wish(Deed.STOP), wish(Deed.START, "vllm_coder"), True),
        (wish(Deed.START, "vllm_coder"), wish(Deed.STOP), True),
        (wish(Deed.RESTART, "vllm_coder"), wish(Deed.START, "vllm_coder"), True),
        (wish(Deed.START, "vllm_coder"), wish(Deed.START, "vllm_coder"), False),
        (wish(Deed.START, "llama_utility"), wish(Deed.START, "vllm_coder"), False),
        (wish(Deed.STOP, "llama_utility"), wish(Deed.START, "vllm_coder"), False),
    ],
)
def test_a_newer_wish_ends_an_older_one_it_contradicts(
    newer: Wish, older: Wish, ended: bool
) -> None:
    assert ends(newer, older) is ended
