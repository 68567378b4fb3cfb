"""Puts a session together, for the window and for the command line alike."""

from __future__ import annotations

from pathlib import Path

from strixdesk.backends.box.backings import join
from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.keychain import Keychain
from strixdesk.backends.starter import StarterServer, find_starter_model
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.backends.tokenizer import Tokenizer
from strixdesk.composition_boxes import (
    build_box_tools,
    build_boxes,
    build_controls,
    build_sources,
)
from strixdesk.core.errors import ModelError, StoreError
from strixdesk.paths import Paths
from strixdesk.session.accounted_chat import AccountedChat
from strixdesk.session.answer_cache import AnswerCache
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.cloud_switch import CloudSwitch
from strixdesk.session.ports import AudioSink, Listener, Recogniser, Voice
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.store import HistoryStore
from strixdesk.session.token_count import TokenCounter
from strixdesk.session.unavailable import UnavailableRecogniser, UnavailableVoice
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import Settings, decorations
from strixdesk.voice.installed import find_recogniser, find_voice
from strixdesk.voice.listener import MicrophoneListener
from strixdesk.voice.player import SpeakerPlayer
from strixdesk.voice.stt import SpeechRecogniser
from strixdesk.voice.tts import SpeechVoice


def build_recogniser(settings: Settings, paths: Paths) -> Recogniser:
    try:
        model = find_recogniser(
            settings.recogniser.model, paths.models_dir, settings.recogniser.language
        )
    except ModelError as error:
        return UnavailableRecogniser(error)
    return SpeechRecogniser(
        model,
        language=settings.recogniser.language,
        threads=settings.recogniser.threads,
    )


def build_voice(settings: Settings, paths: Paths) -> Voice:
    try:
        model = find_voice(settings.voice.model, paths.models_dir, settings.recogniser.language)
    except ModelError as error:
        return UnavailableVoice(error)
    return SpeechVoice(model, speed=settings.voice.speed)


def build_starter(settings: Settings) -> StarterServer | None:
    """None when it is switched off, not needed, or not installed."""
    wanted = settings.starter.enabled
    model = find_starter_model()
    if model is None or wanted == "never" or (wanted == "auto" and settings.tiers):
        return None
    return StarterServer(
        model,
        threads=settings.starter.threads,
        context_tokens=settings.starter.context_tokens,
    )


def build_tiers(
    settings: Settings,
    paths: Paths,
    keychain: Keychain | None = None,
    boxes: BoxWatch | None = None,
) -> Inventory:
    """All tiers of all sources. Of a box that no tier in the settings names, its whole stack is."""
    watch = TierWatch(
        [tier.tier() for tier in settings.tiers],
        starter=build_starter(settings),
        keychain=keychain,
    )
    labels, favourites = decorations(settings)
    inventory = Inventory(
        watch,
        build_sources(settings, boxes),
        known_file=paths.data_dir / "sources.json",
        labels=labels,
        favourites=favourites,
    )
    if boxes:
        join(inventory, boxes)
    return inventory


async def _open_history(paths: Paths) -> HistoryStore:
    """A history that cannot be opened costs the past, not the program: its problem is told."""
    store = HistoryStore(paths.history_file)
    try:
        await store.open()
    except StoreError as error:
        store = HistoryStore(Path(":memory:"))
        await store.open()
        store.problem = StoreError(error.message, f"{error.advice} Nothing is kept until then.")
    return store


async def build_services(
    settings: Settings,
    paths: Paths,
    *,
    sink: AudioSink | None = None,
    listener: Listener | None = None,
) -> Services:
    """Opens the history; nothing else is started yet."""
    store = await _open_history(paths)
    keychain = Keychain()
    boxes = build_boxes(settings, paths)
    tiers = build_tiers(settings, paths, keychain, boxes)
    usage = UsageBook(store, settings.usage)
    for tier, tokens_per_s in (await usage.open()).items():
        tiers.measured(tier, tokens_per_s)
    return Services(
        settings=settings,
        store=store,
        recordings=RecordingJournal(paths.recordings_dir),
        attachments=AttachmentStore(paths.attachments_dir),
        tiers=tiers,
        chat=AccountedChat(
            ChatClient(settings.chat, tiers.status_of, keychain=keychain),
            usage,
            AnswerCache(store, settings.usage),
            settings.chat,
            tiers.status_of,
            on_speed=tiers.measured,
        ),
        recogniser=build_recogniser(settings, paths),
        voice=build_voice(settings, paths),
        sink=sink or SpeakerPlayer(settings.speaker.device),
        listener=listener
        or MicrophoneListener(
            settings.microphone.device,
            pause_ms=settings.microphone.hands_free_pause_ms,
            keep_warm_s=settings.microphone.keep_warm_s,
        ),
        tokens=TokenCounter(Tokenizer()),
        usage=usage,
        cloud=CloudSwitch(settings.cloud, paths.config_file),
        boxes=boxes,
        box_tools=build_box_tools(settings, boxes),
        controls=build_controls(boxes),
    )
