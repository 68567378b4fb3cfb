"""How English says numbers: money, dates, times, ranges, fractions, amounts and model names."""

from __future__ import annotations

import re
from collections.abc import Callable

from strixdesk.core.english_units import PER, UNITS, unit_words

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]
"""What to look for, and what to say instead."""

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
_MONTH_NAMES = "|".join([*MONTHS, *(month[:3] + r"\.?" for month in MONTHS), r"Sept\.?"])
_NUMBER = r"\d[\d,]{0,24}(?:\.\d{1,12})?"
_CURRENCIES = {
    "$": ("dollar", "dollars"), "€": ("euro", "euros"), "£": ("pound", "pounds"),
    "¥": ("yen", "yen"), "₹": ("rupee", "rupees"), "₽": ("rouble", "roubles"),
    "usd": ("dollar", "dollars"), "eur": ("euro", "euros"), "gbp": ("pound", "pounds"),
}  # fmt: skip
_SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "b": "billion",
    "bn": "billion", "t": "trillion", "tn": "trillion",
    "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
}  # fmt: skip
_SCALE = r"(?:[ ]?(?P<scale>thousand|million|billion|trillion|[Mm]io|[mM]n|[bB]n|tn|[kKmMbBT])\b)?"


def _money(found: re.Match[str]) -> str:
    amount, scale = found.group("amount"), (found.group("scale") or "").lower()
    one, many = _CURRENCIES[found.group("sign").lower()]
    if scale:
        return f"{amount} {_SCALES[scale]} {many}"
    whole, _, cents = amount.partition(".")
    name = one if whole == "1" else many
    if len(cents) == 2:
        small = "" if cents == "00" else f" {int(cents)}"
        if whole == "0" and small:
            return f"{int(cents)} {'pence' if name == 'pounds' else 'cents'}"
        return f"{whole} {name}{small}"
    return f"{amount} {one if amount == '1' else many}"


def _iso_date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.group(1, 2, 3))
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found.group(0)
    return f"{MONTHS[month - 1]} {_ordinal(day)}, {_year(str(year))}"


def _ordinal(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 != 1 else 0, "th")
    return f"{number}{suffix}"


def _year(digits: str) -> str:
    """As two pairs: 1999 is "19 99", 1906 "19 oh 6"; 2004 and 1900 are read well as they are."""
    century, rest = digits[:2], digits[2:]
    if rest == "00" or digits[:2] in ("10", "20") or len(digits) != 4:
        return digits
    return f"{century} oh {rest[1]}" if rest[0] == "0" else f"{century} {rest}"


def _pairs(digits: str) -> str:
    """A four-digit name: 4090 is "40 90", 7900 "79 hundred", 3000 "3000"."""
    if digits.endswith("000"):
        return digits
    if digits.endswith("00"):
        return f"{digits[:2]} hundred"
    return f"{digits[:2]} oh {digits[3]}" if digits[2] == "0" else f"{digits[:2]} {digits[2:]}"


_DECADES = {
    1: "tens", 2: "twenties", 3: "thirties", 4: "forties", 5: "fifties", 6: "sixties",
    7: "seventies", 8: "eighties", 9: "nineties",
}  # fmt: skip


def _decade(found: re.Match[str]) -> str:
    century, tens = found.group("century") or "", int(found.group("tens"))
    if tens == 0 and century.endswith("0"):
        return {"10": "thousands", "20": "two thousands"}[century]
    if tens == 0:
        return f"{century} hundreds"
    return f"{century} {_DECADES[tens]}".strip()


_FRACTIONS = {
    "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter",
    "3/4": "three quarters", "1/5": "one fifth", "1/8": "one eighth", "1/10": "one tenth",
    "24/7": "24 7", "½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter",
    "¾": "three quarters", "⅛": "one eighth", "⅕": "one fifth",
}  # fmt: skip


def _fraction(found: re.Match[str]) -> str:
    whole = (found.group("whole") or "").strip()
    written = found.group("fraction")
    top, _, bottom = written.partition("/")
    words = _FRACTIONS.get(written, f"{top} over {bottom}")
    return f"{whole} and {words.replace('one ', 'a ', 1)}" if whole else words


def _range(found: re.Match[str]) -> str:
    low, dash, high = found.group("low"), found.group("dash"), found.group("high")
    if not dash and float(low.replace(",", "")) >= float(high.replace(",", "")):
        return found.group(0)
    return f"{low} to {high}"


def _clock(found: re.Match[str]) -> str:
    hour, minute, half = found.group("hour"), found.group("minute"), found.group("half")
    if int(hour) > 24 or int(minute) > 59:
        return found.group(0)
    said = str(int(hour))
    if minute != "00":
        said += f" oh {minute[1]}" if minute[0] == "0" else f":{minute}"
    elif not half:
        said += " o'clock"
    return f"{said} {half.replace('.', '').lower()}" if half else said


def _with_unit(found: re.Match[str]) -> str:
    amount = found.group("amount")
    counted = "1" if found.group("join") == "-" else amount  # a 5-GB module is not plural
    return f"{amount} {unit_words(found.group('unit'), counted)}"


