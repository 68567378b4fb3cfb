"""One frozen tree of settings, kept as TOML that a person can edit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from strixdesk.core.box import Box
from strixdesk.core.errors import SettingsError
from strixdesk.core.rules import DEFAULT_RULES, FEATURES, RoutingPolicy, Rule
from strixdesk.core.tier import Capability, Control, ControlKind, Price, Tier
from strixdesk.key_variables import take_key


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PriceSettings(_Part):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class ControlSettings(_Part):
    """How a tier is started and stopped."""

    kind: ControlKind = ControlKind.COMPOSE
    box: str = ""
    """Name of one of the [[boxes]]; empty: this machine."""
    unit: str = ""
    """Compose service, model of llama-swap or of llama-server's router, or systemd user unit."""
    start: tuple[str, ...] = ()
    """For kind = "command": the program and its arguments, never a shell line."""
    stop: tuple[str, ...] = ()

    def control(self) -> Control:
        return Control(self.kind, self.box, self.unit, self.start, self.stop)


class TierSettings(_Part):
    """A model server with an OpenAI-compatible API. Only `name` and `base_url` are needed."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^/\s][^/\n]*$")
    base_url: str
    role: str = ""
    model: str | None = None
    capabilities: frozenset[Capability] | None = None
    context_tokens: int | None = Field(default=None, ge=256)
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; it is kept from child processes."""
    key_name: str | None = None
    """Entry of the system's keychain that holds the key; `strixdesk key set NAME` puts it there."""
    label: str = ""
    """What is shown in place of the name."""
    favourite: bool = False
    concurrency: int | None = Field(default=None, ge=1, le=64)
    """Answers at once; None: 4 for vLLM, 1 for llama.cpp."""
    cloud: bool = False
    """Questions leave your own machines: off unless you choose it, and counted in money."""
    price: PriceSettings | None = None
    control: ControlSettings | None = None

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or len(value.split("//", 1)[1]) == 0:
            raise ValueError("must begin with http:// or https:// and name a host")
        return value.rstrip("/")

    def tier(self) -> Tier:
        key = self.api_key.get_secret_value() if self.api_key else None
        if key is None and self.api_key_env:
            key = take_key(self.api_key_env)
        return Tier(
            name=self.name,
            base_url=self.base_url,
            role=self.role,
            model=self.model,
            capabilities=self.capabilities,
            context_tokens=self.context_tokens,
            api_key=key,
            label=self.label,
            favourite=self.favourite,
            concurrency=self.concurrency,
            cloud=self.cloud,
            price=Price(self.price.input, self.price.output) if self.price else None,
            key_name=self.key_name,
            control=self.control.control() if self.control else None,
        )


class SourceSettings(_Part):
    """Where more tiers come from. Their names are `name/model`."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^/\s][^/\n]*$")
    kind: Literal["compose", "litellm-config", "ollama", "llama-swap", "lm-studio", "litellm"]
    path: str = ""
    """compose: the stack's folder; litellm-config: the config.yaml. On this machine."""
    url: str = ""
    """Of a server that is asked for its models."""
    host: str = "127.0.0.1"
    """compose: where the ports of its services answer."""
    api_key_env: str | None = None
    key_name: str | None = None
    cloud: bool = False


