"""What a turn needs of the outside worlds: `voice` and `backends` provide it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from strixdesk.core.box import Box, BoxStatus, Deed, Operation
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.hearing import ListenerEvent, Transcript
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Stack
from strixdesk.core.tier import Tier, TierStatus

if TYPE_CHECKING:  # the window is loaded before numpy is
    from strixdesk.core.audio import AudioFrame, Samples, Utterance

# ---- speech to text ----------------------------------------------------------------------------


class Recognition(Protocol):
    """One utterance on its way into text; decoding goes on while it is still fed."""

    def feed(self, samples: Samples) -> None:
        """More of the utterance: 16 kHz mono. Never blocks."""

    def pause(self) -> None:
        """The speaker seems to have paused: a good moment to decode ahead."""

    async def finish(self) -> Transcript:
        """The utterance is over. Raises RecogniserError or WorkerError; then it may be retried
        with `Recogniser.transcribe` from the kept recording."""

    def cancel(self) -> None:
        """Drop it."""


class Recogniser(Protocol):
    async def ensure_ready(self) -> None:
        """Start and warm the worker if it is not. Raises ModelError or WorkerError."""

    def begin(
        self, utterance_id: str, on_partial: Callable[[str], None] | None = None
    ) -> Recognition: ...

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """A whole recording at once, of any length; restarts a crashed worker and retries once."""

    async def close(self) -> None: ...


# ---- text to speech ----------------------------------------------------------------------------


class Voice(Protocol):
    async def ensure_ready(self) -> None: ...

    def speak(self, text: str, turn_id: str) -> AsyncGenerator[AudioFrame, None]:
        """Sound for a piece of text, in frames at the voice's own rate. Closing the generator
        stops the synthesis. Raises VoiceError or WorkerError."""

    async def close(self) -> None: ...


class AudioSink(Protocol):
    """A speaker, or a file in its place."""

    async def open(self) -> None:
        """Idempotent. Raises AudioOutputError."""

    async def write(self, frame: AudioFrame) -> None:
        """Queue sound; waits while the queue is full. Raises AudioOutputError."""

    def flush(self) -> None:
        """Silence at once; what was queued is dropped."""

    async def drain(self) -> None:
        """Until everything queued was heard (or flushed)."""

    def played_s(self, turn_id: str) -> float:
        """Seconds of that turn's sound that were really played so far."""

    async def close(self) -> None: ...


# ---- microphone --------------------------------------------------------------------------------


class Listener(Protocol):
    """The microphone, cut into utterances. Events arrive on the event loop, in order."""

    def subscribe(self, on_event: Callable[[ListenerEvent], None]) -> None:
        """One subscriber; called before anything else is."""

    async def press(self) -> None:
        """Key down: record from now, pre-roll included. Raises AudioInputError."""

    def release(self) -> None:
        """Key up: SpeechEnded follows after a short tail. Harmless when nothing is recorded."""

    def discard(self) -> None:
        """Drop the current utterance: no SpeechEnded follows."""

    async def listen(self, on: bool) -> None:
        """Hands-free on or off. Raises AudioInputError."""

    def pause(self, paused: bool) -> None:
        """Half duplex: while paused, hands-free starts no utterance; `press` still records."""

    async def close(self) -> None: ...


# ---- chat --------------------------------------------------------------------------------------


class Chat(Protocol):
    def admission(self, tier: Tier, *, insists: bool = False) -> AbstractContextManager[None]:
        """Around everything that is asked of a tier for one question, its health included; what
        is raised inside is counted. Raises TierResting at once, without a connection, for a tier
        that kept failing and is left alone. `insists`: the user wants this tier and no other."""

    def busy(self, tier: Tier) -> bool:
        """It writes as many answers as it can: `stream` would wait for its turn."""

    def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = False,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        """Ask a tier. The last item of a good stream is a ChatEnd; anything else raises a
        TierError: TierUnreachable, TierLoading, TierRefused, TierTimeout, or StreamBroken; or
        BudgetReached, before anything was sent. `fresh`: an answer that was kept will not do.

        A last message by the assistant is the beginning of the answer, which the server
        continues: only for servers that can (`TierStatus.server`)."""

    async def close(self) -> None: ...


class Tokenizer(Protocol):
    """The tokenizers of the servers that have one to ask."""

    def knows(self, status: TierStatus) -> bool:
        """A tier of that status can be asked."""

    async def count(self, tier: Tier, status: TierStatus, text: str) -> int | None:
        """Tokens of the text alone; None: it did not say. Never raises for a server at fault."""

    async def close(self) -> None: ...


