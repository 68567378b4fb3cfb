"""The pages of the settings: which setting, in which words, in which control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from strixdesk.core.errors import StrixError
from strixdesk.settings import Settings
from strixdesk.ui.key_field import KeyField
from strixdesk.ui.settings_fields import (
    Field,
    choice_field,
    fill_choices,
    long_text_field,
    number_field,
    optional_decimal_field,
    plain_label,
    slider_field,
    switch_field,
)
from strixdesk.ui.tiers_editor import TiersEditor

DeviceNames = Callable[[], tuple[list[str], list[str]]]
"""Microphones and speakers by name."""


class Page(QWidget):
    """Fields one below the other, and a line that says when they take effect."""

    def __init__(
        self, fields: Sequence[Field], *, takes_effect: str, body: QWidget | None = None
    ) -> None:
        """`body`: what stands in the place of the fields."""
        super().__init__()
        self.fields = tuple(fields)
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(18)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for field in fields:
            field.add_to(form)
        note = plain_label(takes_effect, "muted")
        note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(20)
        if body:
            column.addWidget(body, 1)
        else:
            column.addLayout(form)
            column.addStretch(1)
        column.addWidget(note)

    def changes(self) -> dict[tuple[str, ...], Any]:
        """What the user changed, by place in the tree of settings."""
        return {field.key: field.value for field in self.fields if field.changed}

    def field(self, key: tuple[str, ...]) -> Field | None:
        return next((field for field in self.fields if field.key == key), None)

    def shown(self) -> None:
        """The page was opened."""


class TiersPage(Page):
    def __init__(self, settings: Settings) -> None:
        self.editor = TiersEditor(settings.tiers, settings.default_tier)
        super().__init__(
            [],
            takes_effect="All of this takes effect at the next start of StrixDesk.",
            body=self.editor,
        )

    def changes(self) -> dict[tuple[str, ...], Any]:
        return self.editor.changes()


class GeneralPage(Page):
    def __init__(self, settings: Settings, *, taken_keys: Sequence[str] = ()) -> None:
        self.theme = choice_field(
            ("ui", "theme"),
            "&Theme",
            settings.ui.theme,
            [("As the desktop", "system"), ("Light", "light"), ("Dark", "dark")],
        )
        key = KeyField(settings.ui.talk_key, taken=taken_keys)
        self.talk_key = Field(
            ("ui", "talk_key"),
            "Tal&k key",
            key,
            lambda: key.key,
            hint="Held down while you talk. Choose the field, then press the key.",
        )
        key.key_changed.connect(self.talk_key.edit)
        key.refused.connect(self.talk_key.show_error)
        self.starter = choice_field(
            ("starter", "enabled"),
            "This &computer",
            settings.starter.enabled,
            [
                ("Answers when no other tier is set up", "auto"),
                ("Always runs beside the other tiers", "always"),
                ("Never runs", "never"),
            ],
            hint="The small model that StrixDesk runs itself.",
        )
        super().__init__(
            [self.theme, self.talk_key, self.starter],
            takes_effect="Theme and talk key change when you save; the small model at the next "
            "start of StrixDesk.",
        )


class VoicePage(Page):
    def __init__(self, settings: Settings, device_names: DeviceNames) -> None:
        self._device_names = device_names
        self.enabled = switch_field(
            ("voice", "enabled"),
            "Answers",
            "&Read answers aloud",
            settings.voice.enabled,
            hint="How StrixDesk starts; the window has a switch for it too.",
        )
        self.speed = slider_field(
            ("voice", "speed"),
            "&Speed",
            settings.voice.speed,
            (0.5, 2.0),
            step=0.05,
            unit="×",
        )
        self.microphone = _device_field(
            ("microphone", "device"), "&Microphone", settings.microphone.device
        )
        self.speaker = _device_field(("speaker", "device"), "S&peaker", settings.speaker.device)
        self.pause = number_field(
            ("microphone", "hands_free_pause_ms"),
            "Hands-free p&ause",
            settings.microphone.hands_free_pause_ms,
            (200, 5000),
            step=50,
            unit="ms",
            hint="How long you are silent before what you said is taken as complete.",
        )
        self.keep_warm = number_field(
            ("microphone", "keep_warm_s"),
            "&Keep open",
            settings.microphone.keep_warm_s,
            (0, 24 * 3600),
            step=10,
            unit="s",
            hint="How long the microphone stays open after you talked, so that no first word "
            "is lost.",
        )
        super().__init__(
            [
                self.enabled,
                self.speed,
                self.microphone,
                self.speaker,
                self.pause,
                self.keep_warm,
            ],
            takes_effect="All of this takes effect at the next start of StrixDesk.",
        )

    def shown(self) -> None:
        """Devices come and go: they are asked for anew each time. Blocks for a moment."""
        try:
            microphones, speakers = self._device_names()
        except StrixError as error:
            self.microphone.show_error(error.sentence())
            return
        _offer(self.microphone, microphones)
        _offer(self.speaker, speakers)


class AnswersPage(Page):
    def __init__(self, settings: Settings) -> None:
        self.system_prompt = long_text_field(
            ("chat", "system_prompt"),
            "&Instructions",
            settings.chat.system_prompt,
            hint="Every tier is given these before the conversation.",
        )
        self.max_answer_tokens = number_field(
            ("chat", "max_answer_tokens"),
            "&Longest answer",
            settings.chat.max_answer_tokens,
            (16, 1_000_000),
            step=256,
            unit="tokens",
            hint="About three quarters of a word each.",
        )
        self.temperature = optional_decimal_field(
            ("chat", "temperature"),
            "Tem&perature",
            settings.chat.temperature,
            (0.0, 2.0),
            step=0.05,
            unset="The server's own",
            hint="0 answers the same way each time; higher is freer.",
        )
        super().__init__(
            [self.system_prompt, self.max_answer_tokens, self.temperature],
            takes_effect="All of this takes effect at the next start of StrixDesk.",
        )


SYSTEM_DEVICE = "The system's default"


def _device_field(key: tuple[str, ...], label: str, device: str | None) -> Field:
    return choice_field(key, label, device, _device_choices(device, []))


def _offer(field: Field, names: Sequence[str]) -> None:
    if isinstance(field.control, QComboBox):
        fill_choices(field.control, _device_choices(field.value, names), field.value)


def _device_choices(chosen: str | None, names: Sequence[str]) -> list[tuple[str, str | None]]:
    choices: list[tuple[str, str | None]] = [(SYSTEM_DEVICE, None)]
    choices += [(name, name) for name in dict.fromkeys(names)]
    if chosen is not None and chosen not in names:
        # A part of the name is enough for the one who opens the device.
        here = not names or any(chosen.casefold() in name.casefold() for name in names)
        choices.append((chosen if here else f"{chosen} (not connected)", chosen))
    return choices
