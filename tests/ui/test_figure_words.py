"""What an answer took, as it is read."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication

from strixdesk.core.figures import Figures
from strixdesk.ui.figure_words import figure_sentence, figure_words
from strixdesk.ui.transcript_header import fitted

COUNTED = Figures(1204, 86, False, 312.0, 42.3)
REASON = "  ·  Here is code."


def test_figures_are_told_from_the_most_words_to_the_fewest() -> None:
    assert figure_words(COUNTED) == (
        "42 t/s · first word after 0.31 s · 1,204 in, 86 out",
        "42 t/s · first word after 0.31 s",
        "42 t/s",
    )
    assert figure_sentence(COUNTED) == (
        "42 tokens per second, first word after 0.31 s, 1,204 tokens in, 86 tokens out."
    )


def test_what_the_server_did_not_count_is_told_as_about_so_much() -> None:
    estimated = Figures(1204, 86, True, 312.0, 42.3)
    assert figure_words(estimated)[0] == (
        "about 42 t/s · first word after 0.31 s · about 1,204 in, 86 out"
    )
    assert figure_sentence(estimated) == (
        "About 42 tokens per second, first word after 0.31 s, about 1,204 tokens in, "
        "about 86 tokens out."
    )


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (Figures(), ()),
        (Figures(0, 0, False, None, 0.0), ()),
        (Figures(12, None), ("12 in",)),
        (Figures(None, 7), ("7 out",)),
        (Figures(ttft_ms=0.4), ("first word after 0.01 s",)),
        (Figures(ttft_ms=9_994.0), ("first word after 9.99 s",)),
        (Figures(ttft_ms=73_400.0), ("first word after 73 s",)),
        (Figures(tokens_per_s=1.26), ("1.3 t/s",)),
        (Figures(tokens_per_s=9.97), ("10 t/s",)),
        (Figures(tokens_per_s=1_830.0), ("1,830 t/s",)),
    ],
)
def test_what_is_not_known_is_left_out_and_never_nought(
    figures: Figures, words: tuple[str, ...]
) -> None:
    assert figure_words(figures) == words


def test_nothing_known_is_no_sentence() -> None:
    assert figure_sentence(Figures()) == ""


def test_as_much_is_shown_as_there_is_room_for(qapp: QApplication) -> None:
    metrics = QFontMetrics(QFont(qapp.font()))
    forms = figure_words(COUNTED)

    def room_for(words: str) -> str:
        return fitted(REASON, forms, metrics, metrics.horizontalAdvance(words))

    for form in forms:
        assert room_for(f"{REASON}  ·  {form}") == f"{REASON}  ·  {form}"
    cut = room_for(f"{REASON}  ·  42 t")
    assert cut.endswith("…  ·  42 t/s"), "the reason is cut, and the tooltip has all of it"
    assert cut.startswith("  ·  Here")
    assert "t/s" not in fitted(REASON, forms, metrics, 60)
    assert fitted(REASON, (), metrics, 10_000) == REASON
