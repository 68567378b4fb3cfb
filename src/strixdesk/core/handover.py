"""An answer that one tier began and another continues: what the second one repeats is taken out.

A server that can be given the beginning of its answer (prefill) writes what follows. What it is
given ends before the last word, which may be broken: it has to write that one once more, so that
a word that one tier began is ended as it began. Any other server is told to repeat the last words
and go on from there; that makes the joint exact. Models do as they
like, though: they begin anew, say the last sentence again, open the code fence once more, or go on
in the middle of a word. The text shown so far is never taken back, so nothing is let through until
it is certain where the new part begins.
"""

from __future__ import annotations

import re

from strixdesk.core.joints import glued, merged_space, unspaced
from strixdesk.core.letters import is_mark, keys_of, marks_of_last_letter
from strixdesk.core.preamble import introduction, may_be_preamble, says_it_continues
from strixdesk.core.prefill import Prefill

TAIL_WORDS = 12
"""How many of the last words are quoted in the instruction."""
_TAIL_CHARS = 160
"""And how much of them, where words are long or not told apart by spaces."""

_WINDOW = 4000
"""How far back a repetition may begin, in letters and digits; or at the very beginning."""
_SURE = 8
"""So many letters and digits in common are no coincidence, even from the middle of a word on."""
_SURE_WORDS = 3
"""So many of them, behind something that may be an introduction."""
_SURE_UNSPACED = 3
"""The same where every character is a word."""
_REPEATS = 24
"""So many, and the text is being said again, even if it then differs somewhere."""
_REALIGN = 12
"""Letters and digits of the end that are looked for in a text that is said again differently."""
_GOES_ON = frozenset(",;:-–—([{/&+=、，；：")
"""After these signs no answer ends."""
_FIRST_WORD = re.compile(r"\w+(?:\s|\W.)|[^\w\s]+[\w\s]", re.DOTALL)
"""With all that tells a word from the beginning of a list."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_SMALL_WORDS = frozenset(
    (
        *("a", "i", "an", "as", "at", "be", "by", "do", "he", "if", "in", "is", "it", "me", "my"),
        *("no", "of", "on", "or", "so", "the", "to", "up", "us", "we"),
    )
)
"""Words that other words begin with: “a” before “apple” is more likely a word than a part."""


def instruction(so_far: str) -> str:
    """What a model is told that cannot be given the beginning of its answer."""
    words = re.findall(r"\S+\s*", so_far)[-TAIL_WORDS:]
    tail = "".join(words).strip()[-_TAIL_CHARS:]
    return (
        "Your answer was cut off there. Continue it exactly where it stopped, in the same "
        "language and format, without an introduction. Begin by repeating its last words, and go "
        f"on from there. Its last words are:\n\n{tail}"
    )


def inside_fence(text: str) -> bool:
    """The text ends within a code block."""
    opened = ""
    for match in _FENCE.finditer(text):
        fence = match[1]
        if not opened:
            opened = fence
        elif fence[0] == opened[0] and len(fence) >= len(opened):
            opened = ""
    return bool(opened)


class Continuation:
    """Takes the second tier's words as they come; gives only what is new."""

    def __init__(
        self, so_far: str, prefilled: Prefill | None = None, *, is_behind: bool = False
    ) -> None:
        """`prefilled`: what the tier was given as the beginning of its answer. `is_behind`: only
        what stands behind its introduction is looked at."""
        self._so_far = so_far
        self._prefilled = prefilled is not None
        self._again = prefilled.again.lstrip() if prefilled else ""
        self._in_fence = inside_fence(so_far)
        self._known = [key for char in so_far for key in keys_of(char)]
        self._last_marks = marks_of_last_letter(so_far)
        self._ends_in_word = bool(so_far) and (so_far[-1].isalnum() or is_mark(so_far[-1]))
        self._held = ""
        self._open = bool(so_far)
        self._start: int | None = None
        """In `held`: where the preamble is over."""
        self._read = 0
        """How much of `held` was compared."""
        self._keys: list[str] = []
        """Letters and digits from `start` on."""
        self._ends: list[int] = []
        """In `held`: the end of each of them."""
        self._alive = self._starts()
        """Where in the known text a repetition may have begun, as far as was compared."""
        self._whole: list[int] = []
        """The same, for repetitions that have reached the end of the known text."""
        self._repeated = 0
        """How many letters and digits were repeated before the texts differed."""
        self._begun_anew = False
        """That repetition was of the very beginning."""
        self.caught_up = True
        """False: it said nothing new where more has to come, or all anew in other words; nothing
        of it can be used."""
        self.joined = False
        """True: what it repeated goes to the end of what had been said, and is no coincidence."""
        self._is_behind = is_behind
        self._behind: Continuation | None = None
        self._behind_read = 0
        self.differs = False
        """True: it did not begin as it had to; nothing of it can be used."""

    @property
    def holding(self) -> bool:
        return bool(self._held)

    def feed(self, text: str) -> str:
        """What of it is new, as far as that is certain."""
        if not self._open:
            return "" if self.differs or not self.caught_up else text
        self._held += text
        return self._decide(final=False)

    def finish(self) -> str:
        """No more will come."""
        if not self._open:
            return ""
        said = self._decide(final=True)
        if not said.strip() and not self._prefilled and not _may_be_whole(self._so_far):
            self.caught_up = False  # it was told to go on, and did not
        return said

    # -- where the new part begins -------------------------------------------------------------

    def _decide(self, *, final: bool) -> str:
        if self._again:
            return self._behind_last_word(final=final)
        if self._start is None:
            self._start = self._body(final=final)
            if self._start is None:
                return ""
            self._read = self._start
        self._compare(final=final)
        if self._alive and not final:
            return ""  # the repetition goes on, or may still begin
        if self._whole:
            length = self._overlap(final=final)
            if length is None:
                return ""
            self.joined = length >= _SURE and len(self._last_words(length)) >= _SURE_WORDS
            return self._let_through(self._after(self._ends[length - 1]) if length else self._rest)
        if self._alive and self._says_nothing_new():
            self.caught_up = False
            return self._let_through("")
        if self._repeated >= _REPEATS and not self._prefilled:
            return self._realigned(final=final)
        if not final and not self._first_word_is_over():
            return ""
        too_early, new = self._introduced(final=final)
        if too_early:
            return ""
        return self._let_through(self._rest if new is None else new)

    def _introduced(self, *, final: bool) -> tuple[bool, str | None]:
        """Whether it is too early to tell, and what is new behind an introduction, where a
        repetition shows that it was one."""
        if self._is_behind or self._prefilled or self._in_fence or self._repeated >= _SURE:
            return False, None
        if self._behind is None:
            start = introduction(self._held, final=final)
            if not start:
                return start is None, None
            self._behind, self._behind_read = Continuation(self._so_far, is_behind=True), start
        new = self._behind.feed(self._held[self._behind_read :])
        self._behind_read = len(self._held)
        if final:
            new += self._behind.finish()
        if self._behind.joined:
            return False, new
        return self._behind.holding and not final, None

    def _behind_last_word(self, *, final: bool) -> str:
        """The white space before the word stands there already, whatever the tier makes of it."""
        said = self._held.lstrip()
        if said.startswith(self._again):
            return self._let_through(said[len(self._again) :])
        if final or not self._again.startswith(said):
            self.differs = True
            return self._let_through("")
        return ""

    def _let_through(self, text: str) -> str:
        self._open = False
        self._held = ""
        return text

    def _starts(self) -> list[int]:
        """Beginnings of words; within a word only where enough follows to be sure."""
        total = len(self._known)
        if self._prefilled:  # such a server repeats nothing, or else begins the answer anew
            return [0] if total >= _REPEATS else []
        starts, index, in_word = [], 0, False
        for char in self._so_far:
            if keys := keys_of(char):
                left = total - index
                near = index == 0 or left <= _WINDOW
                sure = _SURE_UNSPACED if unspaced(char) else _SURE
                if near and (not in_word or left >= sure):
                    starts.append(index)
                index += len(keys)
                in_word = True
            elif not is_mark(char):
                in_word = False
        return starts

    def _compare(self, *, final: bool) -> None:
        for position in range(self._read, len(self._held)):
            for key in keys_of(self._held[position]):
                self._compare_key(key, position)
        self._read = len(self._held)
        if final:
            reached = len(self._known) - len(self._keys)
            self._whole += [start for start in self._alive if start == reached]

    def _compare_key(self, key: str, position: int) -> None:
        compared = len(self._keys)
        self._keys.append(key)
        self._ends.append(position + 1)
        total, still = len(self._known), []
        for start in self._alive:
            at = start + compared
            if at == total:
                self._whole.append(start)
            elif self._known[at] == key:
                still.append(start)
        if self._alive and not still:
            self._repeated = compared
            self._begun_anew = self._alive[0] == 0
        self._alive = still

    def _overlap(self, *, final: bool) -> int | None:
        """How many letters and digits repeat the end of what was said; None: too early to tell."""
        for start in sorted(self._whole):
            length = len(self._known) - start
            words = self._last_words(length)
            if start == 0 or len(words) > 1 or words[0].casefold() not in _SMALL_WORDS:
                return length
            first = re.match(r"\W*(\w+)(\W?)", self._held[self._start or 0 :])
            if first and not first[2] and not final:
                return None
            if first and first[1].casefold() == words[0].casefold():
                return length
        return 0

    def _last_words(self, length: int) -> list[str]:
        """The words that hold the last so many letters and digits."""
        position = len(self._so_far)
        while length > 0:
            position -= 1
            length -= len(keys_of(self._so_far[position]))
        return re.findall(r"\w+", self._so_far[position:])

    def _says_nothing_new(self) -> bool:
        """It ended on the way. A word or two that occur in both texts are no repetition."""
        return len(re.findall(r"\w+", self._held[self._start or 0 :])) >= 3

    def _realigned(self, *, final: bool) -> str:
        """It is being said again, in other words: the end of what is known is looked for."""
        tail = self._known[-_REALIGN:]
        for end in range(len(self._keys), len(tail) - 1, -1):
            if self._keys[end - len(tail) : end] == tail:
                self.joined = True
                return self._let_through(self._after(self._ends[end - 1]))
        if not final and len(self._keys) < len(self._known) * 1.25 + 200:
            return ""
        if self._begun_anew:  # another answer: nothing of it fits
            self.caught_up = False
            return self._let_through("")
        return self._let_through(self._rest)

    def _first_word_is_over(self) -> bool:
        body = self._held[self._start or 0 :].lstrip()
        if self._prefilled:
            return bool(body) or not self._so_far[-1:].isspace()
        return _FIRST_WORD.match(body) is not None

    # -- what stands before it -----------------------------------------------------------------

    def _body(self, *, final: bool) -> int | None:
        """Where its text begins, after “Sure, continuing:” and a code fence that is open already.
        None: too early to tell."""
        start = 0
        while not self._prefilled:
            ahead = self._held[start:].lstrip()
            line, newline, _ = ahead.partition("\n")
            if not line:
                return start if final else None
            fence = self._in_fence and line[:3] == "```"[: len(line)] and line.strip("` ") != ""
            if self._in_fence and not newline and not line.strip("` "):  # opened again, or closed
                return start if final else None
            if not (fence or may_be_preamble(line)):
                return start
            if not newline and not final:
                return None
            if not (fence or says_it_continues(line)):
                return start
            start = len(self._held) - len(ahead) + len(line) + len(newline)
        return start

    # -- the joint -----------------------------------------------------------------------------

    @property
    def _rest(self) -> str:
        """All of it, with what has to stand between it and what was said."""
        rest = self._held[self._start or 0 :]
        if self._prefilled:
            return merged_space(self._so_far, rest)
        return glued(self._so_far, rest, in_code=self._in_fence)

    def _after(self, end: int) -> str:
        """What follows the repetition, whose last letter is before `end`; what stands between the
        words is not repeated either."""
        rest = self._held[end:]
        while rest and rest[0] in self._last_marks:
            rest = rest[1:]
        if self._ends_in_word:
            return rest
        signs = re.search(r"[\W_]*\Z", self._so_far)
        position = 0
        for sign in "".join(signs[0].lstrip(self._last_marks).split()) if signs else "":
            ahead = len(rest) - len(rest[position:].lstrip())
            if rest[ahead : ahead + 1] != sign:
                break
            position = ahead + 1
        return merged_space(self._so_far, rest[position:])


def _may_be_whole(text: str) -> bool:
    last = text.rstrip()[-1:]
    in_word = last.isalnum() or last in _GOES_ON or (last != "" and is_mark(last))
    return not in_word and not inside_fence(text)
