"""The turn and the microphone in words: pure, so that every state has its sentence."""

from __future__ import annotations

from strixdesk.core.events import MicrophoneState
from strixdesk.core.turn import Turn, TurnState


def turn_words(turn: Turn | None, now: float) -> str:
    """What is happening, with the time it has taken where that is what one asks. Monotonic s."""
    if turn is None:
        return "Ready"
    tier = f" · {turn.route.tier.name}" if turn.route else ""
    match turn.state:
        case TurnState.LISTENING:
            return "Listening …"
        case TurnState.TRANSCRIBING:
            return "Transcribing …"
        case TurnState.THINKING:
            seconds = int(now - turn.state_since)
            return f"Thinking{f' {seconds} s' if seconds else ' …'}{tier}"
        case TurnState.SPEAKING:
            return f"Speaking{tier}"
        case TurnState.DONE:
            return "Ready"
        case TurnState.INTERRUPTED:
            return "Stopped"
        case TurnState.FAILED:
            return "That did not work"


MICROPHONE_WORDS = {
    MicrophoneState.CLOSED: "Microphone off",
    MicrophoneState.STANDBY: "Microphone ready",
    MicrophoneState.LISTENING: "Listening for you",
    MicrophoneState.RECORDING: "Recording",
    MicrophoneState.PAUSED: "Not listening while it answers",
}
MICROPHONE_ICONS = {
    MicrophoneState.CLOSED: "mic-off",
    MicrophoneState.STANDBY: "mic",
    MicrophoneState.LISTENING: "ear",
    MicrophoneState.RECORDING: "mic",
    MicrophoneState.PAUSED: "mic-off",
}
