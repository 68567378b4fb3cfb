from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.complexity import LONG_CHARS
from strixdesk.core.question import features
from strixdesk.core.rules import FEATURES

HARD = (
    "Compare Postgres and SQLite for a desktop app, analyse the trade-offs, and draw up a plan for "
    "a migration that must not lose data, without downtime. Which would you choose? Why?"
)


def names(text: str) -> set[str]:
    return {feature.name for feature in features(text).complexity.features}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Compare tea and coffee.", "asks to compare"),
        ("Prove that it ends.", "asks to prove"),
        ("Analyse this poem.", "asks to analyse"),
        ("What would be a plan?", "asks to plan"),
        ("Calculate the volume.", "asks to work out"),
        ("Why is the sky blue?", "asks why"),
        ("Who? When?", "several questions"),
        ("It must hold ten people.", "conditions"),
        ("3, 5, 7 and 11", "numbers"),
        ("- one\n- two\n- three", "a list"),
        ("First wash it, then dry it.", "several steps"),
        ("```\nx\n```", "code"),
        ("word " * 200, "long"),
    ],
)
def test_each_feature_is_named(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "text", ["", "What is the capital of France?", "Hello", "My compartment improves", "comparable"]
)
def test_a_plain_question_has_no_features(text: str) -> None:
    assert features(text).complexity.words() == "0.00"


def test_many_features_together_are_hard_and_are_told_heaviest_first() -> None:
    judged = features(HARD).complexity
    assert judged.words() == (
        "0.75: asks to compare, asks to analyse, several questions, conditions, asks to plan"
    )
    assert judged.score == pytest.approx(sum(feature.score for feature in judged.features))


def test_verbs_alone_do_not_make_a_question_hard() -> None:
    verbs = "compare prove analyse a plan calculate why"
    assert features(verbs).complexity.score < 0.6


def test_a_page_is_long_and_less_is_not() -> None:
    assert features("x" * LONG_CHARS).long
    assert not features("x" * (LONG_CHARS - 1)).long


@given(st.text(), st.booleans(), st.integers(0, 3))
def test_every_score_is_between_0_and_1_and_every_sign_has_a_name(
    text: str, spoken: bool, images: int
) -> None:
    question = features(text, images=images, spoken=spoken)
    assert 0 <= question.complexity.score <= 1
    assert set(question.signs(0.6)) <= set(FEATURES)
    assert all(question.signs(0.6).values())
