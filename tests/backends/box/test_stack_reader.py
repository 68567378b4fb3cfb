from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.stack_reader import find_stacks, read_stack, tiers_of
from strixdesk.core.errors import CommandFailed
from strixdesk.core.stack import Engine
from strixdesk.core.tier import ControlKind
from tests.support.stacks import lay_out, need_compose


@pytest.fixture(autouse=True)
def _compose(monkeypatch: pytest.MonkeyPatch) -> None:
    need_compose(monkeypatch)


def script(root: Path, text: str) -> None:
    (root / "scripts" / "up").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_four_service_stack_reads_right(tmp_path: Path) -> None:
    root = lay_out("four", tmp_path)
    stack = await read_stack(LocalShell(), str(root))
    assert {mode.name: mode.services for mode in stack.modes} == {
        "gpu": ("vllm_orchestrator", "vllm_coder"),
        "cpu": ("llama_reviewer", "llama_utility"),
        "full": ("vllm_orchestrator", "vllm_coder", "llama_reviewer", "llama_utility"),
        "hybrid-radv": ("vllm_orchestrator", "vllm_coder", "llama_orchestrator"),
        "hybrid-rocm": ("vllm_orchestrator", "vllm_coder", "llama_orchestrator"),
    }
    assert stack.env_file == str(root / ".env")
    coder = stack.service("vllm_coder")
    assert coder is not None
    assert (coder.port, coder.context_tokens, coder.gpu_fraction) == (8002, 49152, 0.6)
    assert coder.variables["gpu_fraction"] == "CODER_GPU_UTIL"
    reviewer = stack.service("llama_reviewer")
    assert reviewer is not None
    assert reviewer.model_path == str(root / "models/llama-3.3-70b-instruct.Q4_K_M.gguf")


async def test_the_six_service_stack_reads_right(tmp_path: Path) -> None:
    stack = await read_stack(LocalShell(), str(lay_out("six", tmp_path)))
    assert [(one.role, one.port, one.engine) for one in stack.services] == [
        ("thor", 8001, Engine.VLLM),
        ("valkyrie", 8002, Engine.VLLM),
        ("odin", 8011, Engine.LLAMA_CPP),
        ("heimdall", 8012, Engine.LLAMA_CPP),
        ("loki", 8013, Engine.LLAMA_CPP),
        ("frigga", 8014, Engine.LLAMA_CPP),
    ]
    assert [mode.name for mode in stack.modes] == ["gpu", "cpu", "full"]


async def test_compose_gets_the_arguments_of_the_script(tmp_path: Path) -> None:
    root = lay_out("four", tmp_path)
    mode = (await read_stack(LocalShell(), str(root))).mode("full")
    assert mode is not None
    assert mode.compose == (
        *("--project-directory", str(root), "--env-file", str(root / ".env")),
        *("-f", str(root / "compose/vllm.yml"), "-f", str(root / "compose/cpu.yml")),
    )


async def test_reading_runs_nothing_of_the_script_but_words(tmp_path: Path) -> None:
    root = lay_out("four", tmp_path)
    script(
        root,
        "#!/bin/bash\n"
        'case "$1" in\n gpu)\n touch touched; rm -rf compose; mkdir made\n'
        " sudo swapoff -a; sed -i d .env; no_such_program || exit 1\n"
        " until docker inspect x | grep -q healthy; do sleep 5; done\n"
        " docker compose -f compose/vllm.yml up -d ;;\nesac\n",
    )
    before = names(root)
    stack = await read_stack(LocalShell(), str(root))
    assert [mode.name for mode in stack.modes] == ["gpu"]
    assert names(root) == before
    assert (root / ".env").read_text() == (root / ".env.example").read_text()


