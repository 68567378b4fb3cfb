"""Markdown flows into a document; what is finished stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from PySide6.QtGui import QFont, QTextBlock, QTextDocument, QTextFragment
from pytestqt.qtbot import QtBot

from strixdesk.ui.markdown_document import MarkdownDocument
from strixdesk.ui.markdown_formats import Formats, Mark
from strixdesk.ui.theme import DARK, LIGHT, Theme

ANSWER = """# Title

Words with **bold**, *italic*, `code` and [a link](https://example.com/x).

1. first
2. second
   - nested

```python
def f():
    return 1
```

| a | b |
|---|--:|
| 1 | 2 |

> quoted

***
The end."""


@pytest.fixture
def document(qtbot: QtBot) -> QTextDocument:
    document = QTextDocument()
    document.documentLayout()  # without one, it tells of no changes
    return document


@pytest.fixture
def markdown(document: QTextDocument) -> MarkdownDocument:
    return MarkdownDocument(document, formats(LIGHT))


def formats(theme: Theme) -> Formats:
    return Formats(theme, QFont("DejaVu Sans", 11))


def looks(document: QTextDocument) -> list[tuple[str, list[object]]]:
    """Every block: its text and what it looks like."""
    found: list[tuple[str, list[object]]] = []
    block = document.begin()
    while block.isValid():
        form = block.blockFormat()
        runs = [
            (run.text(), run.charFormat().fontWeight(), run.charFormat().anchorHref())
            for run in runs_of(block)
        ]
        shape = (form.topMargin(), form.bottomMargin(), form.leftMargin(), form.property(Mark.CODE))
        found.append((block.text(), [runs, shape]))
        block = block.next()
    return found


def runs_of(block: QTextBlock) -> list[QTextFragment]:
    """Its runs of characters that look the same."""
    return [part.fragment() for part in cast("Iterable[Any]", block)]


def block_with(document: QTextDocument, text: str) -> QTextBlock | None:
    block = document.begin()
    while block.isValid() and text not in block.text():
        block = block.next()
    return block if block.isValid() else None


@pytest.mark.parametrize("size", [1, 3, 17])
def test_a_streamed_answer_looks_like_one_that_came_at_once(
    markdown: MarkdownDocument, document: QTextDocument, size: int
) -> None:
    for at in range(0, len(ANSWER), size):
        markdown.feed(ANSWER[at : at + size])
        markdown.draw()
    markdown.finish()
    whole = QTextDocument()
    MarkdownDocument(whole, formats(LIGHT)).set_text(ANSWER, complete=True)
    assert looks(document) == looks(whole)


def test_finished_blocks_are_not_touched_again(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    markdown.set_text("First paragraph.\n\n```py\nx = 1\n```\n\nSecond", complete=False)
    finished = document.toPlainText().index("Second")
    changes: list[int] = []
    document.contentsChange.connect(lambda at, _removed, _added: changes.append(at))
    for word in (" grows", " and grows.\n\n", "Third"):
        markdown.feed(word)
        markdown.draw()
    assert changes
    assert min(changes) >= finished - 1


def test_code_that_grows_is_only_added_to(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    markdown.set_text("```py\n" + "line\n" * 500, complete=False)
    before = document.characterCount()
    changes: list[tuple[int, int]] = []
    document.contentsChange.connect(lambda at, removed, _added: changes.append((at, removed)))
    markdown.feed("another = 1\n")
    markdown.draw()
    assert document.toPlainText().rstrip().endswith("another = 1")
    assert min(at for at, _ in changes) > before - 10


def test_the_text_reads_as_it_should(markdown: MarkdownDocument, document: QTextDocument) -> None:
    markdown.set_text(ANSWER, complete=True)
    text = document.toPlainText().replace("\t", " ")
    for line in ("Title", "1. first", "2. second", "◦ nested", "def f():", "quoted", "The end."):
        assert line in text
    assert "**" not in text
    assert "```" not in text


def test_finished_code_is_coloured_and_stays_the_same_text(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    markdown.set_text("```python\nreturn 1\n```", complete=True)
    before = document.toPlainText()
    while markdown.has_uncoloured:
        markdown.colour_next()
    block = block_with(document, "return")
    assert block is not None
    colours = {run.charFormat().foreground().color().name() for run in runs_of(block)}
    assert len(colours) > 1
    assert document.toPlainText() == before
    assert markdown.code(1) == "return 1"


@pytest.mark.parametrize("language", ["", "nosuchlanguage", "../../etc/passwd", "x" * 500])
def test_code_in_no_known_language_is_shown_plainly(
    markdown: MarkdownDocument, document: QTextDocument, language: str
) -> None:
    markdown.set_text(f"```{language}\nreturn 1\n```", complete=True)
    while markdown.has_uncoloured:
        markdown.colour_next()
    assert document.toPlainText() == "return 1"


@pytest.mark.parametrize(
    "source",
    [
        "[x](file:///etc/passwd)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "[x](smb://host/share)",
        "[x](/etc/passwd)",
        "[x](http:)",
        "<file:///etc/passwd>",
        "<a href='https://example.com'>x</a>",
        "![x](file:///etc/passwd)",
    ],
)
def test_only_links_to_the_web_are_links(
    markdown: MarkdownDocument, document: QTextDocument, source: str
) -> None:
    markdown.set_text(source, complete=True)
    anchors = [run.charFormat().isAnchor() for run in runs_of(document.begin())]
    assert anchors
    assert not any(anchors)


def test_a_link_to_the_web_tells_where_it_leads(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    markdown.set_text("[words](https://example.com/x)", complete=True)
    form = runs_of(document.begin())[0].charFormat()
    assert form.anchorHref() == form.toolTip() == "https://example.com/x"


def test_html_is_shown_as_it_is_written(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    html = "<script>alert(1)</script> <img src=x onerror=y> <b>no</b>"
    markdown.set_text(html, complete=True)
    assert document.toPlainText() == html


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"So \(a_1 * b_1 * c\) holds", "So a_1 * b_1 * c holds"),
        ("\\[\nx^2 = y_1\n\\]", "x^2 = y_1"),
        ("$$ e = m c^2 $$", "e = m c^2"),
        ("It costs $5 or $6", "It costs $5 or $6"),
    ],
)
def test_formulas_keep_their_notation(
    markdown: MarkdownDocument, document: QTextDocument, source: str, shown: str
) -> None:
    markdown.set_text(source, complete=True)
    assert document.toPlainText() == shown


def test_the_block_that_is_being_read_out_can_be_found(
    markdown: MarkdownDocument, document: QTextDocument
) -> None:
    text = "One sentence.\n\nAnother sentence.\n\nThe last."
    markdown.set_text(text, complete=True)
    span = markdown.span_at(text.index("Another") + 4)
    assert span is not None
    assert document.findBlock(span[0] + 1).text() == "Another sentence."


@pytest.mark.parametrize("text", ["> " * 500 + "x", "- " * 500 + "x"])
def test_what_is_nested_too_deeply_is_shown_as_it_is_written(
    markdown: MarkdownDocument, document: QTextDocument, text: str
) -> None:
    markdown.set_text(text, complete=True)
    assert document.toPlainText() == text


HOSTILE: dict[str, Callable[[], str]] = {
    "one line of a megabyte": lambda: "x" * 1_000_000,
    "a megabyte of words": lambda: "word " * 200_000,
    "brackets": lambda: "[" * 50_000,
    "half links": lambda: "[a](" * 20_000,
    "emphasis": lambda: "*a **b " * 10_000,
    "backticks": lambda: "".join("`" * n + " " for n in range(1, 400)),
    "deep quotes": lambda: "> " * 3_000 + "x",
    "deep lists": lambda: "\n".join("  " * n + "- x" for n in range(400)),
    "a table of ten thousand rows": lambda: "|a|b|\n|-|-|\n" + "|1|2|\n" * 10_000,
    "a table of a thousand columns": lambda: "|a" * 1000 + "|\n" + "|-" * 1000 + "|\n",
    "code of one line": lambda: "```\n" + "x" * 500_000,
    "entities": lambda: "&amp;" * 40_000,
    "nulls and directions": lambda: "\0\u202e\u2029\ufdd0\ufffc" * 5_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_drawn_in_a_short_time(
    markdown: MarkdownDocument, document: QTextDocument, kind: str
) -> None:
    text = HOSTILE[kind]()
    begun = time.process_time()  # a machine that stalls does not count
    for at in range(0, len(text), 50_000):
        markdown.feed(text[at : at + 50_000])
        markdown.draw()
    markdown.finish()
    document.size()
    assert time.process_time() - begun < 10
    assert document.characterCount() > 300


def test_another_theme_changes_colours_only(document: QTextDocument) -> None:
    markdown = MarkdownDocument(document, formats(LIGHT))
    markdown.set_text(ANSWER, complete=True)
    before = document.toPlainText()
    markdown.set_formats(formats(DARK))
    markdown.set_text(ANSWER, complete=True)
    colour = runs_of(document.begin())[0].charFormat().foreground().color().name()
    assert (document.toPlainText(), colour) == (before, DARK.text)
