"""What every command is given."""

from __future__ import annotations

from dataclasses import dataclass

from strixdesk.paths import Paths
from strixdesk.settings import Loaded


@dataclass(frozen=True, slots=True)
class CommandContext:
    paths: Paths
    loaded: Loaded
