"""Cuts a streamed answer into pieces that can be spoken while the rest still arrives.

The first piece is short, so that speech starts soon; later ones are whole sentences. Code fences,
tables and formulas are pieces of their own, never cut inside. Where a piece ends depends on the
text alone, not on how the stream happened to be sliced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from strixdesk.core.blocks import INDENT, LOOKAHEAD_CHARS, ShutBlock, line_kind
from strixdesk.core.sentence_ends import sentence_ends

FIRST_CLAUSE_CHARS = 20
FIRST_CLAUSE_WORDS = 4
FIRST_PHRASE_CHARS = 45
"""From here on the first piece may end even before a conjunction."""
SHORT_LETTERS = 8
"""A sentence with fewer letters and digits is spoken together with the next."""
LONGEST_CHARS = 360
"""A piece is cut somewhere sensible before this, even within a sentence."""
WRAPPED_LINE_CHARS = 60
"""A line that long may be wrapped text that goes on in the next one."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of the raw message; `speakable` turns it into words."""

    start: int
    """Offset of its first character in the message."""
    end: int
    """Offset after its last character; the next chunk starts here."""
    raw: str


class SentenceSplitter:
    """`feed` what arrives, speak what comes back, `flush` at the end.

    The chunks follow each other without gaps from offset 0; only blank text after the last one is
    left out.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._start = 0
        self._spoken_before = False
        self._restart()

    def _restart(self) -> None:
        self._at = 0
        self._line = 0
        """Where the current line began, relative to the pending text."""
        self._line_known = False
        self._heading = False
        self._shut: ShutBlock | None = None
        self._in_code = False
        self._brackets = 0
        self._clause = 0
        """Last place where a clause ended; 0: none yet."""
        self._gap = 0
        """Last place between two words; 0: none yet."""

    def feed(self, delta: str) -> list[SpeechChunk]:
        """More of the answer. Returns what can be spoken now, in order."""
        self._pending += delta
        return self._cut(final=False)

    def flush(self, unsaid: int = 0) -> list[SpeechChunk]:
        """The answer is over: everything that is left, but for so many characters at its end."""
        self._pending = self._pending[: max(0, len(self._pending) - unsaid)]
        chunks = self._cut(final=True)
        if self._pending.strip():
            chunks.append(self._take(len(self._pending)))
        return chunks

    def _cut(self, final: bool) -> list[SpeechChunk]:
        chunks: list[SpeechChunk] = []
        while (end := self._next_end(final)) is not None:
            chunks.append(self._take(end))
        return chunks

    def _take(self, end: int) -> SpeechChunk:
        raw = self._pending[:end]
        chunk = SpeechChunk(self._start, self._start + end, raw)
        mid_line = not raw.endswith("\n")
        self._pending = self._pending[end:]
        self._start += end
        self._spoken_before = self._spoken_before or _letters(raw) > 0
        self._restart()
        self._line_known = mid_line
        return chunk

    # -- the walk: each step settles one character and is never repeated --

    def _next_end(self, final: bool) -> int | None:
        text = self._pending
        while True:
            if self._shut is not None:
                return self._shut_end(final)
            if not self._line_known:
                kind = line_kind(text, self._line, final)
                if kind is None:
                    return None
                if isinstance(kind, ShutBlock):
                    if text[: self._line].strip():
                        return self._line
                    self._shut = kind
                    continue
                self._heading = kind
                self._line_known = True
            found = _INTERESTING.search(text, self._at, min(len(text), LONGEST_CHARS))
            at = found.start() if found else min(len(text), LONGEST_CHARS)
            self._at = at
            if at >= LONGEST_CHARS:
                return self._clause or self._gap or LONGEST_CHARS
            if at == len(text) or (not final and len(text) - at < 2):
                return None
            step = self._step(text, at, final)
            if step is None:
                return None
            end, self._at = step
            if end:
                return end

    def _step(self, text: str, at: int, final: bool) -> tuple[int, int] | None:
        """(where the piece ends or 0, where to look next), or None: not enough text yet."""
        char = text[at]
        if char == "\n":
            return self._newline(text, at, final)
        if char == "`":
            self._in_code = not self._in_code
            return 0, at + 1
        if self._in_code:
            return 0, at + 1
        if char in "[]":
            self._brackets = max(0, self._brackets + (1 if char == "[" else -1))
            return 0, at + 1
        if char in " \t":
            if self._brackets == 0 and text[:at].strip():
                self._gap = at
                return self._phrase(text, at, final)
            return 0, at + 1
        if char in _CLAUSE_MARKS:
            return self._clause_mark(text, at, final)
        verdict = sentence_ends(text, at, self._line, final)
        if verdict is None:
            return None
        if self._brackets:
            return 0, at + 1
        if not verdict.end:
            return 0, verdict.resume
        self._clause = verdict.end
        return (verdict.end if self._worth_saying(text[: verdict.end]) else 0), verdict.resume

    def _newline(self, text: str, at: int, final: bool) -> tuple[int, int] | None:
        """A line ended: is the thought over, or was it only wrapped?"""
        following = INDENT.match(text, at + 1)
        after = following.end() if following else at + 1
        if after >= len(text) and not final and after - at < LOOKAHEAD_CHARS:
            return None
        nxt = text[after : after + 1]
        long_line = at - self._line >= WRAPPED_LINE_CHARS
        wrapped = not self._heading and (nxt.islower() or (long_line and nxt.isalpha()))
        if wrapped and text[self._line : at].strip():
            self._gap = at
            return 0, at + 1
        self._in_code, self._brackets = False, 0
        self._line, self._line_known = at + 1, False
        self._clause = at + 1 if text[:at].strip() else 0
        return (at + 1 if self._worth_saying(text[:at]) else 0), at + 1

    def _clause_mark(self, text: str, at: int, final: bool) -> tuple[int, int] | None:
        spaced = text[at] in ",;:-–"
        if spaced and (at + 2 >= len(text)) and not final:
            return None
        before, after, beyond = text[at - 1 : at], text[at + 1 : at + 2], text[at + 2 : at + 3]
        ends = True
        if spaced:
            ends = after == " " and not beyond.isdigit() and beyond not in ")-"
        if text[at] in "-–":
            ends = ends and before == " " and bool(text[self._line : at].strip())
        if not ends or self._brackets:
            return 0, at + 1
        self._clause = at + 1
        return (at + 1 if self._early(text[: at + 1]) else 0), at + 1

    def _phrase(self, text: str, at: int, final: bool) -> tuple[int, int] | None:
        """A first piece that runs long may end before a conjunction."""
        if self._spoken_before or at < FIRST_PHRASE_CHARS:
            return 0, at + 1
        if len(text) - at < LONGEST_CONJUNCTION + 2 and not final:
            return None
        return (at if _CONJUNCTION.match(text, at) else 0), at + 1

    # -- worth a piece of its own? --

    def _worth_saying(self, piece: str) -> bool:
        if self._spoken_before:
            return _letters(piece) >= SHORT_LETTERS
        return _WORD.search(piece) is not None

    def _early(self, piece: str) -> bool:
        if self._spoken_before:
            return False
        dense = len(_DENSE.findall(piece))
        long_enough = len(piece.strip()) + 2 * dense >= FIRST_CLAUSE_CHARS
        return long_enough and len(piece.split()) + dense // 2 >= FIRST_CLAUSE_WORDS

    # -- code, tables and formulas --

    def _shut_end(self, final: bool) -> int | None:
        shut = self._shut
        assert shut is not None  # noqa: S101 - only called then
        text = self._pending
        while (newline := text.find("\n", self._at)) >= 0:
            line = text[self._at : newline]
            first = self._at == self._line
            if shut.ends_with(line, first):
                return newline + 1
            if shut.ends_before_next:
                following = INDENT.match(text, newline + 1)
                after = following.end() if following else newline + 1
                if after >= len(text) and not final:
                    return None
                if text[after : after + 1] != "|":
                    return newline + 1
            self._at = newline + 1
        return None


def _letters(piece: str) -> int:
    """How much there is to say; a character of a dense script counts as three letters."""
    return sum(map(str.isalnum, piece)) + 2 * len(_DENSE.findall(piece))


_CLAUSE_MARKS = ",;:-–—、，；："
_INTERESTING = re.compile(r"[\n\t `\[\]" + re.escape(_CLAUSE_MARKS) + r".!?…。！？｡؟۔।॥።။។։]")
_DENSE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc]")
"""Scripts that write a syllable or a word in one character."""
_WORD = re.compile(r"[^\W\d_]{2}|\d[.!?]?\s*$|" + _DENSE.pattern)
LONGEST_CONJUNCTION = 8
_CONJUNCTION = re.compile(
    r"[ \t](?:and|but|or|because|so|which|while|where|when|although|though|since|unless|that|if)[ ]"
)
