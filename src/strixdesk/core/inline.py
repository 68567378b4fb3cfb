"""Takes the marks out of a line of markdown: emphasis, code, links, addresses, tags, emoji."""

from __future__ import annotations

import html
import re

from strixdesk.core.formula import spoken_formula


def plain_text(line: str, english: bool) -> str:
    """The line as words and punctuation. `english`: say "dot" and "link" in addresses."""
    text = _CODE.sub(lambda found: f" {_code(found.group(2))} ", line) if "`" in line else line
    text = _ESCAPED.sub(_shield, text)
    if english and ("$" in text or "\\" in text):
        text = _FORMULA.sub(lambda found: spoken_formula(found.group(0)), text)
    text = _IMAGE.sub(r"\1", text)
    text = _FOOTNOTE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _AUTOLINK.sub(r" \1 ", text)
    text = _BREAK_TAG.sub(", ", text)
    text = _TAG.sub("", text)
    if "&" in text:
        text = html.unescape(text)
    text = _ADDRESS.sub(lambda found: _address(found, english), text)
    text = _EMAIL.sub(lambda found: _email(found, english), text)
    text = _SHORTCODE.sub("", text)
    text = _EMOJI.sub(" ", text)
    text = _TIMES_STAR.sub(" × ", text)
    text = _STRIKE.sub("", text)
    text = _STARS.sub("", text)
    text = _EDGE_UNDERSCORE.sub("", text)
    return text.translate(_UNSHIELD)


def _code(code: str) -> str:
    """Code as words: marks that emphasis would eat are kept, underscores become spaces."""
    return code.replace("_", " ").replace("*", " ").translate(_SHIELD)


def _shield(found: re.Match[str]) -> str:
    return found.group(1).translate(_SHIELD)


def _address(found: re.Match[str], english: bool) -> str:
    host = found.group("host").split("@")[-1].split(":")[0].removeprefix("www.")
    tail = found.group(0)[len(found.group(0).rstrip(".,;:!?")) :]
    if not english:
        return host.rstrip(".") + tail
    return host.rstrip(".").replace(".", " dot ") + tail


def _email(found: re.Match[str], english: bool) -> str:
    if not english:
        return found.group(0)
    return found.group(0).replace("@", " at ").replace(".", " dot ").replace("_", " underscore ")


_PLAIN = "*_`[]<>$\\~|"
_SHIELD = str.maketrans({mark: chr(0xE000 + place) for place, mark in enumerate(_PLAIN)})
_UNSHIELD = str.maketrans({chr(0xE000 + place): mark for place, mark in enumerate(_PLAIN)})
"""Marks that are meant literally sleep in the private-use area while the others are removed."""

_ESCAPED = re.compile(r"\\([*_`\[\]<>$~|#!.+-])(?![(\[])")
_CODE = re.compile(r"(`{1,2})([^`\n]{1,300})\1")
_FORMULA = re.compile(
    r"\$\$[^$\n]{1,200}\$\$|\\\((?:[^\\\n]|\\(?!\))){1,200}\\\)|\\\[(?:[^\\\n]|\\(?!\])){1,200}\\\]"
    r"|(?<![\w$])\$(?=[^\s$])(?=[^$\n]{0,200}[\\^_={}]|[A-Za-z]\$)[^$\n]{1,200}(?<=\S)\$(?!\d)"
)
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}(?:[ ][^()\n]{0,200})?\)")
_LINK = re.compile(
    r"\[([^\[\]\n]{1,300})\]\([^()\s]{0,500}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?"
    r"(?:[ ][^()\n]{0,200})?\)"
)
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,300})\]\[[^\[\]\n]{0,100}\]")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\n]{1,60}\]|【[^【】\n]{1,60}】")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^<>\s@]{0,200}[@.:][^<>\s]{1,300})>")
_BREAK_TAG = re.compile(r"<br ?/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,300}>|<!--[^<>\n]{0,300}-->")
_ADDRESS = re.compile(
    r"(?:https?|ftp|file|ssh|git|wss?)://(?P<host>[^\s/?#<>()\[\]\"'”]{1,120})"
    r"(?:[/?#][^\s<>\[\]\"”]{0,300}?(?=[)]?[.,;:!?]*(?:[\s<>\[\]\"”]|$)))?"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
_SHORTCODE = re.compile(r"(?<!\S):[a-z][a-z0-9_+-]{1,40}:(?!\S)")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\U000e0000-\U000e007f\u2600-\u27bf\u2b00-\u2bff"
    "\u2300-\u23ff\u25a0-\u25ff\u2460-\u24ff\u2500-\u257f\u2580-\u259f\u3030\u303d\u3297\u3299"
    "\u00a9\u00ae\u2122\u2139\ufe00-\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff]+"
)
_TIMES_STAR = re.compile(r"(?<=[\w)]) \* (?=[\w(])|(?<=\d)\*(?=\d)")
_STRIKE = re.compile(r"~~+")
_STARS = re.compile(r"\*+")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
