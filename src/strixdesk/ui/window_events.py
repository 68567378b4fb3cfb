"""Takes each event of the session to the parts of the window that show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from strixdesk.core.addressing import picker_order
from strixdesk.core.events import (
    BoxChanged,
    BoxesChanged,
    ConfirmationAsked,
    ConfirmationEnded,
    ConversationChanged,
    ConversationRemoved,
    Event,
    Failed,
    HandsFreeSwitched,
    LevelChanged,
    MessageAdded,
    MessageChanged,
    MicrophoneChanged,
    MicrophoneState,
    Noticed,
    PartialTranscript,
    ServersFound,
    SpeechProgress,
    SpeechSwitched,
    TextDelta,
    ThinkingDelta,
    TierChanged,
    TiersChanged,
    TurnChanged,
    UsageChanged,
)
from strixdesk.core.loudness import SILENCE_DB
from strixdesk.core.turn import Turn
from strixdesk.ui.cockpit import Cockpit
from strixdesk.ui.conversation_desk import ConversationDesk
from strixdesk.ui.tray import Tray
from strixdesk.ui.window_parts import WindowParts


class WindowEvents:
    def __init__(
        self,
        parts: WindowParts,
        desk: ConversationDesk,
        cockpit: Cockpit,
        tray: Tray,
        talk_key: Callable[[], str],
    ) -> None:
        self._parts = parts
        self._desk = desk
        self._cockpit = cockpit
        self._tray = tray
        self._talk_key = talk_key
        self._microphone_trouble = ""
        """As last told, until sound comes again."""

    def take(self, event: Event) -> None:
        parts = self._parts
        match event:
            case TurnChanged(turn=turn):
                self._show_turn(turn)
                parts.transcript.apply(event)
            case MessageAdded() | MessageChanged() | TextDelta() | ThinkingDelta():
                parts.transcript.apply(event)
            case SpeechProgress():
                parts.transcript.apply(event)
            case PartialTranscript(turn_id=turn_id, text=text):
                parts.voice_bar.show_partial(turn_id, text)
                parts.transcript.apply(event)
            case LevelChanged(level_db=level_db, speech=speech):
                parts.voice_bar.meter.show_level(level_db, speech=speech)
                if level_db > SILENCE_DB:
                    self._show_microphone_trouble("")
            case MicrophoneChanged(state=state, detail=detail):
                parts.voice_bar.show_microphone(state)
                recording = state is MicrophoneState.RECORDING
                parts.composer.show_recording(recording, self._talk_key())
                if detail:  # that it is closed does not mean that it works
                    self._show_microphone_trouble(detail)
            case TiersChanged(tiers=tiers):
                parts.tiers.show_tiers(picker_order(tiers))
                parts.empty.show_tiers(tiers)
                self._tray.show_tiers(tiers)
                parts.transcript.set_titles({tier.name: tier.title for tier in tiers})
            case ServersFound(tiers=tiers):
                parts.tiers.show_found(tiers)
            case TierChanged(tier=tier, status=status):
                parts.tiers.show_status(tier, status)
                parts.empty.show_tier(tier, status)
                self._tray.show_status(tier, status)
            case ConversationChanged() | ConversationRemoved():
                self._desk.take(event)
            case SpeechSwitched(on=on):
                parts.bar.show_speech(on)
            case HandsFreeSwitched(on=on):
                parts.bar.show_hands_free(on)
            case BoxChanged() | BoxesChanged():
                self._cockpit.take(event)
                if isinstance(event, BoxesChanged):
                    self._tray.show_boxes(event.boxes)
            case ConfirmationAsked(id=question, sentence=sentence):
                parts.confirm.ask(question, sentence)
            case ConfirmationEnded(id=question):
                parts.confirm.end(question)
            case UsageChanged():
                pass  # its page asks for the figures when it is opened
            case Failed(message=message, advice=advice):
                parts.notices.warn(f"{message} {advice}".strip())
            case Noticed(message=message):
                parts.notices.tell(message)
            case _:
                assert_never(event)

    def _show_microphone_trouble(self, trouble: str) -> None:
        if self._microphone_trouble not in ("", trouble):
            self._parts.notices.withdraw(self._microphone_trouble)
        if trouble:
            self._parts.notices.warn(trouble)
        self._microphone_trouble = trouble

    def _show_turn(self, turn: Turn) -> None:
        parts = self._parts
        parts.voice_bar.show_turn(turn)
        parts.composer.show_live(parts.voice_bar.live)
        answering = turn.route.tier.name if turn.state.live and turn.route else None
        parts.tiers.show_answering(answering)