class BoxSettings(_Part):
    """A machine that runs a stack of model servers with docker compose."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^/\s][^/\n]*$")
    host: str | None = None
    """Host name or address; None: this machine."""
    user: str | None = None
    stack: str = ""
    """The stack's folder there; empty: looked for."""
    mac: str | None = Field(default=None, pattern=r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$")
    """Ethernet address, to wake it with."""
    reserve_gb: float = Field(default=4.0, ge=0)
    """Memory that nothing may plan with."""
    start_on_demand: Literal["offer", "automatic", "never"] = "offer"
    """What happens when a question wants a tier that is stopped."""
    allow_unsupported: tuple[str, ...] = ()
    """Rules of the hardware that do not hold for you: names as `strixdesk doctor` gives them."""

    def box(self) -> Box:
        return Box(
            self.name,
            self.host,
            self.user,
            self.stack,
            self.mac,
            self.reserve_gb,
            self.start_on_demand,
        )


class RuleSettings(_Part):
    """Who is meant for which question. The first rule whose conditions all hold decides."""

    because: str = Field(min_length=1)
    """Shown as the reason: “Here is code”. `{code}`, `{hard}` and `{picture}` stand for what was
    seen of them."""
    to: tuple[str, ...] = Field(min_length=1)
    """Best first: names, labels, roles, capabilities, or `fastest`. A cloud tier only by name."""
    when: tuple[str, ...] = ()
    """Features that must all hold: picture, code, second-opinion, asked ("think hard"), hard,
    long, short, spoken."""
    words: tuple[str, ...] = ()
    """And any of these words or phrases is in the question; empty: none has to be."""

    @field_validator("when")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for feature in value:
            if feature not in FEATURES:
                raise ValueError(f'"{feature}" is none of {", ".join(FEATURES)}')
        return value

    def rule(self) -> Rule:
        return Rule(self.because, self.to, self.when, self.words)


class RoutingSettings(_Part):
    rules: tuple[RuleSettings, ...] | None = None
    """None: the rules that come with the program (`strixdesk route --rules` shows them)."""
    hard_score: float = Field(default=0.6, ge=0, le=1)
    """From which complexity on a question counts as hard."""
    slow_tokens_per_s: float = Field(default=5.0, ge=0)
    """Tiers that write more slowly than this never answer live speech."""

    def policy(self, answer_tokens: int) -> RoutingPolicy:
        """`answer_tokens`: the cap of an answer, for which a context keeps room."""
        rules = DEFAULT_RULES
        if self.rules is not None:
            rules = tuple(rule.rule() for rule in self.rules)
        return RoutingPolicy(rules, self.hard_score, self.slow_tokens_per_s, answer_tokens)


class UsageSettings(_Part):
    monthly_budget_usd: float | None = Field(default=None, ge=0)
    """For cloud tiers; None: nothing is asked of them that costs money. A question that could
    pass it is not sent."""
    cache: bool = False
    """Answer an identical text-only question from the answer that was already given."""
    cache_days: float = Field(default=7.0, gt=0)


class StarterSettings(_Part):
    """The tier "This computer", which the program runs itself."""

    enabled: Literal["auto", "always", "never"] = "auto"
    """auto: when no other tier is configured."""
    threads: int = Field(default=0, ge=0, le=64)
    """0: chosen from the processor count."""
    context_tokens: int = Field(default=2048, ge=512)


class RecogniserSettings(_Part):
    model: str = "auto"
    """A name that `strixdesk models` lists, a folder, or auto: the best one installed."""
    language: str = "en"
    threads: int = Field(default=0, ge=0, le=64)
    """0: chosen from the processor count."""


class VoiceSettings(_Part):
    """The voice that reads answers."""

    model: str = "auto"
    """A name that `strixdesk models` lists, a path to an .onnx file, or auto."""
    enabled: bool = True
    speed: float = Field(default=1.0, ge=0.5, le=2.0)


class MicrophoneSettings(_Part):
    device: str | None = None
    """Name of the input device; None: the system's default."""
    keep_warm_s: float = Field(default=60.0, ge=0.0)
    """How long the microphone stays open after push-to-talk, so that no first word is lost."""
    hands_free_pause_ms: int = Field(default=700, ge=200, le=5000)
    """How long a pause ends a hands-free utterance."""


class SpeakerSettings(_Part):
    device: str | None = None
    """Name of the output device; None: the system's default."""


class ChatSettings(_Part):
    system_prompt: str = (
        "You are a helpful assistant. Answer clearly and briefly unless asked for more."
    )
    max_answer_tokens: int = Field(default=2048, ge=16)
    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    """None: the server's own default."""
    connect_timeout_s: float = Field(default=5.0, gt=0)
    first_token_timeout_s: float = Field(default=90.0, gt=0)
    """From the request to the first content; keep-alives do not count."""
    between_tokens_timeout_s: float = Field(default=45.0, gt=0)
    """From content to content; keep-alives do not count."""
    total_timeout_s: float = Field(default=900.0, gt=0)
    """From the request to the end of the answer."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often a tier that is busy or out of reach is asked again before the next one is."""
    cooldown_s: float = Field(default=30.0, gt=0)
    """How long a tier that kept failing is left alone before one question tries it again."""
    summarise: bool = True
    """Compress what no longer fits into a summary, between turns."""
    summary_tier: str | None = None
    """Who writes it; None: the cheapest tier that is ready."""


class UiSettings(_Part):
    theme: Literal["system", "light", "dark"] = "system"
    talk_key: str = "F9"
    """Held to talk while the window has the focus; Qt's portable key text."""


class ModelsSettings(_Part):
    mirror: str = "https://huggingface.co"
    """Where `strixdesk models get` fetches from; any server with the same paths."""

    @field_validator("mirror")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")


Named = TypeVar("Named", TierSettings, SourceSettings, BoxSettings)


class Settings(_Part):
    tiers: tuple[TierSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    boxes: tuple[BoxSettings, ...] = ()
    routing: RoutingSettings = RoutingSettings()
    usage: UsageSettings = UsageSettings()
    cloud: dict[str, str] = Field(default_factory=dict)
    """Roles that are switched to the cloud, and the cloud tier that answers for each."""
    favourites: tuple[str, ...] = ()
    """Names of tiers of sources that stand first in the picker."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What is shown in place of the names of tiers of sources."""
    default_tier: str | None = None
    """Who answers when nothing speaks for another; None: the first that is ready."""
    starter: StarterSettings = StarterSettings()
    recogniser: RecogniserSettings = RecogniserSettings()
    voice: VoiceSettings = VoiceSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    speaker: SpeakerSettings = SpeakerSettings()
    chat: ChatSettings = ChatSettings()
    ui: UiSettings = UiSettings()
    models: ModelsSettings = ModelsSettings()

    @field_validator("tiers", "sources", "boxes")
    @classmethod
    def _distinct(cls, value: tuple[Named, ...], info: ValidationInfo) -> tuple[Named, ...]:
        seen: set[str] = set()
        for one in value:
            if one.name.casefold() in seen:
                raise ValueError(f'two {info.field_name} are called "{one.name}"')
            seen.add(one.name.casefold())
        return value


def decorations(settings: Settings) -> tuple[dict[str, str], frozenset[str]]:
    """Labels and favourites of all tiers, by name; what a hand-written one has no label for is
    told as an empty one."""
    labels = {tier.name: tier.label for tier in settings.tiers} | settings.labels
    own = [tier.name for tier in settings.tiers if tier.favourite]
    return labels, frozenset((*own, *settings.favourites))


def decorated(
    settings: Settings, name: str, *, favourite: bool | None = None, label: str | None = None
) -> Settings:
    """With a tier made a favourite or not, or called otherwise: in its own entry if it is
    hand-written, else in the lists for tiers of sources."""
    wanted = {"favourite": favourite, "label": label}
    update = {key: value for key, value in wanted.items() if value is not None}
    tiers = tuple(
        tier.model_copy(update=update) if tier.name == name else tier for tier in settings.tiers
    )
    own = any(tier.name == name for tier in tiers)
    favourites = tuple(one for one in settings.favourites if favourite is None or one != name)
    labels = {key: value for key, value in settings.labels.items() if label is None or key != name}
    if favourite and not own:
        favourites = (*favourites, name)
    if label and not own:
        labels[name] = label
    return settings.model_copy(update={"tiers": tiers, "favourites": favourites, "labels": labels})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as they could be read."""

    settings: Settings
    path: Path
    problem: SettingsError | None = None
    """Set when the file could not be used: then the settings are the defaults."""
