"""What is read out for a piece of an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strixdesk.core.speakable import CODE_HINTS, TABLE_HINTS, speakable
from tests.support.proportion import assert_in_proportion

MARKDOWN = [
    ("**bold** and _it_ and ***both***", "bold and it and both"),
    ("~~old~~ new", "old new"),
    ("__init__ is `__init__`", "init is init"),
    ("[the manual](https://example.com/a_(b)) says", "the manual says"),
    ('[a](http://x.com "title") b', "a b"),
    ("[a][1] and [b][ref]", "a and b"),
    ("![a red owl](owl.png)", "a red owl"),
    ("![](owl.png)", ""),
    ("Run `git commit -m x` now", "Run git commit m x now"),
    ("`foo_bar()` is called", "foo bar() is called"),
    ("Is it ``a`` here?", "Is it a here?"),
    ("# Steps", "Steps."),
    ("### What now?", "What now?"),
    ("- Apples\n- Pears\n* Plums", "Apples. Pears. Plums."),
    ("1. First thing\n2. Second thing", "1. First thing. 2. Second thing."),
    ("- [x] done\n- [ ] open", "done. open."),
    ("> quoted\n> on", "quoted on"),
    ("one\nwrapped line", "one wrapped line"),
    ("note[^1] here【4†source】", "note here"),
    ("[^1]: The footnote itself.", ""),
    ("[1]: https://example.com", ""),
    ("---", ""),
    ("***", ""),
    ("<b>x</b> and<br>y <!-- no -->", "x and, y"),
    ("&lt;b&gt; &amp; &quot;c&quot;&nbsp;d", 'b and "c" d'),
    (r"not \*bold\* here", "not bold here"),
    ("https://www.example.com/a/b?c=d.", "example dot com."),
    ("See <https://docs.python.org/3/>!", "See docs dot python dot org!"),
    ("(http://localhost:8080/v1)", "(localhost)"),
    ("Write to me_too@x.org", "Write to me underscore too at x dot org"),
    ("Done 🎉👍🏽! 🇩🇪 ✅", "Done!"),
    ("👨‍👩‍👧 family 1️⃣", "family 1"),
    (":tada: hello", "hello"),
    ("$x^2 + \\frac{1}{2}$", "x squared plus 1 over 2"),
    ("\\(a \\leq \\sqrt{b}\\)", "a at most the square root of b"),
    ("$$E = mc^2$$", "E equals mc squared"),
    ("Look:\n```py\nprint(1)\n```", f"Look: {CODE_HINTS['en']}"),
    ("```\nnever closed", CODE_HINTS["en"]),
    (
        "| City | People |\n|---|--:|\n| Rome | 3 |\n| **Oslo** | 1 |",
        "Rome: People 3. Oslo: People 1.",
    ),
    ("| a | b | c | d |\n|-|-|-|-|\n| 1 | 2 | 3 | 4 |", TABLE_HINTS["en"]),
    ("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 9, TABLE_HINTS["en"]),
]

NUMBERS = [
    ("5 GB", "5 gigabytes"),
    ("1 GB", "1 gigabyte"),
    ("128GB of RAM", "128 gigabytes of RAM"),
    ("3.5 GHz", "3.5 gigahertz"),
    ("10 km/h", "10 kilometers per hour"),
    ("20°C or 68 °F", "20 degrees Celsius or 68 degrees Fahrenheit"),
    ("-5 °C", "-5 degrees Celsius"),
    ("a 5-GB module", "a 5 gigabyte module"),
    ("It takes 5 ms. Then it ends.", "It takes 5 milliseconds. Then it ends."),
    ("the 2000s and the 1900s", "the two thousands and the 19 hundreds"),
    ("It is 5° outside", "It is 5 degrees outside"),
    ("60 tok/s", "60 tokens per second"),
    ("measured in GB/s", "measured in gigabytes per second"),
    ("100 ms, 90s, 5 min.", "100 milliseconds, 90 seconds, 5 minutes."),
    ("3 m² of 2 kWh", "3 square meters of 2 kilowatt hours"),
    ("5 mW is not 5 MW", "5 milliwatts is not 5 megawatts"),
    ("5 in the box, 5 A students", "5 in the box, 5 A students"),
    ("a 7B model, 4K video, 10k people", "a 7B model, 4K video, 10k people"),
    ("$3.50", "3 dollars 50"),
    ("$1", "1 dollar"),
    ("$0.99", "99 cents"),
    ("$1,200.00", "1,200 dollars"),
    ("€1.2m", "1.2 million euros"),
    ("$5bn and £3 million", "5 billion dollars and 3 million pounds"),
    ("10 € or 10 USD", "10 euros or 10 dollars"),
    ("$5 and $10", "5 dollars and 10 dollars"),
    ("50%", "50 percent"),
    ("1,234 and 3.14", "1,234 and 3.14"),
    ("2026-11-21", "November 21st, 2026"),
    ("1999-02-03", "February 3rd, 19 99"),
    ("2026-99-21", "2026-99-21"),
    ("at 10:30", "at 10:30"),
    ("at 10:00", "at 10 o'clock"),
    ("10:05 a.m. today", "10 oh 5 am today"),
    ("10:00 PM", "10 pm"),
    ("3–5 days", "3 to 5 days"),
    ("pages 3-5", "pages 3 to 5"),
    ("10–20%", "10 to 20 percent"),
    ("call 555-123-4567", "call 555-123-4567"),
    ("1/2", "one half"),
    ("2 1/2 cups, ¾ spoon", "2 and a half cups, three quarters spoon"),
    ("24/7", "24 7"),
    ("5 * 3 and 5×4 and 2*3", "5 times 3 and 5 times 4 and 2 times 3"),
    ("1280x720", "1280 by 720"),
    ("2x faster", "2 times faster"),
    ("in 1999 and in 1906", "in 19 99 and in 19 oh 6"),
    ("the 1990s and the 90s", "the 19 nineties and the nineties"),
    ("in 2026, in 1900", "in 2026, in 1900"),
    ("1984 tokens", "1984 tokens"),
    ("1st, 22nd", "1st, 22nd"),
    ("~5 or ≈60%", "about 5 or about 60 percent"),
    ("±3", "plus or minus 3"),
    ("1e-5", "1 times 10 to the minus 5"),
    ("v1.2.3", "version 1.2.3"),
    ("192.168.0.1", "192 dot 168 dot 0 dot 1"),
    ("x86_64", "x86 64"),
    ("gfx1151", "gfx 11 51"),
    ("RTX 4090, RX 7900, a 7950X", "RTX 40 90, RX 79 hundred, a 79 50 X"),
    ("1080p", "10 80 p"),
    ("GPT-4 and Qwen2.5-7B", "GPT 4 and Qwen2.5 7B"),
    ("Qwen3-30B-A3B", "Qwen3 30B A3B"),
    ("Q4_K_M", "Q4 K M"),
]

WORDS = [
    ("Use fruit, e.g. pears", "Use fruit, for example pears"),
    ("E.g. this, i.e. that", "For example this, that is that"),
    ("pears, etc.", "pears, et cetera."),
    ("pears, etc. and plums", "pears, et cetera and plums"),
    ("Foo Inc. and Bar Ltd.", "Foo Incorporated and Bar Limited."),
    ("Smith et al. The end", "Smith and others. The end"),
    ("cats vs. dogs vs birds", "cats versus dogs versus birds"),
    ("approx. 5", "approximately 5"),
    ("Dr. Smith and Mrs. Jones", "Doctor Smith and Missus Jones"),
    ("St. John on Main St", "Saint John on Main St"),
    ("No. 5 and Fig. 3 on p. 7", "Number 5 and Figure 3 on page 7"),
    ("No. I do not", "No. I do not"),
    ("on Nov. 5", "on November 5"),
    ("the U.S. border", "the U.S. border"),
    ("5 p.m. today", "5 pm today"),
    ("#5", "number 5"),
    ("#hashtag", "hashtag"),
    ("C++ or C# or F#", "C plus plus or C sharp or F sharp"),
    ("a -> b → c", "a to b to c"),
    ("x ≥ 5, y <= 3, z != 4", "x at least 5, y at most 3, z is not equal to 4"),
    ("<5 ms", "less than 5 milliseconds"),
    ("a > b", "a more than b"),
    ("Fish & Chips™", "Fish and Chips"),
    ("and/or, TCP/IP", "and or, TCP IP"),
    ("/usr/bin and file.py", "/usr/bin and file.py"),
    ("add --no-cache or -v", "add no-cache or v"),
    ("w/ milk, w/o sugar", "with milk, without sugar"),
    ("x^2 and n²", "x squared and n squared"),
    ("don’t — well, naïve…", "don’t — well, naïve…"),
    ("?!", ""),
    ("", ""),
    ("  \n ", ""),
]


@pytest.mark.parametrize(("raw", "said"), MARKDOWN + NUMBERS + WORDS)
def test_it_is_read_as_a_person_would(raw: str, said: str) -> None:
    assert speakable(raw) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("**Hallo** [Welt](http://x.de), z. B. 5 GB 😀", "Hallo Welt, z. B. 5 GB"),
        ("https://www.beispiel.de/a", "beispiel.de"),
        ("```\nx\n```", CODE_HINTS["de"]),
        ("5 & 6 → 7 %", "5 & 6 → 7 %"),
    ],
)
def test_other_languages_lose_only_marks(raw: str, said: str) -> None:
    assert speakable(raw, "de_DE") == said


def test_a_language_without_hints_passes_over_code() -> None:
    assert speakable("```\nx\n```", "fi") == ""


SCRAPS = """**§*§_§`§```§~~§# §#§|§| a |§- §1. §> §[§]§](§)§![
§<b>§</b>§<§>§&amp;§&lt;§&§$§$x^2$§\\(§\\)
§\\frac{§}§^§_x§https://a.b/c_d§a@b.cc§😀§🇩🇪§❤️
§5§ GB§1/2§3-5§10:30§$5§2026-01-02§1999§#5§C#§~5§->
§e.g. §Dr. §,§.§ §word§é§中文§[^1]§:tada:§½§v1.2§x2§°C§\n§---§''' """
messy = st.lists(st.sampled_from(SCRAPS.split("§")) | st.text(max_size=5), max_size=40).map("".join)
FORBIDDEN = re.compile("[*`_~|<>#\\\\{}^\n\t\U0001f000-\U0001faff\u2600-\u27bf\ue000-\ue010\ufe0f]")


@given(raw=messy, language=st.sampled_from(["en", "de", "xx"]))
@settings(max_examples=400, deadline=None)
def test_whatever_comes_no_mark_is_ever_spoken(raw: str, language: str) -> None:
    said = speakable(raw, language)
    assert FORBIDDEN.findall(said) == []
    assert said == said.strip()
    assert not said or any(map(str.isalnum, said))


FILLERS = """word §[§`§*§1§1,§5-§http://§a@b.§<a§&§$x§\\(§1/§😀§^{§A-§in 1§2 x §,,§- a
§x
§||a
§_a§![§|§
§https://a.b/§("""


@pytest.mark.parametrize("filler", FILLERS.split("§"))
def test_a_huge_piece_takes_time_in_proportion(filler: str) -> None:
    def say(chars: int) -> None:
        text = (filler * chars)[:chars]
        assert len(speakable(text)) <= 8 * len(text)

    assert_in_proportion(say)
