"""Two hundred words that run something wherever a shell, ssh or docker reads them as more than
a word: each would make a canary file."""

from __future__ import annotations

from pathlib import Path

_SHAPES = (
    "; touch {0}", "& touch {0} &", "| touch {0}", "|| touch {0}", "&& touch {0}", "$(touch {0})",
    "`touch {0}`", "\ntouch {0}\n", "\r\ntouch {0}\r\n", "> {0}", ">> {0}", "<(touch {0})",
    "'; touch {0}; '", '"; touch {0}; "', "'$(touch {0})'", '"$(touch {0})"', "\\'; touch {0}; #",
    "\\\"; touch {0}; #", "\\\\$(touch {0})", "\\`touch {0}\\`", "${{IFS}}touch${{IFS}}{0}",
    "$({{touch,{0}}})", "{{touch,{0}}}", "-oProxyCommand=touch {0}",
    "-oProxyCommand=touch${{IFS}}{0}",
    "-oLocalCommand=touch {0}", "-oPermitLocalCommand=yes -oLocalCommand=touch {0}",
    "-oKnownHostsCommand=touch {0}", "-F{0}", "-E{0}", "-S{0}", "--help; touch {0}", "-- touch {0}",
    "-c touch {0}", "--file={0}", "--env-file={0}", "--project-directory=$(touch {0})",
    "a;touch {0}", "a b;touch {0}", "a$(touch {0})b", "a`touch {0}`b", "a\ntouch {0}\nb",
    "é;touch {0}", "盒子$(touch {0})", "\u202etouch {0}", "😀`touch {0}`",
    "()(touch {0})", "(touch {0})", "f(){{ touch {0};}};f", "!touch {0}", "#\ntouch {0}",
    "%h;touch {0}", "%i$(touch {0})", "user@host;touch {0}", "host:22;touch {0}", "[::1];touch {0}",
    "~;touch {0}", "*;touch {0}", "?$(touch {0})", "$((1));touch {0}", "\x1b]0;$(touch {0})\x07",
    "\x7f;touch {0}", "\t;touch {0}", "\x01$(touch {0})", "'\n'; touch {0}", "\"\n\"; touch {0}",
)  # fmt: skip
_PLACES = ("{0}", "x{0}", "/opt/{0}/compose")


def hostile_words(canary: Path) -> list[str]:
    shapes = [shape.format(canary) for shape in _SHAPES]
    words = list(dict.fromkeys(place.format(shape) for place in _PLACES for shape in shapes))
    return [*words, *(word.replace(" ", "\t") for word in words if " " in word)][:200]
