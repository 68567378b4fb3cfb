"""What a window may ask of the session. The window sends requests and renders events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from strixdesk.core.box import Deed
from strixdesk.core.conversation import Conversation, ConversationSummary, Image
from strixdesk.core.events import Event
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.usage import UsageReport
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.ports import Boxes
from strixdesk.settings import BoxSettings


class Assistant(Protocol):
    """Every method is called on the event loop's thread. Requests return at once; what comes of
    them arrives as events."""

    def subscribe(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        """Returns the call that ends the subscription."""

    # -- conversations --
    async def conversations(self) -> tuple[ConversationSummary, ...]:
        """Newest first."""

    async def find(self, words: str) -> frozenset[str]:
        """Ids of the conversations in which all the words were said; the last may be unfinished."""

    async def open_conversation(self, conversation_id: str) -> Conversation:
        """Makes it the current one: turns go there."""

    def new_conversation(self, conversation_id: str = "") -> str:
        """Makes a fresh one current; it is stored with its first message. Returns its id."""

    async def rename_conversation(self, conversation_id: str, title: str) -> None: ...

    async def remove_conversation(self, conversation_id: str) -> None:
        """Hidden at once; `restore_conversation` brings it back until the program ends."""

    async def restore_conversation(self, conversation_id: str) -> None: ...

    # -- turns --
    def ask(self, text: str, images: Sequence[Image] = (), tier: str | None = None) -> None:
        """A typed question to the current conversation. A live turn is interrupted first."""

    def stop(self) -> None:
        """Silence speech at once, end generation, drop a recording that is under way."""

    def answer_again(
        self, message_id: str, *, tier: str | None = None, without_pictures: bool = False
    ) -> None:
        """Ask the question before this answer once more: of another tier, or without its pictures,
        where the user wants that."""

    def continue_answer(self, message_id: str) -> None:
        """Let an answer that is not whole go on from its exact text."""

    def transcribe_again(self, message_id: str) -> None:
        """Recognise a kept recording once more and answer it."""

    # -- voice --
    def press_talk(self, tier: str | None = None) -> None:
        """Key down. Cuts in: a live answer is interrupted."""

    def release_talk(self) -> None: ...

    def set_hands_free(self, on: bool) -> None: ...

    def set_speech(self, on: bool) -> None: ...

    # -- pictures --
    async def attach(self, source: Path | bytes, name: str = "") -> Image:
        """Keep a picture for the next question. Raises AttachmentError."""

    def attachment_path(self, image: Image) -> Path: ...

    # -- tiers --
    def tiers(self) -> tuple[tuple[Tier, TierStatus], ...]: ...

    def refresh_tiers(self) -> None: ...

    def adopt_tier(self, tier: Tier) -> None:
        """Ask a server that was found from now on."""

    def decorate_tiers(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        """What the user calls them and which of them stand first, by name, from now on."""

    def switch_to_cloud(self, role: str, on: bool) -> None:
        """Its questions go to a cloud tier while it is on. It is told with Noticed or Failed."""

    async def usage(self, month: str | None = None) -> UsageReport:
        """What the answers of a month (`YYYY-MM`; None: this one) took. Raises StoreError."""

    def set_tier(self, name: str | None) -> None:
        """Whom the next turns ask; None: routed."""

    # -- boxes --
    def boxes(self) -> Boxes | None:
        """None until there are any; BoxesChanged announces them."""

    def box_tools(self) -> BoxTools | None:
        """None until the engines are up."""

    def save_box(self, box: BoxSettings, tiers: Sequence[Tier]) -> None:
        """A box that was just written to the settings, and the tiers on it. One of a name that is
        known takes its place."""

    def remove_box(self, name: str) -> None:
        """A box that was just taken out of the settings, with its tiers."""

    def control_tier(self, name: str, deed: Deed) -> None:
        """Start, stop or restart it, whatever it is controlled with. How it goes is in its status;
        what goes wrong is told with Failed."""

    def set_watched(self, watched: bool) -> None:
        """Somebody can see the tiers: they are looked at often, else rarely."""

    def set_asleep(self, asleep: bool) -> None:
        """The computer goes to sleep, or woke up: meanwhile nothing is looked at."""

    def confirm(self, question: str, yes: bool) -> None:
        """The answer to a ConfirmationAsked, by its id."""

    def drop_waiting(self, message_id: str) -> None:
        """The question that waits at this message is not answered any more."""
