"""What is said to the program itself: “start the coder”, “shut down the stack”, “yes”, “stop”.

Only a whole utterance is a command. A question that merely contains such words is a question, and
so is a command for somebody who is not known, or whose name several share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from strixdesk.core.addressing import by_name
from strixdesk.core.box import Deed
from strixdesk.core.stack import Service, Stack
from strixdesk.core.tier import ControlKind, Tier


class Reply(Enum):
    """What can be said to a question of the program, or to something that it does."""

    YES = "yes"
    NO = "no"
    STOP = "stop"
    ANYWAY = "start anyway"
    """The deliberate act: although the memory does not suffice."""


@dataclass(frozen=True, slots=True)
class Command:
    deed: Deed
    box: str
    services: tuple[str, ...] = ()
    """As compose calls them. Without services and mode: the whole stack."""
    mode: str | None = None
    tiers: tuple[str, ...] = ()
    """Names of tiers that are no compose services; then there are no services, and `box` is empty
    where they run on this machine."""
    words: str = ""
    """What is meant, to be read back: `the coder and the reviewer`."""


_POLITE_START = re.compile(
    r"(?:hey|ok|okay|now|so|well|please|kindly|computer|strixdesk"
    r"|(?:could|can|would|will) you|i want you to|i'd like you to)\s+"
)
_POLITE_END = re.compile(r"\s+(?:please|now|for me|thanks|thank you|right now|then)$")
_REPLIES: Mapping[str, Reply] = {
    **dict.fromkeys(
        ("yes", "yeah", "yep", "yes do it", "do it", "go ahead", "yes go ahead", "sure", "confirm"),
        Reply.YES,
    ),
    **dict.fromkeys(("no", "nope", "don't", "do not", "no don't", "never mind"), Reply.NO),
    **dict.fromkeys(
        ("stop", "cancel", "abort", "stop it", "cancel it", "cancel that", "stop that"),
        Reply.STOP,
    ),
    **dict.fromkeys(("start anyway", "start it anyway", "do it anyway"), Reply.ANYWAY),
}
_VERBS: Mapping[str, Deed] = {
    **dict.fromkeys(("start", "start up", "launch", "bring up", "turn on", "load"), Deed.START),
    **dict.fromkeys(("switch to", "go to", "switch on"), Deed.START),
    **dict.fromkeys(("stop", "shut down", "turn off", "unload", "bring down"), Deed.STOP),
    **dict.fromkeys(("switch off", "take down"), Deed.STOP),
    **dict.fromkeys(("restart", "reboot"), Deed.RESTART),
    "pull": Deed.PULL,
}
_PARTICLES = ("up", "down", "on", "off")
_ALL = frozenset(
    {"everything", "all", "all tiers", "all of them", "stack", "whole stack", "all the tiers"}
)
_AND = re.compile(r"\s*(?:,\s*and\b|,|\band\b)\s*")
_KIND = re.compile(r"\s+(?:tier|model|server|service|mode)$")


def reply(text: str) -> Reply | None:
    plain = _plain(text)
    return _REPLIES.get(plain) or _REPLIES.get(plain.replace(",", ""))


def command(text: str, tiers: Sequence[Tier], stacks: Mapping[str, Stack | None]) -> Command | None:
    """`stacks`: by the name of their box; None: not read yet."""
    said = _plain(text)
    boxes = list(stacks)
    for box in boxes:
        if said.endswith(f" on {box.casefold()}"):
            said, boxes = said.removesuffix(f" on {box.casefold()}"), [box]
            tiers = [tier for tier in tiers if tier.control and tier.control.box in {box, ""}]
            break
    for deed, what in _readings(said):
        if found := _meant(deed, what, tiers, {box: stacks[box] for box in boxes}):
            return found
    return None


def _plain(text: str) -> str:
    """In lower case, without politeness and punctuation at its ends."""
    plain = " ".join(text.casefold().replace("’", "'").split()).strip(" .!?…,")
    plain = re.sub(r"^((?:hey|ok|okay|please)),", r"\1", plain)
    while shorter := _POLITE_START.match(plain):
        plain = plain[shorter.end() :].lstrip(" ,")
    while _POLITE_END.search(plain):
        plain = _POLITE_END.sub("", plain).rstrip(" ,")
    return plain


def _readings(said: str) -> list[tuple[Deed, str]]:
    """Each way to split it into what is to be done and to whom, the longest verb first."""
    verbs = sorted(_VERBS, key=len, reverse=True)
    found = [(_VERBS[verb], said[len(verb) + 1 :]) for verb in verbs if said.startswith(f"{verb} ")]
    first, _, rest = said.partition(" ")
    what, _, particle = rest.rpartition(" ")
    if particle in _PARTICLES and (deed := _VERBS.get(f"{first} {particle}")):
        found.append((deed, what))
    if said.endswith(" mode"):
        found.append((Deed.START, said))
    return found


def _meant(
    deed: Deed, what: str, tiers: Sequence[Tier], stacks: Mapping[str, Stack | None]
) -> Command | None:
    bare = _without_article(what)
    if bare in _ALL:
        if len(stacks) != 1:
            return None
        return Command(deed, next(iter(stacks)), words="the whole stack")
    modes = [
        (box, mode.name)
        for box, stack in stacks.items()
        for mode in (stack.modes if stack else ())
        if bare.removesuffix(" mode").replace(" ", "-") == mode.name.casefold().replace("_", "-")
    ]
    if len(modes) == 1 and (bare.endswith(" mode") or not _service(bare, tiers, stacks)):
        box, mode = modes[0]
        return Command(deed, box, mode=mode, words=f"the {mode} mode")
    found = [_service(_without_article(one), tiers, stacks) for one in _AND.split(what) if one]
    known = [one for one in found if one is not None]
    if not known or len(known) != len(found):
        return None
    if len({(one.box, one.is_service) for one in known}) != 1:
        return None
    names = tuple(dict.fromkeys(one.name for one in known))
    words = listed([f"the {title}" for title in dict.fromkeys(one.title for one in known)])
    if known[0].is_service:
        return Command(deed, known[0].box, names, words=words)
    return Command(deed, known[0].box, tiers=names, words=words)


def _without_article(what: str) -> str:
    return re.sub(r"^(?:the|my|our)\s+", "", what.strip())


@dataclass(frozen=True, slots=True)
class _Target:
    box: str
    name: str
    """Of a compose service, or of a tier that is none."""
    title: str
    """What the user calls it."""
    is_service: bool = True


def _service(
    called: str, tiers: Sequence[Tier], stacks: Mapping[str, Stack | None]
) -> _Target | None:
    ours = [tier for tier in tiers if tier.control]
    for name in dict.fromkeys((called, _KIND.sub("", called))):
        tier = by_name(name, ours)
        if tier and tier.control:
            box = tier.control.box
            if tier.control.kind is not ControlKind.COMPOSE:
                if box in stacks or not box:
                    return _Target(box, tier.name, tier.title, is_service=False)
                continue
            box = box or (next(iter(stacks)) if len(stacks) == 1 else "")
            if box in stacks:
                return _Target(box, tier.control.unit, tier.title)
        found = [
            _Target(box, one.name, one.role or one.name)
            for box, stack in stacks.items()
            for one in (stack.services if stack else ())
            if _is_called(one, name)
        ]
        if len(found) == 1:
            return found[0]
    return None


def _is_called(service: Service, name: str) -> bool:
    spelt = re.sub(r"[\s_-]+", " ", name)
    return any(spelt == re.sub(r"[\s_-]+", " ", one.casefold()) for one in _names(service))


def _names(service: Service) -> tuple[str, ...]:
    return tuple(name for name in (service.name, service.role) if name)


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
