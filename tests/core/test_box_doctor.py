from __future__ import annotations

from dataclasses import replace

import pytest

from strixdesk.core.box import BoxMemory, ContainerState, ServiceStatus
from strixdesk.core.box_doctor import examine
from strixdesk.core.finding import Finding
from strixdesk.core.host import CachedModel, Disk, HostFacts
from strixdesk.core.stack import Engine, Mode, Service, Stack

GIB = 2**30
CODER = Service(
    "vllm_coder",
    Engine.VLLM,
    port=8002,
    model="Qwen/Qwen3-Coder-30B-A3B-Instruct",
    gpu_fraction=0.6,
    hf_home="/hf",
    variables={"port": "CODER_PORT"},
)
UTILITY = Service(
    "llama_utility",
    Engine.LLAMA_CPP,
    port=8012,
    model="qwen2.5-3b-instruct.Q4_K_M.gguf",
    model_path="/models/qwen2.5-3b-instruct.Q4_K_M.gguf",
    variables={"model": "UTILITY_GGUF"},
)
STACK = Stack(
    "/s", "/s/.env", (CODER, UTILITY), (Mode("full", (), ("vllm_coder", "llama_utility")),)
)
WELL = HostFacts(
    memory=BoxMemory(128 * GIB, 100 * GIB, 128 * GIB, 128 * GIB, 120 * GIB, 0),
    disks={"/hf": Disk(1000 * GIB, 500 * GIB), "/models": Disk(1000 * GIB, 500 * GIB)},
    files={"/models/qwen2.5-3b-instruct.Q4_K_M.gguf": 2 * GIB},
    cached={"Qwen/Qwen3-Coder-30B-A3B-Instruct": CachedModel(57 * GIB, complete=True)},
    watchdog="earlyoom",
    user="sam",
    devices={"/dev/kfd": True, "/dev/dri/renderD128": True},
)


def only(facts: HostFacts, stack: Stack = STACK, **env: str) -> Finding:
    (one,) = examine(stack, facts, env)
    return one


def test_a_well_box_has_nothing() -> None:
    assert examine(STACK, WELL, {}) == ()


def test_what_is_not_known_is_not_complained_about() -> None:
    assert {one.rule for one in examine(STACK, HostFacts(), {})} == {"download", "gguf-missing"}


def test_a_download_that_does_not_fit_on_the_disk_is_a_problem() -> None:
    facts = replace(
        WELL,
        cached={},
        files={},
        disks={"/hf": Disk(1000 * GIB, 60 * GIB), "/models": Disk(1000 * GIB, 60 * GIB)},
    )
    first = examine(STACK, facts, {})[0]
    assert first.rule == "disk"
    assert "58.8 GB must be downloaded" in first.sentence
    assert first.command.startswith("du ")


def test_a_gated_model_needs_a_token() -> None:
    stack = replace(STACK, services=(replace(CODER, model="meta-llama/Llama-3.1-8B-Instruct"),))
    for none in ("", "# put yours here"):
        rules = [one.rule for one in examine(stack, WELL, {"HF_TOKEN": none})]
        assert rules == ["hf-token", "download"]
    assert only(WELL, stack, HF_TOKEN="hf_x").rule == "download"
    assert only(WELL, stack, HUGGING_FACE_HUB_TOKEN="hf_x").rule == "download"
    assert only(replace(WELL, logged_in=frozenset({"/hf"})), stack).rule == "download"


def test_a_missing_file_gives_the_command_that_fetches_it() -> None:
    one = only(replace(WELL, files={}))
    assert one.rule == "gguf-missing"
    assert one.command.endswith("qwen2.5-3b-instruct.Q4_K_M.gguf --local-dir /models")


def test_a_file_of_nearly_that_name_is_offered() -> None:
    one = only(replace(WELL, files={"/models/Qwen2.5-3B-Instruct-Q4_K_M.gguf": 1}))
    assert (one.variable, one.value) == ("UTILITY_GGUF", "Qwen2.5-3B-Instruct-Q4_K_M.gguf")


def test_a_taken_port_names_who_has_it() -> None:
    facts = replace(WELL, ports={8002: "python3", 22: "sshd"})
    one = only(facts)
    assert (one.rule, one.variable) == ("port-taken", "CODER_PORT")
    assert "taken by python3" in one.sentence
    running = [ServiceStatus("vllm_coder", ContainerState.RUNNING)]
    assert examine(STACK, facts, {}, running) == ()


def test_two_services_on_one_port_are_found() -> None:
    stack = replace(STACK, services=(CODER, replace(UTILITY, port=8002)))
    assert only(WELL, stack).rule == "port-twice"


@pytest.mark.parametrize(
    ("facts", "rule", "command"),
    [
        (replace(WELL, watchdog=""), "earlyoom", "apt install earlyoom"),
        (replace(WELL, devices={"/dev/dri/renderD128": True}), "device-missing", "modprobe amdgpu"),
        (
            replace(WELL, devices={"/dev/kfd": False, "/dev/dri/renderD128": True}),
            "groups",
            "usermod -aG video,render sam",
        ),
        (replace(WELL, memory=BoxMemory(128 * GIB, 1)), "swap", "fallocate -l 128G"),
        (
            replace(WELL, memory=BoxMemory(128 * GIB, 1, 64 * GIB, 1, 64 * GIB, 0)),
            "gpu-memory",
            "ttm.pages_limit=31457280",
        ),
    ],
)
def test_each_weakness_has_its_command(facts: HostFacts, rule: str, command: str) -> None:
    one = only(facts)
    assert one.rule == rule
    assert command in one.command
