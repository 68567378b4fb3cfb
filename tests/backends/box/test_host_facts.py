from __future__ import annotations

import os
import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends.box.host_facts import parse_facts, read_facts, read_memory
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.core.host import CachedModel, Disk
from strixdesk.core.stack import Engine, Service, Stack

GIB = 2**30
STRIX_HALO = {
    "meminfo": "MemTotal:       131072000 kB\nMemFree: 1000 kB\nMemAvailable:   100000000 kB\n"
    "SwapTotal:      8388604 kB\nSwapFree:       8388604 kB\n",
    "gpu": "/sys/class/drm/card1/device/mem_info_gtt_total 134217728000\n"
    "/sys/class/drm/card1/device/mem_info_gtt_used 40000000000\n"
    "/sys/class/drm/card1/device/mem_info_vram_total 536870912\n"
    "/sys/class/drm/card1/device/mem_info_vram_used 100000000\n"
    "/sys/class/drm/card1/device/mem_info_vis_vram_total 536870912\n",
    "heat": "nvme 31850\nk10temp 61000\namdgpu 54000\nbroken \n",
    "gfx": "gfx_target_version 0\ngfx_target_version 110501\n",
    "watchdog": "earlyoom\nlooked\n",
    "user": "sam\n",
    "devices": "yes /dev/kfd\nno /dev/dri/renderD128\n",
    "ports": "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
    'LISTEN 0 4096 0.0.0.0:8001 0.0.0.0:* users:(("vllm",pid=12,fd=7))\n'
    "LISTEN 0 128 [::]:22 [::]:*\n",
    "disk /hf": "/dev/nvme0n1p2 1900000000 1 1600000000 15% /\n",
    "files": "42520395584 /models/my big model.gguf\n",
    "cached": "59000000 0 1 Qwen--Qwen3-Coder-30B-A3B-Instruct\n1000 1 0 a--b\n",
}


def told(parts: dict[str, str]) -> str:
    return "".join(f"\0{name}\0{body}" for name, body in parts.items())


def test_a_strix_halo_box_is_read() -> None:
    facts = parse_facts(told(STRIX_HALO))
    assert facts.memory is not None
    assert facts.memory.total_bytes == 125 * GIB
    assert facts.memory.available_bytes == 102_400_000_000
    assert facts.memory.gpu_total_bytes == 134217728000 + 536870912
    assert facts.memory.gpu_used_bytes == 40_100_000_000
    assert facts.memory.temperature_c == 54
    assert facts.gpu == "gfx1151"
    assert facts.watchdog == "earlyoom"
    assert facts.ports == {8001: "vllm", 22: ""}
    assert facts.devices == {"/dev/kfd": True, "/dev/dri/renderD128": False}
    assert facts.disks == {"/hf": Disk(1900000000 * 1024, 1600000000 * 1024)}
    assert facts.files == {"/models/my big model.gguf": 42520395584}
    assert facts.cached == {
        "Qwen/Qwen3-Coder-30B-A3B-Instruct": CachedModel(59000000 * 1024, complete=True),
        "a/b": CachedModel(1000 * 1024, complete=False),
    }


def test_a_box_without_a_graphics_unit_still_has_memory() -> None:
    memory = parse_facts(told({"meminfo": STRIX_HALO["meminfo"]})).memory
    assert memory is not None
    assert memory.gpu_total_bytes is None


def test_a_large_carved_out_part_is_told_apart() -> None:
    gpu = "/d/mem_info_gtt_total 16000\n/d/mem_info_gtt_used 5\n/d/mem_info_vram_total 96000\n"
    memory = parse_facts(told(STRIX_HALO | {"gpu": f"{gpu}/d/mem_info_vram_used 7\n"})).memory
    assert memory is not None
    assert memory.gpu_apart
    assert (memory.gpu_total_bytes, memory.gpu_used_bytes) == (96000, 7)


def test_nothing_that_ends_programs_is_told_from_not_knowing() -> None:
    assert parse_facts(told({"watchdog": "looked\n"})).watchdog == ""
    assert parse_facts(told({"watchdog": ""})).watchdog is None


PARTS = st.dictionaries(st.sampled_from(sorted(STRIX_HALO)), st.text(max_size=60))


@given(PARTS.map(told) | st.text(max_size=80))
def test_no_answer_is_too_odd(text: str) -> None:
    facts = parse_facts(text)
    sizes = [size for disk in facts.disks.values() for size in (disk.total_bytes, disk.free_bytes)]
    sizes += [*facts.files.values(), *(model.bytes for model in facts.cached.values())]
    if facts.memory:
        sizes += [facts.memory.total_bytes, facts.memory.available_bytes]
    assert all(size >= 0 for size in sizes)


async def test_this_machine_is_read_with_its_files_and_ports(tmp_path: Path) -> None:
    models, home = tmp_path / "my models", tmp_path / "hf"
    models.mkdir()
    (models / "a.gguf").write_bytes(b"x" * 1234)
    snapshot = home / "hub" / "models--a--b" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"y")
    (home / "token").write_text("hf_x")
    stack = Stack(
        str(tmp_path),
        None,
        (
            Service("l", Engine.LLAMA_CPP, model_path=str(models / "a.gguf")),
            Service("v", Engine.VLLM, model="a/b", hf_home=str(home)),
        ),
        (),
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        facts = await read_facts(LocalShell(), stack)
        assert listening.getsockname()[1] in facts.ports
    assert facts.files == {str(models / "a.gguf"): 1234}
    assert facts.cached["a/b"].complete
    assert facts.logged_in == {str(home)}
    assert facts.disks[str(models)].free_bytes > 0
    assert facts.memory is not None
    assert facts.memory.total_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


async def test_the_memory_alone_is_read() -> None:
    memory = await read_memory(LocalShell())
    assert memory is not None
    assert 0 < memory.available_bytes <= memory.total_bytes
