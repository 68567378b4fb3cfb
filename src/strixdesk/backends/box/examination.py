"""Everything that the doctor says of a box and its stack."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from strixdesk.backends.box.env_editor import read_env
from strixdesk.backends.box.host_facts import read_facts
from strixdesk.backends.box.shell import Shell
from strixdesk.core.box import ServiceStatus
from strixdesk.core.box_doctor import examine
from strixdesk.core.finding import Finding, Severity
from strixdesk.core.hardware_rules import lint
from strixdesk.core.stack import Stack


async def examine_box(
    shell: Shell,
    stack: Stack,
    statuses: Sequence[ServiceStatus] = (),
    allowed: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Problems first; changes nothing. `allowed`: rules that do not hold for this user. Raises
    what `Shell.run` raises, and CommandFailed for an env file that cannot be read."""
    facts = await read_facts(shell, stack)
    env = await read_env(shell, stack) if stack.env_file else {}
    found = (*examine(stack, facts, env, statuses), *lint(stack, allowed, facts.gpu))
    unread = tuple(Finding("not-read", Severity.WARNING, one) for one in stack.left_out)
    order = (Severity.PROBLEM, Severity.WARNING, Severity.NOTE)
    return tuple(
        sorted(
            (one for one in (*found, *unread) if one.rule not in allowed),
            key=lambda one: order.index(one.severity),
        )
    )
