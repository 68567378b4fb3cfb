"""Cost of one streamed token in the transcript, drawn and painted, against setMarkdown."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtWidgets import QApplication, QTextBrowser

from benchmarks.report import Row, median
from strixdesk.core.conversation import Conversation, Message, MessageStatus, Role, Text
from strixdesk.core.events import TextDelta
from strixdesk.ui.theme import LIGHT
from strixdesk.ui.transcript_view import TranscriptView

SIZES = (1_000, 10_000, 100_000)
"""Tokens that the answer has when the measurement begins."""
CHARS_PER_TOKEN = 4
TOKENS = 120
"""Measured at each size."""
TABLE_EVERY = 4
"""Sections. Qt's layout looks at every table before a change, so tables alone add to the cost."""
PEER_SAMPLES = {1_000: 8, 10_000: 4, 100_000: 2}

QUIET_ROUNDS, QUIET_MS = 300, 0.2
"""So many rounds of the event loop that do nothing: the window is done with its work."""

SECTION = """## Step {number}: the ring holds what was said

A ring buffer has **one writer** and *one reader*. The writer only moves its own index, so neither
has to wait for the other; see [the notes](https://example.com/ring) and `Ring.write` below. What is
older than the buffer is long gets overwritten, and is counted rather than lost in silence.

1. The callback copies samples and leaves.
2. The reader takes what is there, at its own pace.
3. Whoever falls behind is told by how much.

```python
def write(self, samples: Samples) -> None:
    # Never blocks; counts what did not fit.
    room = self.capacity - self.held
    self.lost += max(0, len(samples) - room)
    self._copy(samples[:room])
```

"""

TABLE = """\
| step | time | kept |
|:-----|-----:|:----:|
| copy | 3 us | yes |
| wake | 9 us | no |

"""


def measure() -> list[Row]:
    """Sizes are measured in turns, so that a busy machine is busy for all of them."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    ours = {size: _Ours(app, size) for size in SIZES}
    tables = _Ours(app, SIZES[-1], table_every=1)
    costs: dict[int, list[float]] = {size: [] for size in SIZES}
    table_costs: list[float] = []
    for _ in range(TOKENS):
        for size in SIZES:
            costs[size].append(ours[size].token_ms())
        table_costs.append(tables.token_ms())
    peers = {size: _peer_ms(app, size) for size in SIZES}
    rows = [
        Row(f"token at {size // 1000}k tokens", median(costs[size]), peers[size], "ms")
        for size in SIZES
    ]
    small, large = median(costs[SIZES[0]]), median(costs[SIZES[-1]])
    rows.append(Row("100k / 1k", large, small, "ms", target=1.5))
    rows.append(Row("100k / 1k, a table every 220 tokens", median(table_costs), small, "ms"))
    return rows


def _sections(table_every: int) -> Iterator[str]:
    for number in itertools.count(1):
        table = TABLE if number % table_every == 0 else ""
        yield SECTION.format(number=number) + table


def _text(tokens: int, table_every: int = TABLE_EVERY) -> str:
    pieces: list[str] = []
    size = 0
    for number, section in enumerate(_sections(table_every), 1):
        pieces.append(section)
        size += len(section)
        # All sizes end alike, as what stands on the screen has the largest part in the cost.
        if size >= tokens * CHARS_PER_TOKEN and number % TABLE_EVERY == 0:
            break
    return "".join(pieces)


def _tokens() -> Iterator[str]:
    for section in _sections(TABLE_EVERY):
        for at in range(0, len(section), CHARS_PER_TOKEN):
            yield section[at : at + CHARS_PER_TOKEN]


class _Ours:
    """A window whose answer already has so many tokens; every further one is drawn at once."""

    def __init__(self, app: QApplication, tokens: int, table_every: int = TABLE_EVERY) -> None:
        self._app = app
        self._view = TranscriptView(LIGHT, lambda image: Path(image.name))
        self._view.resize(900, 700)
        self._view.show()
        question = _message("question", Role.USER, "How does it work?", MessageStatus.COMPLETE)
        answer = _message(
            "answer", Role.ASSISTANT, _text(tokens, table_every), MessageStatus.STREAMING
        )
        self._view.show_conversation(Conversation("c", "", (question, answer)))
        self._tokens = _tokens()
        self._settle()
        for _ in range(5):
            self.token_ms()

    def _settle(self) -> None:
        """Until the answer is drawn to its end and its code is coloured: both happen in parts."""
        quiet = 0
        while quiet < QUIET_ROUNDS:
            begun = time.perf_counter()
            self._app.processEvents()
            quiet = quiet + 1 if (time.perf_counter() - begun) * 1000 < QUIET_MS else 0

    def token_ms(self) -> float:
        begun = time.perf_counter()
        self._view.apply(TextDelta("c", "answer", next(self._tokens)))
        self._view.flush()
        self._app.processEvents()
        return (time.perf_counter() - begun) * 1000


def _peer_ms(app: QApplication, tokens: int) -> float:
    browser = QTextBrowser()
    browser.resize(900, 700)
    browser.show()
    text = _text(tokens)
    costs = []
    for number, token in zip(range(PEER_SAMPLES[tokens]), _tokens(), strict=False):
        text += token
        begun = time.perf_counter()
        browser.setMarkdown(text)
        bar = browser.verticalScrollBar()
        bar.setValue(bar.maximum())
        app.processEvents()
        if number:
            costs.append((time.perf_counter() - begun) * 1000)
    browser.hide()
    return median(costs)


def _message(message_id: str, role: Role, text: str, status: MessageStatus) -> Message:
    return Message(message_id, role, (Text(text),), status, created_at=0.0, tier="coder")
