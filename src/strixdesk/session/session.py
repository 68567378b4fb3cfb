"""The assistant without a window: requests come in, events go out, one turn is live at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from strixdesk.core.audio import Utterance
from strixdesk.core.conversation import (
    Image,
    Message,
    MessageStatus,
    Role,
    Text,
)
from strixdesk.core.errors import StrixError
from strixdesk.core.events import (
    BoxesChanged,
    ConversationChanged,
    ConversationRemoved,
    Failed,
    HandsFreeSwitched,
    LevelChanged,
    MicrophoneChanged,
    MicrophoneState,
    PartialTranscript,
    SpeechSwitched,
    TurnChanged,
)
from strixdesk.core.hearing import MicrophoneMoved
from strixdesk.core.ids import new_id
from strixdesk.core.turn import Turn, TurnSource, TurnState
from strixdesk.session.asked import Question
from strixdesk.session.box_desk import BoxDesk
from strixdesk.session.hearing import Heard, Hearing
from strixdesk.session.leftovers import recover_recordings
from strixdesk.session.live_turn import Asking, LiveTurn
from strixdesk.session.log import ConversationLog
from strixdesk.session.services import Services
from strixdesk.session.spoken import FromFile, FromMessage, FromMicrophone
from strixdesk.session.summary import Summariser
from strixdesk.session.turn_runner import TurnRunner
from strixdesk.session.typed import Typed
from strixdesk.session.waiting import ASKED_AGAIN

log = logging.getLogger(__name__)


class Session(BoxDesk):
    """Implements `Assistant`. Every method is called on the event loop's thread."""

    def __init__(self, services: Services, *, speech_on: bool) -> None:
        super().__init__(services, speech_on=speech_on)
        self._hands_free = False
        self._ended: asyncio.Future[bool] | None = None
        """Set when the utterance under way is over: whether it holds speech."""
        self._hearing = Hearing(
            services.recogniser,
            services.recordings,
            on_started=self._utterance_started,
            on_ended=self._utterance_ended,
            on_partial=self._partial,
            on_level=lambda heard: self._emit(LevelChanged(heard.level_db, heard.speech)),
            on_microphone=self._microphone_moved,
        )
        self._summariser = Summariser(services, self._emit, self._spawn)
        self._press_tier: str | None = None
        self._key_up = asyncio.Event()
        self._key_up.set()
        services.listener.subscribe(self._hearing.take)

    # -- beginning and end ---------------------------------------------------------------------

    async def start(self) -> None:
        """Bring back what a crash left behind, then warm the engines in the background."""
        self._tell_tiers()
        if problem := self._services.store.problem:
            self._emit(Failed(problem.message, problem.advice))
        for summary in await recover_recordings(self._services.store, self._services.recordings):
            self._emit(ConversationChanged(summary))
        await self._services.tiers.start(starter=True)
        if boxes := self._services.boxes:
            self._emit(BoxesChanged(boxes.all()))
            await boxes.start()
        if self._waiting:
            self._spawn(self._waiting.take_up())
        self._spawn(self._discover())
        self.warm()

    def warm(self) -> None:
        """Load the speech engines now, so that the first turn need not wait for them."""
        self._spawn(self._warm(self._services.recogniser.ensure_ready, "Speech recognition"))
        if self._speech_on:
            self._spawn(self._warm(self._services.voice.ensure_ready, "The voice"))

    async def _warm(self, ensure_ready: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await ensure_ready()
        except StrixError as error:
            self._emit(Failed(f"{what} is not available. {error.message}", error.advice))

    async def close(self) -> None:
        """Interrupt what is live, then shut everything down in order."""
        self._services.sink.flush()
        await self._interrupted()
        await self._end_background()
        services = self._services
        for part in (
            services.listener,
            services.sink,
            services.recogniser,
            services.voice,
            services.chat,
            services.tokens,
            *((services.boxes,) if services.boxes else ()),
            *((services.controls,) if services.controls else ()),
            services.tiers,
            services.recordings,
            services.store,
        ):
            try:
                await part.close()
            except Exception:  # whatever it is, the others are closed all the same
                log.exception("closing %s", type(part).__name__)

    # -- conversations -------------------------------------------------------------------------

    async def remove_conversation(self, conversation_id: str) -> None:
        if self._live and self._live.runner.conversation.id == conversation_id:
            self.stop()
            await self._interrupted()
        await self._services.store.remove(conversation_id)
        if self._log.id == conversation_id:
            self._log = self._fresh_log()
        self._emit(ConversationRemoved(conversation_id))

    # -- turns ---------------------------------------------------------------------------------

    def ask(self, text: str, images: Sequence[Image] = (), tier: str | None = None) -> None:
        self.begin_typed(text, images, tier)

    def begin_typed(
        self, text: str, images: Sequence[Image] = (), tier: str | None = None
    ) -> TurnRunner:
        """`ask`, for callers that follow the turn: await `finished(runner)`."""
        self._drop_utterance()
        runner = self._runner(TurnSource.TYPED, TurnState.THINKING)
        question = Question(text, tuple(images), tier or self._tier)

        message = Message(
            id=new_id(),
            role=Role.USER,
            parts=(*question.images, Text(text)),
            status=MessageStatus.COMPLETE,
            created_at=time.time(),
        )
        self._launch(runner, Typed(runner, question, message))
        return runner

    def begin_recorded(
        self, utterance: Utterance, images: Sequence[Image] = (), tier: str | None = None
    ) -> TurnRunner:
        """A recording in place of the microphone."""
        self._drop_utterance()
        runner = self._runner(TurnSource.FILE, TurnState.TRANSCRIBING)
        tier = tier or self._tier
        self._launch(runner, FromFile(runner, self._services, utterance, tier=tier, images=images))
        return runner

    async def finished(self, runner: TurnRunner) -> None:
        """Until that turn is over, however it ends."""
        if self._live and runner is self._live.runner:
            await self._live.over.wait()

    def stop(self) -> None:
        # Speech is silenced here and now; the rest takes the turn's task a moment.
        self._services.sink.flush()
        self._announcer.hush()
        if self._box_control:
            self._box_control.stop()
        self._drop_utterance()
        if self._live:
            self._live.stop(dismissed=True)

    def answer_again(
        self, message_id: str, *, tier: str | None = None, without_pictures: bool = False
    ) -> None:
        if question := self._question_of(message_id, tier):
            # It is asked now, and answered once.
            self._spawn(self._drop_waiting(message_id, ASKED_AGAIN))
            self._begin(replace(question, without_pictures=without_pictures))

    def continue_answer(self, message_id: str) -> None:
        self.begin_continuing(message_id)

    def begin_continuing(self, message_id: str) -> TurnRunner | None:
        """`continue_answer`, for callers that follow the turn."""
        answer = self._log.message(message_id)
        if answer is None or answer.role is not Role.ASSISTANT or not answer.text.strip():
            self._emit(Failed("There is no answer here that could go on."))
            return None
        if answer.status is not MessageStatus.INCOMPLETE:
            self._emit(Failed("This answer is not cut off: there is nothing to continue."))
            return None
        question = self._question_of(message_id, None)
        return self._begin(replace(question, continues=answer)) if question else None

    def _question_of(self, message_id: str, tier: str | None) -> Question | None:
        """What that answer is the answer to."""
        earlier = self._log.before(message_id)
        asked = next((m for m in reversed(earlier) if m.role is Role.USER), None)
        if asked is None or not (asked.text or asked.images):
            self._emit(Failed("There is no question before this answer to ask again."))
            return None
        return Question(
            asked.text,
            asked.images,
            tier or self._tier,
            spoken=asked.spoken,
            history_before=message_id,
        )

    async def _ask_in(self, conversation: ConversationLog, question: Question) -> bool:
        if not self._is_quiet:
            return False
        runner = self._runner(TurnSource.TYPED, TurnState.THINKING, conversation)
        live = self._launch(runner, Typed(runner, question, None))
        await live.over.wait()
        return live.dismissed or runner.turn.state is not TurnState.INTERRUPTED

    @property
    def _is_quiet(self) -> bool:
        return self._key_up.is_set() and (self._live is None or self._live.over.is_set())

    async def _quiet(self) -> None:
        while not self._is_quiet:
            await self._key_up.wait()
            await super()._quiet()

    def _begin(self, question: Question) -> TurnRunner:
        """A turn for a question that stands in the conversation already."""
        self._drop_utterance()
        runner = self._runner(TurnSource.TYPED, TurnState.THINKING)
        self._launch(runner, Typed(runner, question, None))
        return runner

    def transcribe_again(self, message_id: str) -> None:
        message = self._log.message(message_id)
        if message is None or message.recording is None:
            self._emit(Failed("This message has no recording to transcribe."))
            return
        self._drop_utterance()
        runner = self._runner(TurnSource.FILE, TurnState.TRANSCRIBING)
        self._launch(
            runner,
            FromMessage(runner, self._services, message, message.recording, tier=self._tier),
        )

    def _runner(
        self, source: TurnSource, state: TurnState, conversation: ConversationLog | None = None
    ) -> TurnRunner:
        conversation = conversation or self._log
        turn = Turn(new_id(), conversation.id, source, state, time.monotonic())
        return TurnRunner(
            turn,
            conversation,
            self._services,
            self._emit,
            speak=self._speech_on,
            control=self._box_control,
            waiting=self._waiting,
        )

    def _launch(self, runner: TurnRunner, asking: Asking) -> LiveTurn:
        """Makes it the live turn; the former one is interrupted first, and ends first."""
        former = self._live
        if former and not former.over.is_set():
            self._services.sink.flush()
            former.stop()
        self._announcer.hush()
        self._summariser.stop()
        listener = self._services.listener

        def begin() -> None:
            self._emit(TurnChanged(runner.turn))
            if runner.turn.state is not TurnState.LISTENING:
                listener.pause(True)

        def end() -> None:
            listener.pause(False)
            if runner.turn.route and runner.turn.state is TurnState.DONE:
                self._summariser.begin(runner.conversation, runner.turn.route.tier)

        live = self._live = LiveTurn(runner, asking, former, on_begin=begin, on_end=end)
        self._spawn(live.run())
        return live

    # -- voice ---------------------------------------------------------------------------------

    def press_talk(self, tier: str | None = None) -> None:
        self._press_tier = tier
        self._key_up.clear()
        self._services.sink.flush()
        self._announcer.hush()
        if self._live:
            self._live.stop()
        self._spawn(self._press())

    async def _press(self) -> None:
        try:
            await self._services.listener.press()
        except StrixError as error:
            self._emit(Failed(error.message, error.advice))
        else:
            if self._key_up.is_set():  # it went up while the microphone was being opened
                self._services.listener.release()

    def release_talk(self) -> None:
        self._key_up.set()
        self._services.listener.release()

    def set_hands_free(self, on: bool) -> None:
        self._spawn(self._listen(on))

    async def _listen(self, on: bool) -> None:
        try:
            await self._services.listener.listen(on)
        except StrixError as error:
            self._emit(Failed(error.message, error.advice))
            on = False
        self._hands_free = on
        self._emit(HandsFreeSwitched(on))

    def set_speech(self, on: bool) -> None:
        self._speech_on = on
        self._emit(SpeechSwitched(on))
        if on:
            self._spawn(self._warm(self._services.voice.ensure_ready, "The voice"))
        elif self._live:
            self._live.runner.hush()

    def _utterance_started(self, heard: Heard) -> None:
        source = TurnSource.HANDS_FREE if heard.hands_free else TurnSource.PUSH_TO_TALK
        runner = self._runner(source, TurnState.LISTENING)
        self._ended = asyncio.get_running_loop().create_future()
        tier = self._press_tier or self._tier
        self._press_tier = None
        self._launch(runner, FromMicrophone(runner, self._services, heard, self._ended, tier=tier))

    def _utterance_ended(self, _heard: Heard, heard_speech: bool) -> None:
        self._services.listener.pause(True)
        if self._ended and not self._ended.done():
            self._ended.set_result(heard_speech)

    def _drop_utterance(self) -> None:
        self._services.listener.discard()
        self._hearing.drop()

    def _microphone_moved(self, moved: MicrophoneMoved) -> None:
        self._emit(MicrophoneChanged(moved.state, moved.detail))
        if self._hands_free and moved.state is MicrophoneState.CLOSED:
            self._hands_free = False  # the device is gone; it does not come back by itself
            self._emit(HandsFreeSwitched(False))

    def _partial(self, text: str) -> None:
        if self._live:
            self._emit(PartialTranscript(self._live.runner.turn.id, text))

    # -- pictures ------------------------------------------------------------------------------

    async def attach(self, source: Path | bytes, name: str = "") -> Image:
        return await self._services.attachments.add(source, name)

    def attachment_path(self, image: Image) -> Path:
        return self._services.attachments.path(image)
