"""Markdown that is still arriving is cut into blocks that will not change any more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strixdesk.ui.markdown_blocks import MOST_CHARS, Block, BlockKind, BlockSplitter, healed, split

PIECES = st.sampled_from(
    [
        "word", "# ", "- ", "1. ", "> ", "```", "```py\n", "~~~", "\n", "\n\n", "    ", "  ",
        "|", "|--|--|\n", "***", "---", "**", "`", "[a](", "http://x.y)", "\t", "\r\n", "é😀",
    ]
)  # fmt: skip


def kinds(text: str) -> list[tuple[BlockKind, str]]:
    return [(block.kind, block.text) for block in split(text)]


def test_a_blank_line_ends_a_paragraph() -> None:
    assert kinds("one\nstill one\n\ntwo") == [
        (BlockKind.PROSE, "one\nstill one"),
        (BlockKind.PROSE, "two"),
    ]


def test_a_heading_is_finished_with_its_line() -> None:
    splitter = BlockSplitter()
    assert [block.text for block in splitter.feed("# Title\nword")] == ["# Title"]
    assert splitter.tail == Block(BlockKind.PROSE, "word")


def test_blank_lines_inside_a_fence_belong_to_its_code() -> None:
    code = "def f():\n\n    return 1"
    (block,) = split(f"```python\n{code}\n```\n")
    assert (block.kind, block.text, block.language) == (BlockKind.FENCE, code, "python")


def test_a_fence_that_is_never_closed_is_still_code() -> None:
    splitter = BlockSplitter()
    splitter.feed("```sh\nls\nrm")
    assert splitter.tail is not None
    assert (splitter.tail.kind, splitter.tail.text) == (BlockKind.FENCE, "ls\nrm")


def test_shorter_marks_do_not_close_a_longer_fence() -> None:
    (block,) = split("````\n```\ninner\n```\n````\n")
    assert block.text == "```\ninner\n```"


def test_each_item_is_finished_when_the_next_begins() -> None:
    text = "- a\n- b\n  - nested\n\n  more of b\n- c\n"
    assert kinds(text) == [
        (BlockKind.ITEM, "- a"),
        (BlockKind.ITEM, "- b\n  - nested\n\n  more of b"),
        (BlockKind.ITEM, "- c"),
    ]


def test_items_that_are_all_called_one_count_on() -> None:
    assert [block.number for block in split("1. a\n1. b\n\n1. c\n")] == [1, 2, 3]


def test_a_list_of_another_kind_begins_anew() -> None:
    assert [block.number for block in split("3. a\n4. b\n\ntext\n\n1. c\n")] == [3, 4, None, 1]


def test_code_inside_an_item_hides_its_marks() -> None:
    text = "1. run\n   ```\n- not an item\n   ```"
    blocks = split("1. run\n   ```sh\n   - echo\n\n   # no heading\n   ```\n2. next\n")
    assert [block.number for block in blocks] == [1, 2]
    assert split(text)[0].text.startswith("1. run")


def test_a_table_stays_one_block() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert kinds(f"{table}\n\nafter") == [(BlockKind.PROSE, table), (BlockKind.PROSE, "after")]


@given(st.lists(PIECES, max_size=40), st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_pieces_of_any_size_give_the_same_blocks(parts: list[str], size: int) -> None:
    text = "".join(parts)
    splitter = BlockSplitter()
    blocks: list[Block] = []
    for at in range(0, len(text), size):
        blocks += splitter.feed(text[at : at + size])
    blocks += splitter.finish()
    assert blocks == split(text)


@given(st.lists(PIECES, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost(parts: list[str]) -> None:
    text = "".join(parts)
    # Marks and the line that opens a fence are markdown's own; words elsewhere are the author's.
    shown = " ".join(f"{block.language} {block.text}" for block in split(text))
    assert shown.count("word") + _in_fence_lines(text) >= text.count("word")


def _in_fence_lines(text: str) -> int:
    fences = [line for line in text.split("\n") if "```" in line or "~~~" in line]
    return sum(line.count("word") for line in fences)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "> " * 200_000, "[" * 300_000, "- " * 100_000])
def test_a_line_without_an_end_is_cut_into_plain_pieces(text: str) -> None:
    splitter = BlockSplitter()
    blocks = [
        block for at in range(0, len(text), 997) for block in splitter.feed(text[at : at + 997])
    ]
    blocks += splitter.finish()
    assert all(len(block.text) <= MOST_CHARS for block in blocks)
    assert {block.kind for block in blocks} == {BlockKind.PLAIN}
    assert sum(len(block.text) for block in blocks) >= len(text) - len(blocks)


def test_what_follows_a_block_that_was_too_long_is_markdown_again() -> None:
    assert split("word " * 10_000 + "\n\n# Title\n")[-1] == Block(
        BlockKind.PROSE, "# Title", end=50_010
    )


@pytest.mark.parametrize(
    ("tail", "drawn"),
    [
        ("some **bold", "some **bold**"),
        ("some **bold *", "some **bold**"),
        ("some **", "some "),
        ("run `ls -l", "run `ls -l`"),
        ("see [the docs](https://exam", "see the docs"),
        ("see [the do", "see the do"),
        ("Text\n-", "Text"),
        ("~~gone", "~~gone~~"),
        ("finished", "finished"),
    ],
)
def test_a_tail_is_drawn_as_it_will_probably_be_meant(tail: str, drawn: str) -> None:
    assert healed(Block(BlockKind.PROSE, tail)).text == drawn
