"""One service of `docker compose config --format json` as a `Service`.

What the server is told is read from its resolved command line and environment, whatever the
service is called. Sources: the command-line references of `vllm serve` and `llama-server`, and
compose's own description of `config`. Nothing raises: what makes no sense is `Engine.OTHER`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from posixpath import basename

from strixdesk.core.command_words import Flags, commands_of, flags_of, program, words_of
from strixdesk.core.stack import Engine, Service

VLLM_DEFAULT_FRACTION = 0.92
"""Of a vLLM that is not told; the highest that any of its versions takes."""

_VARIABLE = re.compile(r"(?<!\$)\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))")
_ENGINE_PREFIX = re.compile(
    r"^(?:vllm|llama[-_.]?cpp|llama[-_]?server|llama|llm)[-_.]+", re.IGNORECASE
)
_ENGINE_NAME = re.compile(
    r"^(?:vllm|llama[-_.]?cpp|llama[-_]?server|llama|llm|server)$", re.IGNORECASE
)
_LLAMA_IMAGE = re.compile(r"llama[-_.]?(?:cpp|server)", re.IGNORECASE)
_LLAMA_PROGRAMS = frozenset({"llama-server", "llama-server.exe", "server"})
_HUMAN = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class _Told:
    """A server's settings as text, still unread: they may hold `${VARIABLES}`."""

    engine: Engine
    fields: Mapping[str, str]
    """By the names of `Service`'s fields, and `host`."""
    flags: Flags


def read_service(name: str, resolved: object, raw: object = None) -> Service:
    """`raw`: the same service as `config --no-interpolate` prints it; tells which variable sets
    which field."""
    service = _table(resolved)
    told = _told(service)
    fields = told.fields
    port, ports = _ports(service, told)
    path = fields.get("model_path")
    role = _role(name, _text(service.get("container_name")), fields.get("served_as", ""))
    depends, healthy = _depends(service.get("depends_on"))
    environment = _environment(service.get("environment"))
    cached = environment.get("HF_HOME") or "/root/.cache/huggingface"
    return Service(
        name=name,
        engine=told.engine,
        role=role,
        port=port,
        model=fields.get("model") or basename(path or "") or None,
        served_as=fields.get("served_as"),
        model_path=_outside(path, service.get("volumes")) if path else None,
        context_tokens=_count(fields.get("context_tokens")),
        gpu_fraction=_fraction(told),
        max_sequences=_count(fields.get("max_sequences")),
        kv_cache_dtype=fields.get("kv_cache_dtype", "auto"),
        quantization=fields.get("quantization"),
        dtype=fields.get("dtype", "auto"),
        threads=_count(fields.get("threads")),
        gpu_layers=_layers(fields.get("gpu_layers")),
        depends_on=depends,
        image=_text(service.get("image")),
        container=_text(service.get("container_name")) or None,
        variables=_variables(fields, raw),
        open_to_all=_open(told, environment, service),
        mmap=not (told.flags.has("--no-mmap") or "LLAMA_ARG_NO_MMAP" in environment),
        health_check=_has_health_check(service.get("healthcheck")),
        waits_for=healthy,
        hf_home=_outside(cached, service.get("volumes")) if told.engine is Engine.VLLM else None,
        ports=ports,
    )


# ---- what the server is told -------------------------------------------------------------------


def _told(service: Mapping[str, object]) -> _Told:
    words = words_of(service.get("entrypoint")) + words_of(service.get("command"))
    environment = _environment(service.get("environment"))
    for command in commands_of(words):
        for at, word in enumerate(command):
            rest = command[at + 1 :]
            if program(word) == "vllm" and rest[:1] == ["serve"]:
                return _vllm(flags_of(rest[1:]))
            if word.startswith("vllm.entrypoints"):
                return _vllm(flags_of(rest))
            if program(word) in _LLAMA_PROGRAMS and word != "server":
                return _llama(flags_of(rest), environment)
    image = _text(service.get("image"))
    bare = not words or words[0].startswith("-") or "/" in words[0].strip("/")
    if "vllm" in image.lower() and bare and words and not words[0].startswith("/"):
        return _vllm(flags_of(words))
    if _LLAMA_IMAGE.search(image) and (not words or words[0].startswith("-")):
        flags = flags_of(words)
        if words or any(key.startswith("LLAMA_ARG_") for key in environment):
            return _llama(flags, environment)
    flags = flags_of(words)
    port = flags.get("--port", "-p")
    return _Told(Engine.OTHER, {"port": port} if port else {}, flags)


