from __future__ import annotations

from pathlib import Path

import pytest

from strixdesk.backends.box.examination import examine_box
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.stack_reader import read_stack
from strixdesk.core.finding import Severity
from tests.support.stacks import lay_out, need_compose


async def test_the_doctor_looks_at_the_box_and_the_stack_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_compose(monkeypatch)
    root = lay_out("four", tmp_path)
    env = root / ".env"
    env.write_text(env.read_text().replace("CODER_KV_CACHE_DTYPE=auto", "CODER_KV_CACHE_DTYPE=fp8"))
    before = sorted((str(one), one.stat().st_mtime_ns) for one in root.rglob("*"))
    stack = await read_stack(LocalShell(), str(root))
    found = await examine_box(LocalShell(), stack)
    severities = [one.severity for one in found]
    order = [Severity.PROBLEM, Severity.WARNING, Severity.NOTE]
    assert severities == sorted(severities, key=order.index)
    assert {"gguf-missing", "fp8-kv-cache", "open-without-key"} <= {one.rule for one in found}
    (cache,) = (one for one in found if one.rule == "fp8-kv-cache")
    assert (cache.variable, cache.value) == ("CODER_KV_CACHE_DTYPE", "auto")
    allowed = await examine_box(LocalShell(), stack, allowed=("fp8-kv-cache",))
    assert "fp8-kv-cache" not in {one.rule for one in allowed}
    assert before == sorted((str(one), one.stat().st_mtime_ns) for one in root.rglob("*"))
