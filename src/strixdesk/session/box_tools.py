"""What a window needs of a machine beyond watching it: finding, examining and changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from strixdesk.core.box import Box
from strixdesk.core.box_setup import EnvPlan, HostKey, Peer, Survey
from strixdesk.core.finding import Finding


class BoxTools(Protocol):
    """Every method may raise BoxError."""

    async def peers(self) -> tuple[Peer, ...]:
        """Machines of the Tailscale network, those that are online first, then those of the ssh
        configuration."""

    async def survey(self, box: Box, tell: Callable[[str], None]) -> Survey:
        """Goes there hop by hop and reads the stack, if there is one or `box.stack` names it.
        `tell` hears what is being done, as sentences. Never raises for a broken hop."""

    async def trust(self, box: Box, key: HostKey) -> None:
        """From now on ssh accepts this key of the host. Refused for a changed key."""

    async def env_values(self, box: Box) -> Mapping[str, str]:
        """Of the stack's .env file, in its order; values of secrets are empty."""

    async def plan_env(self, box: Box, changes: Mapping[str, str]) -> EnvPlan:
        """Writes nothing. Raises SettingsError for a value that cannot be written."""

    async def apply_env(self, box: Box, plan: EnvPlan) -> str:
        """Tried by compose, then written. Returns the path of the backup."""

    async def examine(self, box: Box) -> tuple[Finding, ...]:
        """The doctor: problems first. Changes nothing."""
