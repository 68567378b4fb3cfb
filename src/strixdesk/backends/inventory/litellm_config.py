"""LiteLLM's `config.yaml` read as tiers: what its proxy would call, called directly.

Source: the configuration's documented keys (`model_list`, `litellm_params`, `model_info`,
`router_settings`, `litellm_settings`). Nothing of it is executed: no includes, no secret managers.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from strixdesk.backends.http import is_own_network
from strixdesk.backends.inventory.source import Listed, Listing, tier_name
from strixdesk.backends.model_names import guessed_capabilities
from strixdesk.core.errors import SettingsError
from strixdesk.core.labels import readable
from strixdesk.core.tier import Capability, Price, Tier, TierState
from strixdesk.key_variables import take_key

_LIMIT_BYTES = 4 * 2**20

_CLOUDS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "mistral": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "xai": "https://api.x.ai/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "perplexity": "https://api.perplexity.ai",
}
"""Providers whose own address speaks OpenAI's protocol."""
_SERVERS = frozenset(
    {
        "openai", "openai_like", "custom_openai", "text-completion-openai", "hosted_vllm", "vllm",
        "ollama", "ollama_chat", "lm_studio", "llamafile", "litellm_proxy", "xinference",
    }
)  # fmt: skip
"""Providers that are reached at their `api_base`."""
_KEY_NAMES: Mapping[str, str] = {
    "together_ai": "TOGETHERAI_API_KEY",
    "fireworks_ai": "FIREWORKS_AI_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
}


