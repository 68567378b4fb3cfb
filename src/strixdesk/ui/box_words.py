"""How a box and its tiers are put into words and marks."""

from __future__ import annotations

from strixdesk.core.box import Deed, Hop, HopState, Operation, OperationState
from strixdesk.core.memory import gb
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.ui.marks import Mark

TIER_WORDS = {
    TierState.UNKNOWN: "not asked yet",
    TierState.STOPPED: "stopped",
    TierState.STARTING: "starting",
    TierState.LOADING: "loading",
    TierState.READY: "ready",
    TierState.STOPPING: "stopping",
    TierState.FAILED: "failed",
    TierState.UNREACHABLE: "not reachable",
}
HOP_MARKS = {
    HopState.UNKNOWN: (Mark.RING, "muted"),
    HopState.OK: (Mark.DISC, "ok"),
    HopState.IMPAIRED: (Mark.HALF, "warning"),
    HopState.FAILED: (Mark.TRIANGLE, "danger"),
}
HOP_WORDS = {
    HopState.UNKNOWN: "not looked at",
    HopState.OK: "in order",
    HopState.IMPAIRED: "impaired",
    HopState.FAILED: "broken",
}
OPERATION_MARKS = {
    OperationState.RUNNING: (Mark.HALF, "warning"),
    OperationState.DONE: (Mark.DISC, "ok"),
    OperationState.FAILED: (Mark.TRIANGLE, "danger"),
    OperationState.CANCELLED: (Mark.SQUARE, "muted"),
}
DOING = {
    Deed.START: "Starting",
    Deed.STOP: "Stopping",
    Deed.RESTART: "Restarting",
    Deed.PULL: "Fetching images for",
}
DONE = {
    OperationState.DONE: "Done",
    OperationState.FAILED: "Failed",
    OperationState.CANCELLED: "Cancelled",
}


def hop_line(hop: Hop) -> str:
    """For a tooltip and a screen reader."""
    latency = f", {hop.latency_ms:.0f} ms" if hop.latency_ms is not None else ""
    detail = f". {hop.detail}" if hop.detail else ""
    return f"{hop.kind.value}: {HOP_WORDS[hop.state]}{latency}{detail}"


def state_words(status: TierStatus) -> str:
    words = TIER_WORDS[status.state]
    if status.stale and status.state is not TierState.UNREACHABLE:
        return f"{words} when last seen"
    if status.unloaded:
        return "not loaded"
    if status.state is TierState.READY and status.degraded:
        return "ready, but slow"
    if status.progress is not None and status.state in (TierState.STARTING, TierState.LOADING):
        return f"{words} {status.progress:.0%}"
    return words


def context_words(tokens: int) -> str:
    return f"{tokens / 1024:.0f}k context" if tokens >= 1024 else f"{tokens} tokens"


def short_model(model: str) -> str:
    """Without the publisher, and without a file's folder and ending."""
    return model.rsplit("/", 1)[-1].removesuffix(".gguf")


def operation_title(operation: Operation) -> str:
    what = operation.mode and f"the mode {operation.mode}"
    what = what or ", ".join(operation.services) or "the whole stack"
    doing = f"{DOING[operation.deed]} {what}"
    return f"{DONE[operation.state]}: {doing.lower()}" if operation.state.over else doing


def share_words(count: int, total: int) -> str:
    return f"{gb(count)} of {total / 2**30:.0f} GB"
