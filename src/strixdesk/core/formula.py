"""Reads light LaTeX: what turns up in an answer's running text, not a textbook's."""

from __future__ import annotations

import re

_SYMBOLS = {
    "times": " times ", "cdot": " times ", "div": " divided by ", "pm": " plus or minus ",
    "le": " ≤ ", "leq": " ≤ ", "ge": " ≥ ", "geq": " ≥ ", "ne": " ≠ ", "neq": " ≠ ",
    "approx": " is about ", "equiv": " is equivalent to ", "infty": " infinity ",
    "to": " to ", "rightarrow": " to ", "implies": " implies ", "sum": " the sum of ",
    "prod": " the product of ", "int": " the integral of ", "partial": " d ", "in": " in ",
    "sqrt": " the square root of ", "ldots": " … ", "dots": " … ", "cdots": " … ",
    "quad": " ", "qquad": " ", "left": " ", "right": " ", "text": " ", "mathrm": " ",
    "mathbf": " ", "boxed": " ", "degree": " degrees ", "circ": " degrees ", "percent": " percent ",
}  # fmt: skip
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]{1,100})\}\{([^{}]{1,100})\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]{1,100})\}")
_POWER = re.compile(r"\^(?:\{([^{}]{1,60})\}|(\\?\w))")
_INDEX = re.compile(r"_(?:\{([^{}]{1,60})\}|(\w))")
_COMMAND = re.compile(r"\\([A-Za-z]{1,30})")
_SPACING = re.compile(r"\\[,;:! ]")
_SIGN = re.compile(r"\s*([=+])\s*")


def spoken_formula(latex: str) -> str:
    """English words for a formula, its delimiters included in `latex`."""
    text = latex.strip()
    for opening, closing in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)]
            break
    for _ in range(3):
        text = _FRACTION.sub(r" \1 over \2 ", text)
        text = _ROOT.sub(r" the square root of \1 ", text)
    text = _POWER.sub(_power, text)
    text = _INDEX.sub(lambda found: f" {found.group(1) or found.group(2)} ", text)
    text = _SPACING.sub(" ", text)
    text = _COMMAND.sub(lambda found: _SYMBOLS.get(found.group(1), f" {found.group(1)} "), text)
    text = _SIGN.sub(r" \1 ", text)
    return text.replace("=", "equals").replace("+", "plus").replace("*", " times ").strip()


def _power(found: re.Match[str]) -> str:
    power = found.group(1) or found.group(2)
    named = {"2": " squared ", "3": " cubed ", "\\circ": " degrees "}
    return named.get(power, f" to the power of {power} ")