class LiteLlmConfig:
    """A `Source`."""

    def __init__(self, name: str, path: Path, *, cloud: bool = False) -> None:
        """`cloud`: entries that leave the user's own machines are wanted too."""
        self.name = name
        self._path = path
        self._cloud = cloud

    async def read(self) -> Listing:
        return await asyncio.to_thread(self.listing)

    def listing(self) -> Listing:
        """What `read` gives."""
        try:
            if self._path.stat().st_size > _LIMIT_BYTES:
                raise SettingsError(f"{self._path} is too large for a LiteLLM configuration.")
            config = yaml.safe_load(self._path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(
                f"{self._path} could not be read: {why}.", "Check the path of the source."
            ) from error
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            where = getattr(error, "problem_mark", None)
            line = f" (line {where.line + 1})" if where else ""
            raise SettingsError(f"{self._path} is not valid YAML{line}.") from error
        return parse(self.name, config, cloud=self._cloud)


def parse(source: str, config: Any, *, cloud: bool) -> Listing:
    """Raises SettingsError for what is no LiteLLM configuration; single entries that make no
    sense are left out, with a sentence each."""
    entries = config.get("model_list") if isinstance(config, dict) else None
    if not isinstance(entries, list):
        raise SettingsError(
            f"The configuration of “{source}” has no model_list.",
            "Point the source at LiteLLM's config.yaml.",
        )
    groups: Counter[str] = Counter()
    listed: list[tuple[str, Listed]] = []
    left_out: list[str] = []
    for number, entry in enumerate(entries, 1):
        group = entry.get("model_name") if isinstance(entry, dict) else None
        if not isinstance(group, str) or not group.strip():
            left_out.append(f"Entry {number} of model_list has no model_name.")
            continue
        made = _tier(source, group, entry, cloud=cloud)
        if isinstance(made, str):
            left_out.append(f"“{group}” {made}")
        else:
            groups[group] += 1
            if groups[group] > 1:  # several deployments of one group
                name = tier_name(source, f"{group}#{groups[group]}")
                label = f"{made.tier.label} ({groups[group]})"
                made = replace(made, tier=replace(made.tier, name=name, label=label))
            listed.append((group, made))
    return Listing(tuple(_with_fallbacks(source, config, listed)), True, tuple(left_out))


def _tier(source: str, group: str, entry: Mapping[str, Any], *, cloud: bool) -> Listed | str:
    """The entry as a tier, or why it cannot be one."""
    params, info = _table(entry, "litellm_params"), _table(entry, "model_info")
    if (mode := info.get("mode", "chat")) != "chat":
        return f"is for {mode}, not for chat."
    wanted = params.get("model")
    if not isinstance(wanted, str) or not wanted:
        return "names no litellm_params.model."
    provider, slash, model = wanted.partition("/")
    if not slash:
        provider, model = str(params.get("custom_llm_provider") or "openai"), wanted
    base = _resolved(params.get("api_base") or params.get("base_url"), os.environ.get)
    if provider in _CLOUDS and not base:
        base, is_cloud = _CLOUDS[provider], True
    elif provider in _SERVERS | set(_CLOUDS) and base:
        is_cloud = not is_own_network(base)
    elif provider in _SERVERS:
        return "names no api_base."
    else:
        return f"needs {provider}'s own protocol, which StrixDesk does not speak."
    if is_cloud and not cloud:  # its key stays where it is, too
        return f"is a cloud model; set cloud = true for “{source}” to use it."
    base = base.rstrip("/")
    if provider in {"ollama", "ollama_chat"} and not base.endswith("/v1"):
        base += "/v1"
    key = _resolved(params.get("api_key"), take_key)
    if key is None and is_cloud:
        key = take_key(_KEY_NAMES.get(provider, f"{provider.upper()}_API_KEY"))
    capabilities = _capabilities(model, info)
    tier = Tier(
        name=tier_name(source, group),
        base_url=base,
        role=group,
        model=model,
        capabilities=capabilities if "supports_vision" in info else None,
        context_tokens=_count(info.get("max_input_tokens")) or _count(info.get("max_tokens")),
        api_key=key,
        label=readable(group),
        concurrency=_count(params.get("max_parallel_requests")),
        cloud=is_cloud,
        price=_price(params, info),
    )
    return Listed(tier, TierState.UNKNOWN, capabilities=capabilities)


def _with_fallbacks(
    source: str, config: Mapping[str, Any], listed: list[tuple[str, Listed]]
) -> Iterator[Listed]:
    """Other deployments of the same group come first, as LiteLLM's router has it."""
    of_group: dict[str, list[str]] = {}
    for group, one in listed:
        of_group.setdefault(group, []).append(one.tier.name)
    router, general = _table(config, "router_settings"), _table(config, "litellm_settings")
    for group, one in listed:
        named: dict[str, tuple[str, ...]] = {}
        for key in ("fallbacks", "context_window_fallbacks"):
            groups = _fallbacks_of(group, router.get(key) or general.get(key))
            named[key] = tuple(name for other in groups for name in of_group.get(other, ()))
        twins = tuple(name for name in of_group[group] if name != one.tier.name)
        tier = replace(
            one.tier,
            fallbacks=twins + named["fallbacks"],
            context_fallbacks=named["context_window_fallbacks"],
        )
        yield replace(one, tier=tier)


def _fallbacks_of(group: str, declared: Any) -> list[str]:
    """Of LiteLLM's list of one-entry maps; `*` is for whoever has none of their own."""
    usual: list[str] = []
    for one in declared if isinstance(declared, list) else ():
        for name, others in one.items() if isinstance(one, dict) else ():
            names = [str(other) for other in others] if isinstance(others, list) else []
            if name == group:
                return names
            if name == "*":
                usual = [other for other in names if other != group]
    return usual


def _capabilities(model: str, info: Mapping[str, Any]) -> frozenset[Capability]:
    told = {
        Capability.VISION: info.get("supports_vision"),
        Capability.TOOLS: info.get("supports_function_calling"),
        Capability.THINKING: info.get("supports_reasoning"),
    }
    guessed = guessed_capabilities(model)
    denied = {capability for capability, has in told.items() if has is False}
    return guessed - denied | {capability for capability, has in told.items() if has is True}


def _price(params: Mapping[str, Any], info: Mapping[str, Any]) -> Price | None:
    per_token = [
        next((one[key] for one in (params, info) if isinstance(one.get(key), int | float)), 0.0)
        for key in ("input_cost_per_token", "output_cost_per_token")
    ]
    return Price(*(round(cost * 1e6, 6) for cost in per_token)) if any(per_token) else None


def _resolved(value: Any, variable: Callable[[str], str | None]) -> str | None:
    """LiteLLM's `os.environ/NAME` is a variable of the environment."""
    if not isinstance(value, str) or not value:
        return None
    if value.startswith("os.environ/"):
        name = value.removeprefix("os.environ/")
        return variable(name) if name.isprintable() else None  # YAML has halves of characters
    return value


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
