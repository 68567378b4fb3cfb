"""A window without messages does not wait for what draws them."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from strixdesk.core.conversation import Conversation, Message, MessageStatus, Role, Text
from strixdesk.ui.theme import LIGHT
from strixdesk.ui.transcript_view import TranscriptView

app = QApplication([])
view = TranscriptView(LIGHT, lambda image: Path(image.name))
view.show_conversation(Conversation("c", ""))
view.show()
app.processEvents()
heavy = {"markdown_it", "pygments"}
print(sorted(heavy & set(sys.modules)))
code = Message("m", Role.ASSISTANT, (Text("```python\\nx = 1\\n```"),), MessageStatus.COMPLETE, 0.0)
words = Message("n", Role.ASSISTANT, (Text("words"),), MessageStatus.COMPLETE, 0.0)
view.show_conversation(Conversation("c", "", (code, words)))
while not heavy <= set(sys.modules):
    app.processEvents()
print(sorted(heavy & set(sys.modules)))
"""


def test_parser_and_lexers_are_imported_with_the_first_message() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == ["[]", "['markdown_it', 'pygments']"], done.stderr