_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
PER_UNIT = "|".join(re.escape(unit) for unit in sorted(PER, key=len, reverse=True))
RATE_OF = rf"(?:{_UNIT}|tok|tokens?|t|req|requests?|frames?|words?|ops|it|B|b)"
_YEAR_LEAD = (
    rf"in|since|until|till|by|from|before|after|around|circa|year|early|late|mid|of|{_MONTH_NAMES}"
    r"|(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r" \d{1,2}(?:st|nd|rd|th)?,?"
)
_MONEY_SIGN = r"(?P<sign>[$€£¥₹₽])"
_MONEY_CODE = r"(?P<sign>€|£|¥|₹|₽|USD|EUR|GBP)"

NUMBERS: list[Rule] = [
    (re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])"), _iso_date),
    (re.compile(r"(?<=\d)T(?=\d\d:\d\d)"), " "),
    (
        re.compile(
            r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?![\d:.]\d)(?!\d)"
            r"(?: ?(?P<half>[AaPp]\.?[Mm]\b\.?))?"
        ),
        _clock,
    ),
    (re.compile(rf"{_MONEY_SIGN}[ ]?(?P<amount>{_NUMBER}){_SCALE}"), _money),
    (re.compile(rf"(?<![\w.,])(?P<amount>{_NUMBER}){_SCALE}[ ]?{_MONEY_CODE}(?!\w)"), _money),
    (re.compile(r"(?<![\w.])[vV](?=\d{1,4}\.\d)"), "version "),
    (
        re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w.]\d)(?!\d)"),
        r"\1 dot \2 dot \3 dot \4",
    ),
    (re.compile(r"(?<=\d) ?x ?(?=\d)|(?<=\d\d\d) ?× ?(?=\d\d\d)"), " by "),
    (re.compile(r"(?<=\d) ?× ?(?=\d)"), " times "),
    (
        re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,12})?)[eE]([+-]?)(\d{1,3})(?!\w)"),
        lambda f: f"{f[1]} times 10 to the {'minus ' if f[2] == '-' else ''}{f[3]}",
    ),
    (re.compile(r"(?<=\d)[ ]?[x×](?!\w)"), " times"),
    (
        re.compile(
            rf"(?<![\w.,/:–-])(?P<low>{_NUMBER})(?: ?(?P<dash>[–—]) ?|-)"
            rf"(?P<high>{_NUMBER})(?![\d/:-]|[.,]\d)"
        ),
        _range,
    ),
    (
        re.compile(r"(?<![\w.,/])(?:(?P<whole>\d{1,4})[ ])?(?P<fraction>\d{1,3}/\d{1,3})(?![\w/])"),
        _fraction,
    ),
    (re.compile(r"(?P<whole>(?<!\d)\d{1,4}[ ]?)?(?P<fraction>[½⅓⅔¼¾⅛⅕])"), _fraction),
    (re.compile(r"(?<!\w)~ ?(?=[\d$€£])"), "about "),
    (re.compile(r"(?<![\w#])# ?(?=\d)"), "number "),
    (re.compile(r"±[ ]?(?=\d)"), "plus or minus "),
    (re.compile(r"−[ ]?(?=\d)"), "-"),
    (re.compile(r"\b(?P<century>1\d|20)(?P<tens>\d)0['’]?s\b"), _decade),
    (re.compile(r"(?<=\bthe )['’]?(?P<century>)(?P<tens>[1-9])0['’]?s\b"), _decade),
    (
        re.compile(
            rf"(?<![\w.,])(?P<amount>{_NUMBER})(?P<join>[ -]?)"
            rf"(?P<unit>{RATE_OF}/(?:{PER_UNIT})|{_UNIT})(?![\w/])"
        ),
        _with_unit,
    ),
    (
        re.compile(rf"(?i:(?<=\()|\b(?:{_YEAR_LEAD})[ ])(1[1-9]\d\d)(?![\w,.]?\d|%|\w)"),
        lambda found: found.group(0)[:-4] + _year(found.group(1)),
    ),
    (
        re.compile(r"(?<![\w.,$-])(19\d\d)(?=[.,;:!?)]{0,3}(?:\s|$))(?!\s+[a-z]+s\b)"),
        lambda found: _year(found[1]),
    ),
    (re.compile(r"(?<=\d\d to )(19\d\d)\b"), lambda found: _year(found[1])),
    (
        re.compile(r"\b(RTX|GTX|RX|Core|Ultra|Max)[ ](\d{4})(?!\d|[.,]\d)"),
        lambda found: f"{found[1]} {_pairs(found[2])}",
    ),
    (
        re.compile(r"(?<![A-Za-z\d])([A-Za-z]{2,6})-?(\d{4})(?![\w.,]?\d)"),
        lambda found: f"{found[1]} {_pairs(found[2])}",
    ),
    (
        re.compile(r"(?<![\w.,])(\d{4})([A-Zp][A-Z]?[A-Z]?\d?)(?!\w)"),
        lambda found: f"{_pairs(found[1])} {found[2]}",
    ),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)|(?<=[A-Z\d])-(?=[A-Z]\d)"), " "),
    (re.compile(r"(?<=\d)-(?=[A-Z]?\d{0,6}[A-Z]\b)"), " "),
]  # fmt: skip
