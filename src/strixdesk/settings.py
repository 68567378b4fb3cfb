"""One frozen tree of settings, kept as TOML that a person can edit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from strixdesk.core.errors import SettingsError
from strixdesk.core.tier import Capability, Tier


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """Name of the environment variable that holds the key."""

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or len(value.split("//", 1)[1]) == 0:
            raise ValueError("must begin with http:// or https:// and name a host")
        return value.rstrip("/")

    def tier(self) -> Tier:
        key = self.api_key.get_secret_value() if self.api_key else None
        if key is None and self.api_key_env:
            key = os.environ.get(self.api_key_env)
        return Tier(
            name=self.name,
            base_url=self.base_url,
            role=self.role,
            model=self.model,
            capabilities=self.capabilities,
            context_tokens=self.context_tokens,
            api_key=key,
        )


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


class Settings(_Part):
    tiers: tuple[TierSettings, ...] = ()
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

    @field_validator("tiers")
    @classmethod
    def _distinct(cls, value: tuple[TierSettings, ...]) -> tuple[TierSettings, ...]:
        seen: set[str] = set()
        for tier in value:
            if tier.name.casefold() in seen:
                raise ValueError(f'two tiers are called "{tier.name}"')
            seen.add(tier.name.casefold())
        return value


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as they could be read."""

    settings: Settings
    path: Path
    problem: SettingsError | None = None
    """Set when the file could not be used: then the settings are the defaults."""
