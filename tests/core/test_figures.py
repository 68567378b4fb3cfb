"""What an answer took, when it was gone on with."""

from __future__ import annotations

import pytest

from strixdesk.core.figures import Figures


def test_tokens_are_added_and_the_first_word_is_that_of_the_beginning() -> None:
    begun = Figures(100, 40, False, 300.0, 20.0)
    whole = begun.and_then(Figures(150, 60, False, 900.0, 60.0))
    assert (whole.prompt_tokens, whole.completion_tokens) == (250, 100)
    assert whole.ttft_ms == 300.0
    assert whole.tokens_per_s == pytest.approx(100 / 3), "40 in 2 s and 60 in 1 s"
    assert not whole.estimated


def test_a_part_that_is_estimated_makes_the_whole_so() -> None:
    assert Figures(1, 1).and_then(Figures(1, 1, estimated=True)).estimated
    assert Figures(1, 1, estimated=True).and_then(Figures(1, 1)).estimated


def test_what_is_not_known_of_one_part_is_taken_from_the_other() -> None:
    known = Figures(100, 40, True, 300.0, 20.0)
    assert Figures().and_then(known) == known
    assert known.and_then(Figures()) == known
    assert Figures().and_then(Figures()) == Figures()


def test_a_part_too_short_to_tell_its_speed_leaves_that_of_the_other() -> None:
    assert Figures(9, 3).and_then(Figures(9, 50, tokens_per_s=10.0)).tokens_per_s == 10.0
