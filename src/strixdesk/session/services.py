"""What a session is given to work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.box_tools import BoxTools
from strixdesk.session.cloud_switch import CloudSwitch
from strixdesk.session.ports import (
    AudioSink,
    Boxes,
    Chat,
    Controls,
    Listener,
    Recogniser,
    Tiers,
    Voice,
)
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from strixdesk.session.token_count import TokenCounter
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    store: HistoryStore
    recordings: RecordingJournal
    attachments: AttachmentStore
    tiers: Tiers
    chat: Chat
    recogniser: Recogniser
    voice: Voice
    sink: AudioSink
    listener: Listener
    tokens: TokenCounter = field(default_factory=TokenCounter)
    """Without a tokenizer: everything is estimated."""
    usage: UsageBook | None = None
    """None: nothing is accounted for."""
    cloud: CloudSwitch = field(default_factory=CloudSwitch)
    boxes: Boxes | None = None
    """None: there are none in the settings."""
    box_tools: BoxTools | None = None
    controls: Controls | None = None
    """Of tiers that are no compose services; None: none can be started."""
