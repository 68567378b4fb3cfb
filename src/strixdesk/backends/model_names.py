"""What a model's name gives away, for servers that do not tell what their model can do."""

from __future__ import annotations

import re

from strixdesk.core.tier import Capability

_HINTS: tuple[tuple[Capability, re.Pattern[str]], ...] = (
    (
        Capability.VISION,
        re.compile(
            r"[-_.\d]vl\b|\bvl[-_]|vision|llava|pixtral|minicpm-?v|internvl|moondream|idefics|"
            r"molmo|gemma-?3-?(?:4|12|27)b|gemma-?3n|omni|qvq|smolvlm|paligemma|aya-vision"
        ),
    ),
    (
        Capability.CODE,
        re.compile(r"cod(?:er?|ing|estral)\b|codestral|devstral|starcoder|codellama|codegemma"),
    ),
    (
        Capability.THINKING,
        re.compile(r"\br1\b|[-_]r1[-_]|qwq|qvq|gpt-oss|thinking|reason|magistral"),
    ),
)


def guessed_capabilities(model: str | None) -> frozenset[Capability]:
    """A guess, to be used only where the server itself is silent."""
    name = (model or "").casefold()
    return frozenset(capability for capability, hint in _HINTS if hint.search(name))
