from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from strixdesk.backends.box.env_editor import apply_edit, plan_edit, read_env
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.stack_reader import read_stack
from strixdesk.core.errors import BoxError, CommandFailed
from strixdesk.core.stack import Stack
from tests.support.stacks import lay_out, need_compose


@pytest.fixture
async def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    need_compose(monkeypatch)
    return await read_stack(LocalShell(), str(lay_out("four", tmp_path)))


def env(stack: Stack) -> Path:
    return Path(stack.env_file or "")


def text(path: str) -> str:
    return Path(path).read_text()


def leftovers(stack: Stack) -> list[str]:
    return sorted(one.name for one in Path(stack.directory).glob(".env*"))


async def test_a_value_is_changed_and_the_former_file_is_kept(stack: Stack) -> None:
    before = env(stack).read_text()
    env(stack).chmod(0o640)
    edit = await plan_edit(LocalShell(), stack, {"CODER_GPU_UTIL": "0.55"})
    assert "+CODER_GPU_UTIL=0.55" in edit.diff
    assert env(stack).read_text() == before
    backup = await apply_edit(LocalShell(), stack, edit)
    assert (await read_env(LocalShell(), stack))["CODER_GPU_UTIL"] == "0.55"
    assert text(backup) == before
    assert stat.S_IMODE(env(stack).stat().st_mode) == 0o640
    assert leftovers(stack) == [".env", ".env.example", ".env.strixdesk-backup"]


async def test_what_compose_refuses_is_not_written(stack: Stack) -> None:
    cpu = Path(stack.directory) / "compose" / "cpu.yml"
    cpu.write_text(cpu.read_text() + "    mem_limit: ${UTILITY_MEMORY:-1g}\n")
    before = env(stack).read_text()
    edit = await plan_edit(LocalShell(), stack, {"UTILITY_MEMORY": "much"})
    with pytest.raises(CommandFailed, match="Compose refuses the new values"):
        await apply_edit(LocalShell(), stack, edit)
    assert env(stack).read_text() == before
    assert leftovers(stack) == [".env", ".env.example"]


async def test_another_env_file_of_the_script_still_counts(stack: Stack) -> None:
    up = Path(stack.directory) / "scripts" / "up"
    up.write_text(up.read_text().replace("--env-file", "--env-file ports.env --env-file"))
    ports = Path(stack.directory) / "ports.env"
    ports.write_text("UTILITY_PORT=8012\n")
    cpu = Path(stack.directory) / "compose" / "cpu.yml"
    cpu.write_text(cpu.read_text().replace("${UTILITY_PORT", "${UTILITY_PORT:?missing"))
    env(stack).write_text(env(stack).read_text().replace("UTILITY_PORT", "OLD_PORT"))
    again = await read_stack(LocalShell(), stack.directory)
    assert again.env_file == stack.env_file
    await apply_edit(LocalShell(), again, await plan_edit(LocalShell(), again, {"ORCH_PORT": "9"}))
    assert "ORCH_PORT=9" in env(stack).read_text()
    assert ports.read_text() == "UTILITY_PORT=8012\n"


async def with_ports(stack: Stack) -> tuple[Stack, Path]:
    """The script gives compose a file of its own for the ports after the .env."""
    up = Path(stack.directory) / "scripts" / "up"
    line = "--env-file $ROOT/.env"
    up.write_text(up.read_text().replace(line, f"{line} --env-file $ROOT/ports.env"))
    ports = Path(stack.directory) / "ports.env"
    ports.write_text("UTILITY_PORT=8012\nORCH_PORT=8011\n")
    return await read_stack(LocalShell(), stack.directory), ports


async def test_of_several_env_files_the_last_that_has_a_value_counts(stack: Stack) -> None:
    again, ports = await with_ports(stack)
    assert again.env_files == (stack.env_file, str(ports))
    assert {one.port for one in again.services} >= {8011, 8012}
    read = await read_env(LocalShell(), again)
    assert (read["ORCH_PORT"], read["UTILITY_PORT"]) == ("8011", "8012")
    assert "CODER_GPU_UTIL" in read


