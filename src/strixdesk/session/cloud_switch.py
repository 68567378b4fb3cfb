"""Which roles are switched to the cloud; it is kept in the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from strixdesk.core.cloud import cloud_tier_for
from strixdesk.core.tier import Tier
from strixdesk.settings_file import load, save


class CloudSwitch:
    def __init__(self, roles: Mapping[str, str] | None = None, path: Path | None = None) -> None:
        """`roles`: to names of cloud tiers. `path`: the settings file; None: nothing is kept."""
        self._roles = dict(roles or {})
        self._path = path

    @property
    def roles(self) -> Mapping[str, str]:
        return dict(self._roles)

    async def turn(self, role: str, on: bool, tiers: Sequence[Tier]) -> str:
        """Returns what is so now, as a sentence. Raises NoTier or SettingsError; then all is as it
        was."""
        roles = {name: tier for name, tier in self._roles.items() if name != role}
        if on:
            roles[role] = cloud_tier_for(role, tiers).name
        if self._path:
            await asyncio.to_thread(_save, self._path, roles)
        self._roles = roles
        if on:
            return f"“{role}” is answered by “{roles[role]}” in the cloud now."
        return f"“{role}” is answered by your own tier again."


def _save(path: Path, roles: Mapping[str, str]) -> None:
    before = load(path).settings
    save(path, before.model_copy(update={"cloud": dict(roles)}), before)
