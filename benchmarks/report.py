"""How a figure is reported: beside its peer from the same run, with the ratio and the target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    ours: float
    """Median."""
    peer: float | None
    """Median of the naive way in the same run; None where there is none."""
    unit: str
    target: float | None = None
    """Highest ratio ours/peer that was aimed at; with no peer, the highest value of ours."""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        measured = self.ratio if self.ratio is not None else self.ours
        return measured <= self.target


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def table(rows: Sequence[Row]) -> str:
    """The rows in columns, one line each."""
    head = ("what", "ours", "peer", "ratio", "target", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.ours:.4g} {row.unit}",
        "" if row.peer is None else f"{row.peer:.4g} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.target is None else f"≤ {row.target:g}",
        {True: "met", False: "missed", None: ""}[row.met],
    )