def _vllm(flags: Flags) -> _Told:
    model = flags.get("--model") or next(iter(flags.positional), None)
    fields = {
        "model": model,
        "port": flags.get("--port") or "8000",
        "host": flags.get("--host"),
        "served_as": flags.get("--served-model-name"),
        "context_tokens": flags.get("--max-model-len"),
        "gpu_fraction": flags.get("--gpu-memory-utilization"),
        "max_sequences": flags.get("--max-num-seqs"),
        "kv_cache_dtype": flags.get("--kv-cache-dtype"),
        "quantization": flags.get("--quantization", "-q"),
        "dtype": flags.get("--dtype"),
        "model_path": model if model and model.startswith("/") else None,
    }
    return _Told(Engine.VLLM, _present(fields), flags)


def _llama(flags: Flags, environment: Mapping[str, str]) -> _Told:
    """A flag counts for more than its variable, as in llama.cpp itself."""

    def told(variable: str, *names: str) -> str | None:
        return flags.get(*names) or environment.get(f"LLAMA_ARG_{variable}") or None

    repository = told("HF_REPO", "--hf-repo", "-hf", "-hfr")
    fields = {
        "model": repository,
        "model_path": told("MODEL", "--model", "-m"),
        "port": told("PORT", "--port") or "8080",
        "host": told("HOST", "--host"),
        "served_as": told("ALIAS", "--alias", "-a"),
        "context_tokens": told("CTX_SIZE", "--ctx-size", "-c"),
        "max_sequences": told("N_PARALLEL", "--parallel", "-np"),
        "kv_cache_dtype": told("CACHE_TYPE_K", "--cache-type-k", "-ctk"),
        "threads": told("THREADS", "--threads", "-t"),
        "gpu_layers": told("N_GPU_LAYERS", "--gpu-layers", "--n-gpu-layers", "-ngl"),
    }
    if fields["model_path"]:
        fields["model"] = None
    return _Told(Engine.LLAMA_CPP, _present(fields), flags)


def _present(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in fields.items() if value}


def _fraction(told: _Told) -> float | None:
    if told.engine is not Engine.VLLM:
        return None
    given = _number(told.fields.get("gpu_fraction"))
    return given if given is not None and 0 < given <= 1 else VLLM_DEFAULT_FRACTION


def _open(told: _Told, environment: Mapping[str, str], service: Mapping[str, object]) -> bool:
    keyed = (
        told.flags.has("--api-key", "--api-key-file")
        or environment.get("VLLM_API_KEY")
        or environment.get("LLAMA_API_KEY")
    )
    if keyed or told.engine is Engine.OTHER:
        return False
    if service.get("network_mode") == "host":
        usual = "0.0.0.0" if told.engine is Engine.VLLM else "127.0.0.1"  # noqa: S104 - looked for
        return told.fields.get("host", usual) in {"0.0.0.0", "::"}  # noqa: S104 - looked for
    published = [_table(one) for one in _list(service.get("ports"))]
    return any(_text(one.get("host_ip")) in {"", "0.0.0.0", "::"} for one in published)  # noqa: S104


# ---- where it lies on the box ------------------------------------------------------------------


def _ports(service: Mapping[str, object], told: _Told) -> tuple[int | None, tuple[int, ...]]:
    """Its port on the box, and all that it takes there."""
    inside = _port(told.fields.get("port"))
    if service.get("network_mode") == "host":
        return inside, (inside,) if inside else ()
    published: dict[int | None, int] = {}
    for one in _list(service.get("ports")):
        entry = _table(one)
        outside = _port(_text(entry.get("published")).partition("-")[0])
        if outside:
            published.setdefault(_port(_text(entry.get("target"))), outside)
    own = published.get(inside)
    if own is None and len(published) == 1:
        own = next(iter(published.values()))
    return own, tuple(published.values())


