"""All faults, by name."""

from __future__ import annotations

from tests.faults.breaks import BREAKS
from tests.faults.fault import Fault
from tests.faults.refusals import REFUSALS
from tests.faults.survived import SURVIVED

FAULTS: list[Fault] = [*REFUSALS, *BREAKS, *SURVIVED]
