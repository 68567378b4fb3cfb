"""What an answer took, in words: pure, so that every case has its own."""

from __future__ import annotations

from strixdesk.core.figures import Figures


def figure_words(figures: Figures) -> tuple[str, ...]:
    """Longest first, for the room that there is. What is not known is left out; empty: nothing
    is."""
    about = "about " if figures.estimated else ""
    speed, first = _speed(figures), _first(figures)
    tokens = ", ".join(
        f"{count:,} {way}"
        for count, way in ((figures.prompt_tokens, "in"), (figures.completion_tokens, "out"))
        if count
    )
    parts = [
        f"{about}{speed} t/s" if speed else "",
        f"first word after {first}" if first else "",
        f"{about}{tokens}" if tokens else "",
    ]
    known = [part for part in parts if part]
    return tuple(" · ".join(known[:count]) for count in range(len(known), 0, -1))


def figure_sentence(figures: Figures) -> str:
    """For who hears it or looks twice; empty: nothing is known."""
    about = "about " if figures.estimated else ""
    speed, first = _speed(figures), _first(figures)
    said = [
        f"{about}{speed} tokens per second" if speed else "",
        f"first word after {first}" if first else "",
        f"{about}{figures.prompt_tokens:,} tokens in" if figures.prompt_tokens else "",
        f"{about}{figures.completion_tokens:,} tokens out" if figures.completion_tokens else "",
    ]
    words = ", ".join(filter(None, said))
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _speed(figures: Figures) -> str:
    speed = figures.tokens_per_s
    if not speed or speed < 0.05:
        return ""
    return f"{speed:.1f}" if speed < 9.95 else f"{speed:,.0f}"


def _first(figures: Figures) -> str:
    if figures.ttft_ms is None:
        return ""
    seconds = figures.ttft_ms / 1000
    return f"{max(seconds, 0.01):.2f} s" if seconds < 9.995 else f"{seconds:,.0f} s"
