"""What a crash left behind: recordings without a transcript come back as messages."""

from __future__ import annotations

import logging
import time

from strixdesk.core.conversation import (
    ConversationSummary,
    Message,
    MessageStatus,
    Recording,
    Role,
)
from strixdesk.core.errors import StoreError
from strixdesk.core.ids import new_id
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.store import HistoryStore
from strixdesk.session.store_file import UNHEARD

log = logging.getLogger(__name__)


async def recover_recordings(
    store: HistoryStore, recordings: RecordingJournal
) -> tuple[ConversationSummary, ...]:
    """One conversation for all recordings that no message refers to, newest last. Where the
    history cannot take them they stay on disk for the next time."""
    try:
        return await _recover(store, recordings)
    except StoreError as error:
        log.error("recordings were not brought back: %s", error)
        return ()


async def _recover(
    store: HistoryStore, recordings: RecordingJournal
) -> tuple[ConversationSummary, ...]:
    known = await store.recording_ids()
    forgotten = await store.forgotten_recordings()
    lost = []
    for utterance_id, duration_s in await recordings.leftovers():
        if utterance_id in known:
            continue
        if utterance_id in forgotten:  # its conversation was removed by the user
            recordings.discard(utterance_id)
        else:
            lost.append((utterance_id, duration_s))
    if not lost:
        return ()
    conversation_id = new_id()
    for utterance_id, duration_s in lost:
        await store.save(
            conversation_id,
            Message(
                id=new_id(),
                role=Role.USER,
                parts=(Recording(utterance_id, duration_s),),
                status=MessageStatus.FAILED,
                created_at=time.time(),
                detail=UNHEARD,
                spoken=True,
            ),
        )
    return (await store.rename(conversation_id, "Recovered recordings"),)
