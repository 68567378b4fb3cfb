"""What model servers say about themselves, read out of their answers. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strixdesk.backends.model_names import guessed_capabilities
from strixdesk.core.tier import Capability

Json = Mapping[str, Any]

LLAMA = "llama.cpp"
VLLM = "vllm"
OLLAMA = "ollama"
LM_STUDIO = "lm studio"

ROUTER_LOADING = frozenset({"loading", "downloading"})
ON_DEMAND = "It is loaded when it is asked."


@dataclass(frozen=True, slots=True)
class Served:
    """What a server that is ready to answer says of itself."""

    model: str | None
    capabilities: frozenset[Capability] = frozenset()
    context_tokens: int | None = None
    server: str = ""
    latency_ms: float | None = None
    unloaded: bool = False
    """Its model is loaded when it is asked."""
    detail: str = ""
    """A sentence about that."""


def models_in(body: Any) -> tuple[Json, ...] | None:
    """The entries of a `/v1/models` answer; None when it is something else."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        return None
    return tuple(one for one in data if isinstance(one, dict) and isinstance(one.get("id"), str))


def kind_of(server_header: str, models: Sequence[Json]) -> str:
    """Who is behind a list of models; empty when that does not tell."""
    owners = {str(model.get("owned_by", "")) for model in models}
    if server_header == "llama.cpp" or "llamacpp" in owners:
        return LLAMA
    return VLLM if "vllm" in owners else ""


def choose_model(models: Sequence[Json], wanted: str | None) -> Json | None:
    """The entry of the wanted model, else one that is loaded, else the first that can chat."""
    if wanted is not None:
        names = {wanted, f"{wanted}:latest"}
        return next((one for one in models if names & {one["id"], *_aliases(one)}), None)
    chatty = [one for one in models if "embed" not in f"{one.get('type', '')}{one['id']}".lower()]
    return next((one for one in chatty if _loaded(one)), next(iter(chatty), None))


def _aliases(entry: Json) -> tuple[str, ...]:
    aliases = entry.get("aliases")
    return tuple(map(str, aliases)) if isinstance(aliases, list) else ()


def _loaded(entry: Json) -> bool:
    return router_state(entry) == "loaded" or entry.get("state") == "loaded"  # LM Studio


def router_state(entry: Json) -> str:
    """What llama.cpp's router tells of a model: `unloaded`, `loading`, `loaded`, `sleeping`,
    `downloading`, `downloaded`; empty where there is no such word."""
    return str(_table(entry, "status").get("value") or "")


def from_list(entry: Json | None, wanted: str | None, server: str = "") -> Served:
    """What a plain list of models tells; the rest is guessed from the model's name."""
    entry = entry or {}
    model = wanted or entry.get("id")
    return Served(
        model,
        _modalities(entry) | guessed_capabilities(f"{model} {entry.get('root', '')}"),
        positive(entry.get("max_model_len")),  # vLLM
        server,
    )


def from_llama(entry: Json | None, wanted: str | None, props: Any) -> Served:
    """llama.cpp: `/props` has the real context size and whether pictures are taken."""
    props = props if isinstance(props, dict) else {}
    base = from_list(entry, wanted, LLAMA)
    model = (entry or {}).get("id") or props.get("model_alias") or wanted
    modalities = props.get("modalities")
    capabilities = base.capabilities
    if isinstance(modalities, dict):
        sees = frozenset({Capability.VISION} if modalities.get("vision") else ())
        capabilities = capabilities - {Capability.VISION} | sees
    generation = props.get("default_generation_settings")
    context = positive(generation.get("n_ctx")) if isinstance(generation, dict) else None
    meta = (entry or {}).get("meta")
    if context is None and isinstance(meta, dict):
        context = positive(meta.get("n_ctx"))
    return Served(model, capabilities, context, LLAMA)


def loads_on_demand(props: Any) -> bool:
    """llama.cpp's router can be told not to."""
    return not (isinstance(props, dict) and props.get("models_autoload") is False)


def from_router(entry: Json | None, wanted: str | None) -> Served:
    """llama.cpp's router: its list tells the state of each model, and of a loaded one the real
    context size. To ask a model itself, `/props` for one, would load it."""
    entry = entry or {}
    base = from_list(entry, wanted, LLAMA)
    state, ended = router_state(entry), _table(entry, "status").get("exit_code")
    if state == "loaded":
        return replace(base, context_tokens=positive(_table(entry, "meta").get("n_ctx")))
    detail = ON_DEMAND
    if ended:
        detail = f"It ended with exit status {ended}, and is loaded again when it is asked."
    return replace(base, unloaded=True, detail=detail)


def from_ollama(model: str | None, show: Any, running: Any) -> Served:
    """Ollama: `/api/show` knows what the model can do, `/api/ps` how much it really holds."""
    show = show if isinstance(show, dict) else {}
    told = show.get("capabilities")
    capabilities = guessed_capabilities(model)
    if isinstance(told, list):
        named = {"vision": Capability.VISION, "tools": Capability.TOOLS}
        named["thinking"] = Capability.THINKING
        capabilities = capabilities & {Capability.CODE} | {
            named[one] for one in told if isinstance(one, str) and one in named
        }
    context = next(
        (
            positive(one.get("context_length"))
            for one in _list(running, "models")
            if model in {one.get("name"), one.get("model")}
        ),
        None,
    )
    return Served(model, frozenset(capabilities), context, OLLAMA)


def from_lm_studio(entry: Json | None, wanted: str | None) -> Served:
    """LM Studio: `/api/v0/models` tells kind, context size and tool use of each model."""
    entry = entry or {}
    base = from_list(entry, wanted)
    capabilities = base.capabilities - {Capability.VISION}
    if entry.get("type") == "vlm":
        capabilities |= {Capability.VISION}
    told = entry.get("capabilities")
    if isinstance(told, list) and "tool_use" in told:
        capabilities |= {Capability.TOOLS}
    context = positive(entry.get("loaded_context_length"))
    unloaded = not _loaded(entry)
    detail = ON_DEMAND if unloaded else ""
    return Served(base.model, capabilities, context, LM_STUDIO, unloaded=unloaded, detail=detail)


def is_ollama_tags(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("models"), list)


def is_lm_studio_list(body: Any) -> bool:
    models = models_in(body)
    return bool(models) and all("state" in one and "type" in one for one in models or ())


def positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _table(parent: Json, key: str) -> Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _modalities(entry: Json) -> frozenset[Capability]:
    architecture = entry.get("architecture")
    told = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    sees = isinstance(told, list) and "image" in told
    return frozenset({Capability.VISION} if sees else ())


def _list(body: Any, key: str) -> list[Json]:
    value = body.get(key) if isinstance(body, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