async def test_a_value_is_changed_in_the_last_file_that_has_it(stack: Stack) -> None:
    again, ports = await with_ports(stack)
    before = env(stack).read_text()
    edit = await plan_edit(LocalShell(), again, {"ORCH_PORT": "9001"})
    assert edit.path == str(ports)
    assert await apply_edit(LocalShell(), again, edit) == f"{ports}.strixdesk-backup"
    assert ports.read_text() == "UTILITY_PORT=8012\nORCH_PORT=9001\n"
    assert env(stack).read_text() == before


async def test_values_of_several_files_change_at_once(stack: Stack) -> None:
    again, ports = await with_ports(stack)
    changes = {"ORCH_PORT": "9001", "CODER_GPU_UTIL": "0.55", "NEW_NAME": "here"}
    edit = await plan_edit(LocalShell(), again, changes)
    assert edit.diff.count("@@") >= 2
    backup = await apply_edit(LocalShell(), again, edit)
    assert backup == f"{stack.env_file}.strixdesk-backup and {ports}.strixdesk-backup"
    assert "CODER_GPU_UTIL=0.55" in env(stack).read_text()
    assert ports.read_text() == "UTILITY_PORT=8012\nORCH_PORT=9001\nNEW_NAME=here\n"


async def test_where_one_of_several_files_cannot_be_written_none_is_changed(stack: Stack) -> None:
    again, ports = await with_ports(stack)
    before = env(stack).read_text()
    edit = await plan_edit(LocalShell(), again, {"ORCH_PORT": "9001", "CODER_GPU_UTIL": "0.55"})
    ports.write_text("SOMEBODY=else\n")
    with pytest.raises(BoxError, match="somebody else"):
        await apply_edit(LocalShell(), again, edit)
    assert env(stack).read_text() == before
    assert ports.read_text() == "SOMEBODY=else\n"
    assert leftovers(stack) == [".env", ".env.example"]


async def test_a_file_that_changed_meanwhile_is_left_alone(stack: Stack) -> None:
    edit = await plan_edit(LocalShell(), stack, {"CODER_GPU_UTIL": "0.55"})
    env(stack).write_text("SOMEBODY=else\n")
    with pytest.raises(BoxError, match="somebody else"):
        await apply_edit(LocalShell(), stack, edit)
    assert env(stack).read_text() == "SOMEBODY=else\n"
    assert leftovers(stack) == [".env", ".env.example"]


async def test_a_linked_env_file_stays_a_link(stack: Stack, tmp_path: Path) -> None:
    real = tmp_path / "kept.env"
    env(stack).rename(real)
    env(stack).symlink_to(real)
    await apply_edit(
        LocalShell(), stack, await plan_edit(LocalShell(), stack, {"ORCH_PORT": "9001"})
    )
    assert env(stack).is_symlink()
    assert "ORCH_PORT=9001" in real.read_text()


async def test_no_change_writes_nothing(stack: Stack) -> None:
    shell = LocalShell()
    edit = await plan_edit(shell, stack, {"ORCH_PORT": "8001"})
    assert await apply_edit(shell, stack, edit) == ""
    assert leftovers(stack) == [".env", ".env.example"]


class FullDisk(LocalShell):
    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        if stdin:
            return Completed(92, "", "cat: write error: No space left on device")
        return await super().run(argv, stdin=stdin, timeout_s=timeout_s)


async def test_a_full_disk_changes_nothing(stack: Stack) -> None:
    before = env(stack).read_text()
    edit = await plan_edit(LocalShell(), stack, {"ORCH_PORT": "9001"})
    with pytest.raises(CommandFailed, match="No space left"):
        await apply_edit(FullDisk(), stack, edit)
    assert env(stack).read_text() == before
