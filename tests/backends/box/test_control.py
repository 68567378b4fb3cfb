from __future__ import annotations

from strixdesk.backends.box.control import needed_and_free
from strixdesk.core.box import BoxMemory
from strixdesk.core.stack import Engine, Service

GIB = 2**30
CODER = Service("vllm_coder", Engine.VLLM, gpu_fraction=0.5)


def test_a_share_of_shared_memory_must_be_free_beside_the_reserve() -> None:
    memory = BoxMemory(128 * GIB, 100 * GIB, gpu_total_bytes=120 * GIB, gpu_used_bytes=0)
    assert needed_and_free(CODER, memory, 4 * GIB) == (64 * GIB, 100 * GIB)


def test_a_share_of_memory_that_is_carved_out_is_measured_there() -> None:
    """96 of 128 GB belong to the graphics unit alone: the system's own 32 never hold a model."""
    memory = BoxMemory(
        32 * GIB, 28 * GIB, gpu_total_bytes=96 * GIB, gpu_used_bytes=10 * GIB, gpu_apart=True
    )
    assert needed_and_free(CODER, memory, 4 * GIB) == (48 * GIB, 86 * GIB)
