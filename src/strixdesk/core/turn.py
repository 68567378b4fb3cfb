"""One turn: from the user's words to the end of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self

from strixdesk.core.route import Route


class TurnSource(Enum):
    TYPED = "typed"
    PUSH_TO_TALK = "push_to_talk"
    HANDS_FREE = "hands_free"
    FILE = "file"
    """A recording handed over on the command line, or transcribed again."""


class TurnState(Enum):
    LISTENING = "listening"
    TRANSCRIBING = "transcribing"
    THINKING = "thinking"
    """A tier was asked; nothing to hear or read yet, or speech is off."""
    SPEAKING = "speaking"
    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"

    @property
    def live(self) -> bool:
        return bool(_NEXT[self])


_NEXT: dict[TurnState, frozenset[TurnState]] = {
    TurnState.LISTENING: frozenset(
        {TurnState.TRANSCRIBING, TurnState.INTERRUPTED, TurnState.FAILED}
    ),
    TurnState.TRANSCRIBING: frozenset(
        {TurnState.THINKING, TurnState.DONE, TurnState.INTERRUPTED, TurnState.FAILED}
    ),
    TurnState.THINKING: frozenset(
        {TurnState.SPEAKING, TurnState.DONE, TurnState.INTERRUPTED, TurnState.FAILED}
    ),
    TurnState.SPEAKING: frozenset({TurnState.DONE, TurnState.INTERRUPTED, TurnState.FAILED}),
    TurnState.DONE: frozenset(),
    TurnState.INTERRUPTED: frozenset(),
    TurnState.FAILED: frozenset(),
}


class IllegalTransition(Exception):
    """A lifecycle was told to take a step that it does not have: a programming error."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds; None where the stage did not happen."""

    stt_ms: float | None = None
    """End of speech (key up, end of file) to final transcript."""
    route_ms: float | None = None
    ttft_ms: float | None = None
    """Request sent to first visible token."""
    first_audio_ms: float | None = None
    """End of speech (or Enter) to the first sample handed to the speaker."""
    total_ms: float | None = None
    """End of speech (or Enter) to the end of the turn."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Turn:
    id: str
    conversation_id: str
    source: TurnSource
    state: TurnState
    state_since: float
    """Monotonic seconds at which the state was entered: the window counts up from it."""
    route: Route | None = None
    timings: Timings = field(default_factory=Timings)

    def moved(self, state: TurnState, now: float) -> Self:
        """The turn in its next state. Raises IllegalTransition for a step that is not allowed."""
        if state not in _NEXT[self.state]:
            raise IllegalTransition(f"turn {self.id}: {self.state.value} -> {state.value}")
        return replace(self, state=state, state_since=now)
