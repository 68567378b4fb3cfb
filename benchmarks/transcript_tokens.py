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
PEER_SAMPLES = {1_000: 8, 10_000: 4, 100_000: 2}

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
    costs: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(TOKENS):
        for size in SIZES:
            costs[size].append(ours[size].token_ms())
    peers = {size: _peer_ms(app, size) for size in SIZES}
    rows = [
        Row(f"token at {size // 1000}k tokens", median(costs[size]), peers[size], "ms")
        for size in SIZES
    ]
    small, large = median(costs[SIZES[0]]), median(costs[SIZES[-1]])
    rows.append(Row("token at 100k / at 1k", large, small, "ms", target=1.5))
    return rows


def _text(tokens: int) -> str:
    sections = itertools.count(1)
    text = ""
    pieces: list[str] = []
    size = 0
    while size < tokens * CHARS_PER_TOKEN:
        text = SECTION.format(number=next(sections))
        pieces.append(text)
        size += len(text)
    return "".join(pieces)


def _tokens() -> Iterator[str]:
    while True:
        for number in itertools.count(1):
            text = SECTION.format(number=number)
            for at in range(0, len(text), CHARS_PER_TOKEN):
                yield text[at : at + CHARS_PER_TOKEN]


class _Ours:
    """A window whose answer already has so many tokens; every further one is drawn at once."""

    def __init__(self, app: QApplication, tokens: int) -> None:
        self._app = app
        self._view = TranscriptView(LIGHT, lambda image: Path(image.name))
        self._view.resize(900, 700)
        self._view.show()
        question = _message("question", Role.USER, "How does it work?", MessageStatus.COMPLETE)
        answer = _message("answer", Role.ASSISTANT, _text(tokens), MessageStatus.STREAMING)
        self._view.show_conversation(Conversation("c", "", (question, answer)))
        self._tokens = _tokens()
        for _ in range(5):
            self.token_ms()

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