def _outside(path: str, volumes: object) -> str | None:
    """A path in the container as the box has it; None: it lies in no mounted folder."""
    best: tuple[str, str] | None = None
    for one in _list(volumes):
        entry = _table(one)
        source, target = _text(entry.get("source")), _text(entry.get("target")).rstrip("/")
        if not source.startswith("/") or not target:
            continue
        inside = path == target or path.startswith(f"{target}/")
        if inside and (best is None or len(target) > len(best[1])):
            best = (source.rstrip("/"), target)
    return None if best is None else best[0] + path[len(best[1]) :]


def _depends(told: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All, and those that must be healthy."""
    if isinstance(told, Mapping):
        names = tuple(str(name) for name in told)
        healthy = tuple(
            str(name)
            for name, how in told.items()
            if _table(how).get("condition") == "service_healthy"
        )
        return names, healthy
    return tuple(_text(name) for name in _list(told) if isinstance(name, str)), ()


def _has_health_check(told: object) -> bool:
    check = _table(told)
    return bool(check.get("test")) and check.get("disable") is not True


# ---- names -------------------------------------------------------------------------------------


def _role(name: str, container: str, alias: str) -> str:
    """The name without the engine's prefix; where that leaves nothing, the container's or the
    alias."""
    for candidate in (name, container, alias):
        bare = _ENGINE_PREFIX.sub("", candidate.strip())
        if bare and not _ENGINE_NAME.match(bare):
            return bare.lower()
    return name.lower()


def _variables(fields: Mapping[str, str], raw: object) -> dict[str, str]:
    """A field whose unresolved text holds exactly one variable is set by it."""
    service = _table(raw)
    if not service:
        return {}
    told = _told(service)
    unresolved = dict(told.fields)
    if "model" not in unresolved and "model_path" in unresolved:
        unresolved["model"] = basename(unresolved["model_path"])
    if service.get("network_mode") != "host":
        unresolved["port"] = _published(service)
    found: dict[str, str] = {}
    for key, text in unresolved.items():
        names = {one or other for one, other in _VARIABLE.findall(text)}
        if len(names) == 1 and (key in fields or key in {"model", "port"}):
            found[key] = names.pop()
    return found


def _published(service: Mapping[str, object]) -> str:
    """The outer half of its only port, as written."""
    ports = _list(service.get("ports"))
    if len(ports) != 1:
        return ""
    if isinstance(ports[0], str):
        return re.sub(r":[^:}]*$", "", ports[0])
    return _text(_table(ports[0]).get("published"))


# ---- reading odd values ------------------------------------------------------------------------


def _table(told: object) -> Mapping[str, object]:
    return {str(k): v for k, v in told.items()} if isinstance(told, Mapping) else {}


def _list(told: object) -> list[object]:
    return told if isinstance(told, list) else []


def _text(told: object) -> str:
    is_text = isinstance(told, str | int | float) and not isinstance(told, bool)
    return str(told) if is_text else ""


def _environment(told: object) -> dict[str, str]:
    if isinstance(told, Mapping):
        return {str(key): _text(value) for key, value in told.items()}
    pairs: Iterable[str] = (one for one in _list(told) if isinstance(one, str))
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _count(text: str | None) -> int | None:
    """A positive whole number; vLLM also takes `64k` (thousands) and `64K` (of 1024)."""
    factor = _HUMAN.get(text[-1:], 1) if text else 1
    value = _number(text[:-1] if text and factor > 1 else text)
    count = int(value * factor) if value is not None else 0
    return count if 0 < count < 2**40 else None


def _port(text: str | None) -> int | None:
    value = _count(text)
    return value if value is not None and value < 65536 else None


def _layers(text: str | None) -> int:
    return 999 if text in {"all", "auto"} else _count(text) or 0
