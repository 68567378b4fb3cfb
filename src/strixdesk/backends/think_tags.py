"""Tells a model's thinking from its answer where the server leaves `<think>` tags in the text."""

from __future__ import annotations

from strixdesk.core.chat import ChatDelta

_TAGS = (("<think>", "</think>"), ("<thinking>", "</thinking>"))


class ThinkTags:
    """Splits a streamed text into thinking and answer; a tag may be cut over any deltas.

    Thinking is what stands in tags before the first visible word. After that word a tag is
    ordinary text: an answer may speak of `<think>` without losing half of itself.
    """

    def __init__(self) -> None:
        self._held = ""
        """Read, but not yet known to be a tag or not."""
        self._closing = ""
        """The tag that ends the thinking we are in; empty outside."""
        self._answering = False
        self._thought = False

    def feed(self, text: str) -> ChatDelta:
        if self._answering:
            return ChatDelta(text)  # by place, as this runs for every token
        self._held += text
        thinking: list[str] = []
        while not self._answering:
            if self._closing:
                before, tag, after = self._held.partition(self._closing)
                if not tag:
                    kept = _tail_that_may_become(self._held, self._closing)
                    thinking.append(self._held[: len(self._held) - kept])
                    self._held = self._held[len(self._held) - kept :]
                    break
                thinking.append(before)
                self._held, self._closing = after, ""
                continue
            start = self._held.lstrip()
            opened = next((pair for pair in _TAGS if start.startswith(pair[0])), None)
            if opened:
                self._held, self._closing = start[len(opened[0]) :], opened[1]
                self._thought = True
            elif not start or any(opening.startswith(start) for opening, _ in _TAGS):
                break
            else:
                self._answering = True
        return ChatDelta(text=self._release(), thinking="".join(thinking))

    def finish(self) -> ChatDelta:
        """What was held back, when nothing follows."""
        if self._closing:
            held, self._held = self._held, ""
            return ChatDelta(thinking=held)
        self._answering = True
        return ChatDelta(text=self._release())

    def _release(self) -> str:
        if not self._answering:
            return ""
        held, self._held = self._held, ""
        # The blank lines after the thinking belong to the tags, not to the answer.
        return held.lstrip() if self._thought else held


def _tail_that_may_become(text: str, tag: str) -> int:
    """Length of the longest end of `text` that is a beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
