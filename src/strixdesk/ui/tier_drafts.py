"""The tiers while they are being edited: values that need not be valid yet. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import SecretStr

from strixdesk.settings import TierSettings


@dataclass(frozen=True, slots=True)
class TierDraft:
    id: int
    """Stays while the name is typed anew."""
    name: str = ""
    base_url: str = ""
    role: str = ""
    model: str = ""
    api_key: SecretStr | None = None
    known_key: SecretStr | None = None
    """The one that comes back when a new one is deleted again."""
    api_key_env: str | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)
    """What only the file can set: kept as it is."""

    def fields(self) -> dict[str, Any]:
        """As TierSettings takes them."""
        return {
            **self.rest,
            "name": self.name,
            "base_url": self.base_url,
            "role": self.role,
            "model": self.model or None,
            "api_key": self.api_key,
            "api_key_env": self.api_key_env,
        }


class TierDrafts:
    """A list with one row a tier, and who answers when nothing speaks for another."""

    def __init__(self, tiers: Iterable[TierSettings], default: str | None) -> None:
        self._next = 0
        self._rows: list[TierDraft] = [self._draft(tier) for tier in tiers]
        named = (draft.id for draft in self._rows if draft.name == default)
        self.default: int | str | None = next(named, default)
        """A draft's id; or the name of a tier that is not in the list; or None."""

    def _draft(self, tier: TierSettings) -> TierDraft:
        known = tier.model_dump()
        key = known.pop("api_key")
        return TierDraft(
            id=self._new_id(),
            name=known.pop("name"),
            base_url=known.pop("base_url"),
            role=known.pop("role"),
            model=known.pop("model") or "",
            api_key=key,
            known_key=key,
            api_key_env=known.pop("api_key_env"),
            rest=known,
        )

    def _new_id(self) -> int:
        self._next += 1
        return self._next

    @property
    def rows(self) -> tuple[TierDraft, ...]:
        return tuple(self._rows)

    def add(self) -> int:
        """An empty one at the end. Returns its row."""
        self._rows.append(TierDraft(self._new_id()))
        return len(self._rows) - 1

    def change(self, row: int, **values: Any) -> TierDraft:
        self._rows[row] = replace(self._rows[row], **values)
        return self._rows[row]

    def remove(self, row: int) -> None:
        """A default that goes leaves the choice open."""
        if self._rows.pop(row).id == self.default:
            self.default = None

    def fields(self) -> list[dict[str, Any]]:
        return [draft.fields() for draft in self._rows]

    def default_name(self) -> str | None:
        if isinstance(self.default, int):
            return next(draft.name for draft in self._rows if draft.id == self.default)
        return self.default

    def second_of_a_name(self) -> int | None:
        """The row whose name stands in an earlier row already."""
        seen: set[str] = set()
        for row, draft in enumerate(self._rows):
            if draft.name.casefold() in seen:
                return row
            seen.add(draft.name.casefold())
        return None
