from __future__ import annotations

from strixdesk.voice.endpointer import Endpointer, EndpointerSettings, Mark, SpeechState

FRAME = 512
FRAME_MS = 32


def run(endpointer: Endpointer, probabilities: list[float]) -> list[tuple[int, Mark]]:
    """Marks, with the index of the frame that made each."""
    marks = []
    for index, probability in enumerate(probabilities):
        if mark := endpointer.take(probability, index * FRAME, FRAME):
            marks.append((index, mark))
    return marks


def endpointer(**settings: int | None) -> Endpointer:
    return Endpointer(EndpointerSettings(**settings))  # type: ignore[arg-type]


def test_speech_starts_once_it_lasted_and_knows_where_it_began() -> None:
    ears = endpointer(start_ms=160)
    assert run(ears, [0.0] * 3 + [0.9] * 5) == [(7, Mark.STARTED)]
    assert ears.onset_sample == 3 * FRAME
    assert ears.state is SpeechState.SPEAKING


def test_a_click_or_a_short_cough_starts_nothing() -> None:
    ears = endpointer(start_ms=160)
    assert run(ears, [0.9] * 4 + [0.0] * 3) == [(5, Mark.DISMISSED)]
    assert ears.state is SpeechState.QUIET


def test_a_dip_of_one_frame_inside_the_first_word_is_forgiven() -> None:
    ears = endpointer(start_ms=160)
    assert run(ears, [0.9, 0.9, 0.1, 0.9, 0.9, 0.9]) == [(5, Mark.STARTED)]
    assert ears.onset_sample == 0


def test_undecided_frames_cannot_keep_it_starting_for_ever() -> None:
    ears = endpointer(start_ms=160)
    assert run(ears, [0.9, 0.4, 0.4, 0.4]) == [(2, Mark.DISMISSED)]


def test_a_pause_is_noticed_once_and_then_ends_the_utterance() -> None:
    ears = endpointer(start_ms=64, notice_ms=200, pause_ms=700)
    marks = run(ears, [0.9] * 4 + [0.1] * 22)
    # 7 frames are 224 ms, the first multiple beyond 200; 22 are 704.
    assert marks == [(1, Mark.STARTED), (10, Mark.PAUSED), (25, Mark.ENDED)]


def test_speech_after_a_pause_goes_on_with_the_same_utterance() -> None:
    ears = endpointer(start_ms=64, notice_ms=200, pause_ms=700)
    marks = run(ears, [0.9] * 2 + [0.1] * 20 + [0.9] + [0.1] * 20)
    assert [mark for _, mark in marks] == [Mark.STARTED, Mark.PAUSED, Mark.PAUSED]
    assert ears.state is SpeechState.STOPPING


def test_undecided_frames_neither_break_speech_nor_silence() -> None:
    ears = endpointer(start_ms=64, notice_ms=200, pause_ms=700)
    run(ears, [0.9] * 2 + [0.4] * 50)
    assert ears.state is SpeechState.SPEAKING
    assert run(ears, [0.1] + [0.4] * 21)[-1][1] is Mark.ENDED


def test_without_a_pause_limit_silence_never_ends_it() -> None:
    ears = endpointer(start_ms=64, pause_ms=None)
    assert Mark.ENDED not in [m for _, m in run(ears, [0.9] * 4 + [0.0] * 1000)]


def test_only_speech_is_counted_as_voiced() -> None:
    ears = endpointer(start_ms=64)
    run(ears, [0.9] * 3 + [0.1] * 5 + [0.9] * 2)
    assert ears.voiced_samples == 5 * FRAME
