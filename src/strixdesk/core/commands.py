"""What is said to the program itself: “start the coder”, “shut down the stack”, “yes”, “stop”.

Only a whole utterance is a command. A question that merely contains such words is a question, and
so is a command for somebody who is not known. What is called the same on several boxes is unclear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from strixdesk.core.addressing import by_name
from strixdesk.core.box import Box, Deed
from strixdesk.core.on_demand import box_of
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
    """What is to be done on one box."""

    deed: Deed
    box: Box
    services: tuple[str, ...] = ()
    """As compose calls them. Without services, tiers and mode: the whole stack."""
    mode: str | None = None
    tiers: tuple[str, ...] = ()
    """Names of tiers that are no compose services."""
    words: str = ""
    """What is meant, to be read back: `the coder and the reviewer`."""

    @property
    def by_compose(self) -> bool:
        """It does some of this, or all."""
        return bool(self.services) or not self.tiers


@dataclass(frozen=True, slots=True)
class Unclear:
    called: str
    boxes: tuple[Box, ...]
    """Those that have one of that name."""


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


def command(
    text: str, tiers: Sequence[Tier], stacks: Mapping[Box, Stack | None]
) -> tuple[Command, ...] | Unclear:
    """What is to be done, box by box; nothing: it is no command. `stacks`: None is not read yet."""
    known = _Known(tiers, stacks)
    said, box = known.place(_plain(text))
    for deed, what in _readings(said):
        if found := known.meant(deed, what, box):
            return found
    return ()


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


def _without_article(what: str) -> str:
    return re.sub(r"^(?:the|my|our)\s+", "", what.strip())


@dataclass(frozen=True, slots=True)
class _Target:
    box: Box
    name: str
    """Of a compose service, or of a tier that is none."""
    title: str
    """What the user calls it."""
    is_service: bool = True


class _Known:
    """Everything that can be started and stopped, and where."""

    def __init__(self, tiers: Sequence[Tier], stacks: Mapping[Box, Stack | None]) -> None:
        self._stacks = stacks
        homes = ((tier, _home(tier, tuple(stacks))) for tier in tiers)
        self._homes = {tier: box for tier, box in homes if box}
        self._boxes = tuple(dict.fromkeys((*stacks, *self._homes.values())))

    def place(self, said: str) -> tuple[str, Box | None]:
        """`the coder on strix` → `the coder`, and where."""
        for box in self._boxes:
            if said.endswith(end := f" on {box.name.casefold()}"):
                return said.removesuffix(end), box
        return said, None

    def meant(self, deed: Deed, what: str, box: Box | None) -> tuple[Command, ...] | Unclear:
        """`box`: named behind it all."""
        bare = _without_article(what)
        stacks = {one: stack for one, stack in self._stacks.items() if box in {one, None}}
        if bare in _ALL:
            whole = [Command(deed, one, words="the whole stack") for one in stacks]
            return tuple(whole) if len(whole) < 2 else Unclear("stack", tuple(stacks))
        modes = [
            Command(deed, one, mode=mode.name, words=f"the {mode.name} mode")
            for one, stack in stacks.items()
            for mode in (stack.modes if stack else ())
            if bare.removesuffix(" mode").replace(" ", "-")
            == mode.name.casefold().replace("_", "-")
        ]
        if modes and (bare.endswith(" mode") or not self._find(bare, box)):
            there = tuple(one.box for one in modes)
            return tuple(modes) if len(modes) == 1 else Unclear(f"{modes[0].mode} mode", there)
        return self._each(deed, what, box)

    def _each(self, deed: Deed, what: str, box: Box | None) -> tuple[Command, ...] | Unclear:
        """A box that is named counts for all before it, back to the one that names another."""
        targets: list[_Target] = []
        unclear: Unclear | None = None
        for one in reversed([one for one in _AND.split(what) if one]):
            called, own = self.place(one)
            box = own or box
            found = self._find(_without_article(called), box)
            if found is None:
                return ()
            if isinstance(found, Unclear):
                unclear = found
            else:
                targets.insert(0, found)
        return unclear or tuple(
            _of_box(deed, box, [one for one in targets if one.box == box])
            for box in dict.fromkeys(one.box for one in targets)
        )

    def _find(self, called: str, box: Box | None) -> _Target | Unclear | None:
        ours = [tier for tier, home in self._homes.items() if box in {home, None}]
        for name in dict.fromkeys((called, _KIND.sub("", called))):
            if tier := by_name(name, ours):
                return self._target(tier)
            there = [one for one in self._boxes if box in {one, None}]
            found = [target for one in there for target in self._called(name, one)]
            if len(found) == 1:
                return found[0]
            boxes = tuple(dict.fromkeys(target.box for target in found))
            if len(boxes) > 1:
                return Unclear(name, boxes)
        return None

    def _called(self, name: str, box: Box) -> list[_Target]:
        """All on that box."""
        if tier := by_name(name, [one for one, home in self._homes.items() if home == box]):
            return [self._target(tier)]
        stack = self._stacks.get(box)
        return [
            _Target(box, one.name, one.role or one.name)
            for one in (stack.services if stack else ())
            if _is_called(one, name)
        ]

    def _target(self, tier: Tier) -> _Target:
        control = tier.control
        if control and control.kind is ControlKind.COMPOSE:
            return _Target(self._homes[tier], control.unit, tier.title)
        return _Target(self._homes[tier], tier.name, tier.title, is_service=False)


def _home(tier: Tier, boxes: tuple[Box, ...]) -> Box | None:
    """Where it is started and stopped."""
    control = tier.control
    if control and control.kind is ControlKind.COMPOSE and not control.box and len(boxes) == 1:
        return boxes[0]
    return box_of(tier, boxes)


def _of_box(deed: Deed, box: Box, targets: Sequence[_Target]) -> Command:
    return Command(
        deed,
        box,
        tuple(dict.fromkeys(one.name for one in targets if one.is_service)),
        tiers=tuple(dict.fromkeys(one.name for one in targets if not one.is_service)),
        words=listed([f"the {title}" for title in dict.fromkeys(one.title for one in targets)]),
    )


def _is_called(service: Service, name: str) -> bool:
    spelt = re.sub(r"[\s_-]+", " ", name)
    return any(spelt == re.sub(r"[\s_-]+", " ", one.casefold()) for one in _names(service))


def _names(service: Service) -> tuple[str, ...]:
    return tuple(name for name in (service.name, service.role) if name)


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
