"""What a window needs of a machine beyond watching it: a `BoxTools` over shells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from strixdesk.backends.box import env_editor
from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.box.ethernet import read_ethernet_address
from strixdesk.backends.box.examination import examine_box
from strixdesk.backends.box.finder import find_peers
from strixdesk.backends.box.hops import address_of
from strixdesk.backends.box.host_facts import read_memory
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.ssh_shell import host_key_in_question, trust_host_key
from strixdesk.backends.box.stack_reader import find_stacks, read_stack
from strixdesk.backends.box.world import LookHops
from strixdesk.core.box import Box
from strixdesk.core.box_setup import EnvPlan, HostKey, Peer, Survey
from strixdesk.core.errors import BoxError
from strixdesk.core.finding import Finding
from strixdesk.core.hardware_rules import lint
from strixdesk.core.stack import Service, Stack


class BoxToolbox:
    """A shell of its own for each machine that is surveyed: it may not be a box yet."""

    def __init__(
        self,
        shell_for: Callable[[Box], Shell],
        boxes: BoxWatch,
        look_hops: LookHops,
        allowed: Mapping[str, Sequence[str]],
    ) -> None:
        """`allowed`: rules of the hardware that do not hold for the user, by box."""
        self._shell_for = shell_for
        self._boxes = boxes
        self._look_hops = look_hops
        self._allowed = allowed
        self._edits: dict[EnvPlan, env_editor.EnvEdit] = {}
        self._shells: dict[str, Shell] = {}

    async def peers(self) -> tuple[Peer, ...]:
        return await find_peers()

    async def survey(self, box: Box, tell: Callable[[str], None]) -> Survey:
        shell = self._shell_for(box)
        survey = Survey(())
        try:
            tell(f"Going to {box.host or 'this machine'} …")
            hops = await self._look_hops(box, shell)
            survey = replace(survey, hops=hops)
            if survey.broken:
                return replace(survey, key=host_key_in_question(shell))
            if box.host is not None:
                address = await address_of(box.host, box.user)
                survey = replace(survey, address=address, mac=await read_ethernet_address(shell))
            survey = replace(survey, memory=await read_memory(shell))
            tell("Looking for compose files …")
            stacks = (box.stack,) if box.stack else tuple(await find_stacks(shell))
            survey = replace(survey, stacks=stacks)
            if len(stacks) == 1:
                tell(f"Reading {stacks[0]} …")
                survey = replace(survey, stack=await read_stack(shell, stacks[0]))
            elif not stacks:
                survey = replace(
                    survey,
                    problem="No folder with compose files was found there. Give its path.",
                )
            return survey
        except BoxError as error:
            return replace(survey, problem=error.sentence())
        finally:
            await shell.close()

    async def trust(self, box: Box, key: HostKey) -> None:
        if box.host is not None:
            await trust_host_key(box.host, key, box.user)

    async def env_values(self, box: Box) -> Mapping[str, str]:
        return await env_editor.read_env(*self._stack(box))

    async def plan_env(self, box: Box, changes: Mapping[str, str]) -> EnvPlan:
        shell, stack = self._stack(box)
        edit = await env_editor.plan_edit(shell, stack, changes)
        findings = lint(_changed(stack, changes), self._allowed.get(box.name, ()))
        caused = tuple(one for one in findings if one.variable in changes)
        plan = EnvPlan(edit.path, tuple(changes.items()), edit.diff, caused)
        self._edits = {plan: edit}  # only the newest can be applied
        return plan

    async def apply_env(self, box: Box, plan: EnvPlan) -> str:
        edit = self._edits.pop(plan, None)
        if edit is None:
            raise BoxError("This change is no longer the newest one.", "Look at it once more.")
        backup = await env_editor.apply_edit(*self._stack(box), edit)
        await self._boxes.refresh(box)
        return backup

    async def examine(self, box: Box) -> tuple[Finding, ...]:
        statuses = self._boxes.status_of(box).services
        allowed = self._allowed.get(box.name, ())
        return await examine_box(*self._stack(box), statuses, allowed)

    def _stack(self, box: Box) -> tuple[Shell, Stack]:
        """Raises BoxError while the stack has not been read."""
        stack = self._boxes.stack_of(box)
        if stack is None:
            raise BoxError(
                f"The stack of “{box.name}” has not been read yet.",
                "Read it again when the machine can be reached.",
            )
        return self._shells.setdefault(box.name, self._shell_for(box)), stack

    async def close(self) -> None:
        for shell in self._shells.values():
            await shell.close()


def _changed(stack: Stack, changes: Mapping[str, str]) -> Stack:
    """The stack as its services would be with other values in the .env file."""
    services = []
    for service in stack.services:
        for name, variable in service.variables.items():
            if variable in changes:
                service = replace(service, **{name: _like(service, name, changes[variable])})
        services.append(service)
    return replace(stack, services=tuple(services))


def _like(service: Service, name: str, value: str) -> Any:
    """The value as that field holds it; one that makes no sense leaves the field as it was."""
    present = getattr(service, name)
    try:
        return type(present)(value) if isinstance(present, int | float) else value
    except ValueError:
        return present