async def test_a_script_that_hangs_is_given_up_but_what_it_said_counts(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    script(
        root,
        '#!/bin/sh\ncase "$1" in\n  gpu) docker compose -f compose/vllm.yml --env-file .env up -d\n'
        "    while :; do :; done ;;\nesac\n",
    )
    stack = await read_stack(LocalShell(), str(root))
    assert [mode.services for mode in stack.modes] == [("vllm_thor", "vllm_valkyrie")]


async def test_a_script_that_gets_round_the_path_is_never_run(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    ran = tmp_path / "ran"
    script(root, f"#!/bin/sh\n: > {ran}\n/usr/bin/docker compose -f compose/vllm.yml up -d\n")
    stack = await read_stack(LocalShell(), str(root))
    assert not ran.exists()
    assert [mode.name for mode in stack.modes] == ["cpu", "vllm", "all"]


async def test_what_starts_one_after_the_other_is_one_mode(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    script(
        root,
        "#!/bin/sh\nexport LLAMA_MODELS_DIR=/elsewhere\n"
        "docker compose --env-file .env --project-directory . -f compose/vllm.yml up -d vllm_thor\n"
        "sudo -n docker compose --env-file .env --project-directory . -f compose/vllm.yml "
        "-f compose/cpu.yml up -d --wait llama_odin\n",
    )
    (mode,) = (stack := await read_stack(LocalShell(), str(root))).modes
    assert (mode.name, mode.services) == ("up", ("vllm_thor", "llama_odin"))
    assert mode.exports == ("LLAMA_MODELS_DIR=/elsewhere",)
    odin = stack.service("llama_odin")
    assert odin is not None
    assert (odin.model_path or "").startswith("/elsewhere/")


class OverheardShell(LocalShell):
    """What was asked of it is known to everybody on the box."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[str]] = []

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        self.asked.append(argv)
        return await super().run(argv, stdin=stdin, timeout_s=timeout_s)


async def test_secrets_that_a_script_exports_stand_in_no_command_line(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    env = root / ".env"
    env.write_text(env.read_text().replace("HF_TOKEN=", "HF_TOKEN=hf_verysecret"))
    script(
        root,
        "#!/bin/bash\nset -a; . ./.env; set +a\nexport OTHER_API_KEY=verysecret THOR_PORT=9001\n"
        "docker compose --env-file .env -f compose/vllm.yml up -d\n",
    )
    shell = OverheardShell()
    stack = await read_stack(shell, str(root))
    assert [mode.exports for mode in stack.modes] == [("THOR_PORT=9001",)]
    assert "verysecret" not in repr((stack.modes, shell.asked))
    assert "OTHER_API_KEY" in stack.left_out[0]
    thor = stack.service("vllm_thor")
    assert thor is not None
    assert thor.port == 9001


async def test_what_waits_in_a_profile_is_known_but_no_mode_starts_it(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    cpu = root / "compose" / "cpu.yml"
    cpu.write_text(
        cpu.read_text().replace("  llama_odin:\n", '  llama_odin:\n    profiles: ["odin"]\n')
    )
    stack = await read_stack(LocalShell(), str(root))
    odin = stack.service("llama_odin")
    assert odin is not None
    assert (odin.port, odin.variables["port"]) == (8011, "ODIN_PORT")
    assert all("llama_odin" not in mode.services for mode in stack.modes)
    holding = stack.mode_for("llama_odin")
    assert holding is not None
    assert (holding.name, holding.on_request) == ("cpu", ("llama_odin",))


async def test_without_a_script_each_file_is_a_mode(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    (root / "scripts" / "up").unlink()
    stack = await read_stack(LocalShell(), str(root))
    assert {mode.name: len(mode.services) for mode in stack.modes} == {
        "cpu": 4,
        "vllm": 2,
        "all": 6,
    }


async def test_a_mode_that_compose_refuses_is_left_out_with_the_reason(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    (root / "compose" / "cpu.yml").write_text("services: [")
    stack = await read_stack(LocalShell(), str(root))
    assert [mode.name for mode in stack.modes] == ["gpu"]
    assert "The mode “cpu” was left out" in stack.left_out[0]


async def test_a_stack_without_its_env_file_says_what_to_do(tmp_path: Path) -> None:
    root = lay_out("six", tmp_path)
    (root / ".env").unlink()
    with pytest.raises(CommandFailed, match=r"no \.env file yet") as caught:
        await read_stack(LocalShell(), str(root))
    assert ".env.example" in caught.value.advice


@pytest.mark.parametrize("folder", ["/no/such/folder", "-rf", "$(touch owned)", "a\nb", ""])
async def test_a_folder_that_is_not_there_is_an_error(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed):
        await read_stack(LocalShell({"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}), folder)
    assert names(tmp_path) == []


async def test_a_box_without_room_for_temporary_files_does_not_lose_its_modes(
    tmp_path: Path,
) -> None:
    root = lay_out("four", tmp_path)
    shell = LocalShell({**os.environ, "TMPDIR": str(tmp_path / "none")})
    with pytest.raises(CommandFailed, match="no room for temporary files"):
        await read_stack(shell, str(root))


async def test_what_is_printed_before_the_answer_of_compose_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay_out("six", tmp_path)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\necho ">>>> Executing an external provider"\n'
        f'exec {shutil.which("docker")} "$@"\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent), prepend=os.pathsep)
    stack = await read_stack(LocalShell(), str(root))
    assert [mode.name for mode in stack.modes] == ["gpu", "cpu", "full"]


async def test_stacks_are_found_in_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay_out("six", tmp_path)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "compose.yaml").write_text("services: {a: {image: nginx}}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(root) in (found := await find_stacks(LocalShell()))
    assert str(tmp_path / "web") not in found


async def test_tiers_say_where_they_answer_and_how_they_are_started(tmp_path: Path) -> None:
    stack = await read_stack(LocalShell(), str(lay_out("four", tmp_path)))
    tiers = {tier.name: tier for tier in tiers_of(stack, "halo", "fd7a::1")}
    coder = tiers["halo/vllm_coder"]
    assert coder.base_url == "http://[fd7a::1]:8002/v1"
    assert (coder.role, coder.title, coder.context_tokens) == ("coder", "Coder", 49152)
    assert coder.control is not None
    assert (coder.control.kind, coder.control.box, coder.control.unit) == (
        ControlKind.COMPOSE,
        "halo",
        "vllm_coder",
    )
    assert tiers["halo/llama_orchestrator"].title == "Orchestrator (llama.cpp)"


@pytest.mark.parametrize(
    "said",
    ["docker: 'compose' is not a docker command.", "unknown shorthand flag: 'f' in -f"],
)
async def test_a_docker_without_compose_says_what_to_install(tmp_path: Path, said: str) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 125\n')
    docker.chmod(0o755)
    shell = LocalShell({**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"})
    with pytest.raises(CommandFailed, match="Compose is not") as caught:
        await read_stack(shell, str(lay_out("six", tmp_path)))
    assert "docker-compose-plugin" in caught.value.advice
