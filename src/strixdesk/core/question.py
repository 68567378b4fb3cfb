"""What can be told of a question before anyone answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from strixdesk.core.complexity import LONG_CHARS, Complexity, complexity

_LOOKED_AT_CHARS = 2000
"""Of a pasted log only the beginning and the end are read: that tells enough, in no time."""
_SHORT_WORDS = 25

_EXTENSIONS = (
    "py|js|jsx|ts|tsx|rs|go|cc|cpp|hpp|java|kt|swift|rb|php|cs|lua|sh|sql|html|css|scss|toml|"
    "ya?ml|json|ipynb|vue|zig|ex|hs"
)

# Every pattern is linear in the text: no unbounded repetition is followed by another that could
# match the same characters, and none crosses lines.
_CODE_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("It holds code", re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)),
    (
        "It holds an error trace",
        re.compile(
            r"Traceback \(most recent call last\)|^[ \t]{1,8}at [\w$.<>]{1,200}\(|"
            r"^ {0,8}File \"[^\"\n]{1,300}\", line \d|[a-z](?:Error|Exception): |panicked at |"
            r"segmentation fault|undefined reference to|error\[E\d",
            re.MULTILINE,
        ),
    ),
    (
        "It holds code",
        re.compile(
            r"^[ \t]{0,40}(?:(?:def|class) \w{1,80}[(:]|import [\w.]{1,80}$|"
            r"from [\w.]{1,80} import |#include ?[<\"]|(?:const|let|var) \w{1,80} = |"
            r"(?:pub )?fn \w{1,80}[(<]|func \w{1,80}\(|\$ \w|diff --git |@@ -\d|"
            r"(?:public|private|protected) (?:static |final |class |void ))"
            r"|=> ?\{|\) ?\{$|\bSELECT [^\n]{1,200} FROM\b",
            re.MULTILINE,
        ),
    ),
    (
        "It names a source file",
        re.compile(rf"\.(?:(?<=[\w-]\.)(?:{_EXTENSIONS})|(?<=[\w-][\w-]\.)[ch])\b(?!\.\w)"),
    ),
    ("It names a source file", re.compile(r"\b(?:Dockerfile|Makefile|CMakeLists\.txt)\b")),
)

# The following are searched in the text in lower case: that is several times as fast as ignoring
# case, and their first letters are tried before anything else.
_PROGRAMMING = re.compile(
    r"(?:refactor\w{0,6}|unit tests?|pytest|regex(?:es)?|regular expression|stack trace|"
    r"compil(?:e|er|es|ing) error|segfault|null pointer|pull request|merge conflict|"
    r"git (?:rebase|commit|merge|bisect|push)|linter|type hints?|code review|"
    r"(?:sql|shell|bash|python|javascript|typescript|rust|java|c\+\+|golang|css|html) "
    r"(?:code|script|function|class|query|program|module|snippet|one-?liner)|"
    r"(?:write|fix|debug|implement|optimi[sz]e|review) (?:me )?"
    r"(?:(?:an?|the|this|my|some) )?(?:\w{1,20} ){0,2}"
    r"(?:function|script|class|method|bug|code|program|query|loop|parser))\b"
)
_PROGRAMMING_HINTS = (
    *("refactor", "test", "regex", "regular", "trace", "compil", "segfault", "null", "pull"),
    *("merge", "git ", "lint", "hint", "code", "script", "function", "class", "query", "program"),
    *("module", "snippet", "liner", "method", "bug", "loop", "parser"),
)
"""Without one of these the pattern cannot match; to look for them costs a tenth of it."""
_SECOND_OPINION_HINTS = ("opinion", "check", "review", "sure")
_SECOND_OPINION = re.compile(
    r"(?:second opinion|double[- ]check|(?:critically )?review (?:this|my|the) (?:answer|plan|"
    r"argument|reasoning|decision)|are you (?:really )?sure|check (?:this|your|that) (?:answer|"
    r"reasoning))\b"
)
_DEPTH = re.compile(
    r"(?:think (?:\w{1,20} )?(?:hard|harder|deeply|carefully|it through|step by step)|"
    r"take your time|reason (?:it )?(?:through|carefully)|in depth|thorough(?:ly)?|"
    r"prove that|plan out|weigh (?:up )?the)\b"
)


@dataclass(frozen=True, slots=True)
class Question:
    """The features that routing looks at."""

    images: int
    spoken: bool
    code: str = ""
    """Why it is taken for a programming question, as a clause; empty: it is not."""
    depth: bool = False
    second_opinion: bool = False
    short: bool = False
    long: bool = False
    complexity: Complexity = field(default_factory=Complexity)
    seen: str = field(default="", repr=False)
    """What was looked at of it, in lower case."""

    def signs(self, hard_score: float) -> Mapping[str, str]:
        """The features that hold, by the names that rules use, with what was seen of each."""
        pictures = "a picture" if self.images == 1 else "pictures"
        hard = self.complexity.score >= hard_score
        signs = {
            "picture": pictures if self.images else "",
            "code": self.code,
            "second-opinion": "a second opinion" if self.second_opinion else "",
            "asked": "thinking through" if self.depth else "",
            "hard": f"hard ({self.complexity.words()})" if hard else "",
            "long": "long" if self.long else "",
            "short": "short" if self.short else "",
            "spoken": "spoken" if self.spoken else "",
        }
        return {feature: evidence for feature, evidence in signs.items() if evidence}


def features(text: str, *, images: int = 0, spoken: bool = False) -> Question:
    seen = text
    if len(text) > _LOOKED_AT_CHARS:
        seen = f"{text[: _LOOKED_AT_CHARS * 3 // 4]}\n{text[-_LOOKED_AT_CHARS // 4 :]}"
    words = seen.lower()
    code = next((why for why, sign in _CODE_SIGNS if sign.search(seen)), "")
    if not code and _says(_PROGRAMMING, words, _PROGRAMMING_HINTS):
        code = "It speaks of programming"
    return Question(
        images=images,
        spoken=spoken,
        code=code,
        depth=_says(_DEPTH, words),
        second_opinion=_says(_SECOND_OPINION, words, _SECOND_OPINION_HINTS),
        short=len(text) < 300 and len(text.split()) <= _SHORT_WORDS,
        long=len(text) >= LONG_CHARS,
        complexity=complexity(words, len(text), code=bool(code)),
        seen=words,
    )


def _says(phrase: re.Pattern[str], words: str, hints: tuple[str, ...] = ("",)) -> bool:
    """The phrase stands there, not as the end of a longer word."""
    return any(hint in words for hint in hints) and any(
        not (found.start() and words[found.start() - 1].isalnum())
        for found in phrase.finditer(words)
    )
