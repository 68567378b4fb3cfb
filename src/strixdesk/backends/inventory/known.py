"""What sources had when they were last heard of, kept over restarts. Never a key."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from strixdesk.atomic_file import write_atomically
from strixdesk.backends.inventory.source import Listing

log = logging.getLogger(__name__)

_FILE: TypeAdapter[dict[str, Listing]] = TypeAdapter(dict[str, Listing])


def load_known(path: Path) -> dict[str, Listing]:
    """By source. A file that is missing or damaged costs nothing but the memory of them."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("the list of known models could not be read: %s", type(error).__name__)
        return {}


def save_known(path: Path, known: Mapping[str, Listing]) -> None:
    """A full disk costs nothing but the memory of them."""
    keyless = {name: _without_keys(listing) for name, listing in known.items()}
    try:
        write_atomically(path, _FILE.dump_json(keyless))
    except OSError as error:
        log.warning("the list of known models could not be written: %s", error.strerror)


def _without_keys(listing: Listing) -> Listing:
    return replace(
        listing,
        models=tuple(replace(one, tier=replace(one.tier, api_key=None)) for one in listing.models),
    )