class Tiers(Protocol):
    """Every tier there is, and what is known of each."""

    def all(self) -> tuple[Tier, ...]: ...

    def statuses(self) -> dict[str, TierStatus]:
        """By tier name; a tier that was never asked is UNKNOWN."""

    def subscribe(self, on_change: Callable[[Tier, TierStatus], None]) -> None: ...

    def subscribe_list(self, on_change: Callable[[], None]) -> None:
        """Tiers came or went by themselves."""

    def set_watched(self, watched: bool) -> None:
        """Somebody looks at the list (frequent looks), or nobody does (rare ones)."""

    def set_asleep(self, asleep: bool) -> None:
        """The computer's lid is closed: no looks at all until it opens."""

    async def start(self, *, starter: bool = False) -> None:
        """Watch them from now on. `starter`: have the program's own one ready early."""

    async def ensure_ready(self, tier: Tier) -> TierStatus:
        """Ask it now, and start it if it is the program's own. Raises TierError."""

    def add(self, tier: Tier) -> None:
        """A server that was found. Raises ValueError when its name is taken."""

    def remove_box(self, box: str) -> None:
        """All that run on that box."""

    def return_box(self, box: str) -> None:
        """Those that its stack told are back, if it was removed before."""

    def decorate(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        """What the user calls them and which of them stand first, by name; the list is told."""

    def doubt(self, tier: Tier) -> None:
        """An answer of it failed: look at it again soon."""

    async def discover(self) -> list[Tier]:
        """Servers that run on this computer and are not in the list yet."""

    async def refresh(self) -> None:
        """Ask all of them once, together."""

    async def close(self) -> None: ...


# ---- boxes -------------------------------------------------------------------------------------


class Boxes(Protocol):
    """The machines that run the stacks. One task per box looks, acts and writes its status."""

    def all(self) -> tuple[Box, ...]: ...

    def add(self, box: Box) -> None:
        """One that was found, or found anew under a name that is known: watched from now on."""

    def remove(self, name: str) -> None:
        """Neither watched nor listed any more; what runs there runs on."""

    def status_of(self, box: Box) -> BoxStatus: ...

    def stack_of(self, box: Box) -> Stack | None:
        """None: not read yet."""

    def subscribe(self, on_event: Callable[[BoxChanged | BoxesChanged], None]) -> None: ...

    async def start(self) -> None:
        """Look from now on."""

    def set_watched(self, watched: bool) -> None:
        """Somebody looks at the tiers (frequent looks), or nobody does (rare ones)."""

    def set_asleep(self, asleep: bool) -> None:
        """The computer's lid is closed: no looks at all until it opens."""

    async def refresh(self, box: Box) -> BoxStatus:
        """A look from now on, the stack's files included. Never raises for a broken hop: it is in
        the status."""

    def expected_start_s(self, box: Box, service: str) -> float | None:
        """How long its starts took before; None: never seen."""

    def forecast(self, box: Box, services: Sequence[str]) -> Forecast | None:
        """What starting these would do to its memory; None: nothing is known of it yet."""

    async def do(
        self,
        box: Box,
        deed: Deed,
        services: Sequence[str] = (),
        *,
        mode: str | None = None,
        override: bool = False,
    ) -> Operation:
        """Do it, and return when it is over (BoxChanged tells of its progress). Without services
        and mode: the whole stack. `override`: even if the memory does not suffice. Raises
        NotEnoughMemory, BoxBusy or BoxUnreachable before anything was done; what fails later is a
        FAILED operation. Cancelling the call cancels the operation."""

    def cancel(self, box: Box) -> None:
        """End the running operation at the next safe point; what is up stays up."""

    def log_lines(self, box: Box, service: str, tail: int = 200) -> AsyncGenerator[str, None]:
        """Its log: the last lines, then what comes. Use `contextlib.aclosing`."""

    async def wake(self, box: Box) -> None:
        """Send Wake-on-LAN packets. Raises BoxError without an Ethernet address."""

    async def close(self) -> None: ...


class Controls(Protocol):
    """Starts and stops tiers that are no compose services."""

    async def do(self, tier: Tier, deed: Deed) -> None:
        """Returns when it is done. Raises BoxError."""

    async def close(self) -> None: ...
