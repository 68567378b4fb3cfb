from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.service_command import read_service
from strixdesk.core.stack import Engine

VLLM = (
    "vllm serve Qwen/Qwen3-Coder-30B-A3B-Instruct --host 0.0.0.0 --port 8002 --dtype auto "
    "--gpu-memory-utilization 0.60 --max-model-len 49152 --kv-cache-dtype auto --max-num-seqs 4 "
    "--enable-prefix-caching"
)
LLAMA = (
    "\nllama-server\n--host 0.0.0.0 --port 8011\n-m /models/big.gguf\n-c 32768\n-t 16\n--no-mmap\n"
)
MODELS = [{"type": "bind", "source": "/srv/models", "target": "/models"}]


def host(command: Any, **more: Any) -> dict[str, Any]:
    return {"image": "x", "network_mode": "host", "command": command, **more}


def test_vllm_is_read_from_its_command() -> None:
    one = read_service("vllm_coder", host(VLLM.split()))
    assert (one.engine, one.role, one.port) == (Engine.VLLM, "coder", 8002)
    assert one.model == "Qwen/Qwen3-Coder-30B-A3B-Instruct"
    assert (one.gpu_fraction, one.context_tokens, one.max_sequences) == (0.6, 49152, 4)
    assert one.on_gpu
    assert one.open_to_all


def test_llama_server_in_a_shell_string_is_read() -> None:
    one = read_service("llama_reviewer", host(["bash", "-lc", LLAMA], volumes=MODELS))
    assert (one.engine, one.role, one.port) == (Engine.LLAMA_CPP, "reviewer", 8011)
    assert (one.model, one.model_path) == ("big.gguf", "/srv/models/big.gguf")
    assert (one.context_tokens, one.threads, one.gpu_layers) == (32768, 16, 0)
    assert not one.on_gpu
    assert not one.mmap


@pytest.mark.parametrize(
    "command",
    [
        VLLM,
        VLLM.split(),
        "bash -lc 'source /opt/venv/bin/activate && exec " + VLLM + "'",
        "python3 -m vllm.entrypoints.openai.api_server --model "
        + VLLM.removeprefix("vllm serve ").replace("--port 8002", "--port=8002"),
        VLLM.replace("--max-model-len 49152", "--max_model_len 48K"),
    ],
    ids=["string", "list", "shell", "module", "underscores"],
)
def test_every_way_to_call_vllm_reads_the_same(command: Any) -> None:
    one = read_service("vllm_coder", host(command))
    assert (one.engine, one.model, one.port, one.context_tokens, one.gpu_fraction) == (
        Engine.VLLM,
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        8002,
        49152,
        0.6,
    )


def test_an_image_that_is_the_server_takes_bare_flags() -> None:
    one = read_service(
        "coder",
        {"image": "vllm/vllm-openai:latest", "command": ["--model", "a/b", "--port", "9000"]}
        | {"ports": [{"target": 9000, "published": "19000", "host_ip": "127.0.0.1"}]},
    )
    assert (one.engine, one.model, one.port) == (Engine.VLLM, "a/b", 19000)
    assert not one.open_to_all


def test_llama_server_can_be_told_by_its_environment() -> None:
    one = read_service(
        "small",
        {
            "image": "ghcr.io/ggml-org/llama.cpp:server",
            "environment": {"LLAMA_ARG_MODEL": "/models/a.gguf", "LLAMA_ARG_CTX_SIZE": "4096"},
            "ports": [{"target": 8080, "published": "8090"}],
            "volumes": MODELS,
        },
    )
    assert (one.engine, one.port, one.context_tokens) == (Engine.LLAMA_CPP, 8090, 4096)
    assert one.model_path == "/srv/models/a.gguf"


def test_long_flags_count_as_their_short_ones() -> None:
    one = read_service(
        "a",
        host(
            "llama-server --model /m/x.gguf --ctx-size=2048 --threads 3 --n-gpu-layers 999 "
            "--alias quick --parallel 2 --api-key k --host 0.0.0.0"
        ),
    )
    assert (one.context_tokens, one.threads, one.gpu_layers, one.max_sequences) == (
        2048,
        3,
        999,
        2,
    )
    assert one.served_as == "quick"
    assert one.on_gpu
    assert not one.open_to_all


def test_what_is_no_model_server_is_something_else() -> None:
    one = read_service("bifrost", host("uvicorn app:app --host 0.0.0.0 --port 8899"))
    assert (one.engine, one.port) == (Engine.OTHER, 8899)
    assert read_service("ollama", host("ollama serve", image="ollama/ollama")).engine is (
        Engine.OTHER
    )


def test_a_vllm_that_is_not_told_its_share_takes_its_usual_one() -> None:
    assert read_service("a", host("vllm serve x/y")).gpu_fraction == pytest.approx(0.92)


def test_the_variable_of_each_field_is_found_in_the_unresolved_text() -> None:
    raw = host(
        'bash -lc " llama-server --port ${ODIN_PORT} -m /models/${ODIN_GGUF} -c ${ODIN_CTX:-8192} '
        '-t $ODIN_THREADS "'
    )
    resolved = host(["bash", "-lc", "llama-server --port 1 -m /models/a.gguf -c 8192 -t 2"])
    assert read_service("llama_odin", resolved, raw).variables == {
        "port": "ODIN_PORT",
        "model": "ODIN_GGUF",
        "model_path": "ODIN_GGUF",
        "context_tokens": "ODIN_CTX",
        "threads": "ODIN_THREADS",
    }


def test_a_published_port_is_set_by_the_variable_outside() -> None:
    resolved = {
        "image": "vllm/vllm-openai",
        "command": ["--model", "a/b"],
        "ports": [{"target": 8000, "published": "9"}],
    }
    raw = {**resolved, "ports": ["${P:-9}:8000"]}
    assert read_service("a", resolved, raw).variables["port"] == "P"


def test_who_waits_for_whose_health_is_kept() -> None:
    one = read_service(
        "b",
        host(
            VLLM,
            depends_on={
                "a": {"condition": "service_healthy"},
                "c": {"condition": "service_started"},
            },
            healthcheck={"test": ["CMD", "true"]},
        ),
    )
    assert (one.depends_on, one.waits_for, one.health_check) == (("a", "c"), ("a",), True)


@pytest.mark.parametrize(
    ("name", "container", "role"),
    [
        ("vllm_thor", None, "thor"),
        ("llama_orchestrator", "llama_orchestrator_vulkan", "orchestrator"),
        ("llamacpp-utility", None, "utility"),
        ("vllm", "vllm_coder", "coder"),
        ("reviewer", None, "reviewer"),
        ("llama-server", None, "llama-server"),
    ],
)
def test_the_role_is_the_name_without_the_engine(name: str, container: str, role: str) -> None:
    assert read_service(name, host("", container_name=container)).role == role


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
SEEN = ["vllm", "serve", "llama-server", "bash", "-lc", "-c", "-m", "--port", "--port=", "'", "$"]
SEEN += ["--gpu-memory-utilization", "nan", "1e999", "-ngl", "/models/", "--max-model-len", "9K"]
WORDS = st.lists(st.sampled_from(SEEN) | st.text(max_size=8), max_size=8)
KEYS = ["image", "command", "entrypoint", "environment", "ports", "volumes", "depends_on"]
KEYS += ["container_name", "network_mode", "healthcheck"]


@given(
    st.text(max_size=20),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING | WORDS | WORDS.map(" ".join)),
    ANYTHING | st.dictionaries(st.sampled_from(KEYS), ANYTHING | WORDS),
)
def test_no_description_of_a_service_is_too_odd(name: str, resolved: Any, raw: Any) -> None:
    one = read_service(name, resolved, raw)
    assert one.name == name
    assert one.port is None or 0 < one.port < 65536
    assert one.gpu_fraction is None or 0 < one.gpu_fraction <= 1
