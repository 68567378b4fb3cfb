"""Fetches one file: resumed where it stopped, checked while it arrives.

The bytes go to `NAME.part`; the server's ETag lies beside it, so that a part is only continued
with the very same content. Whatever the server claims, nothing but the expected size and sha256
is accepted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from strixdesk.core.catalogue import ModelFile
from strixdesk.core.errors import ModelError

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    connect_s: float = 15.0
    stall_s: float = 30.0
    """Without a single byte for that long, the connection is given up and opened again."""
    retries: int = 5
    """In a row without a new byte, before giving up."""
    backoff_s: float = 0.5
    """Before the first retry; doubled each time."""
    longest_backoff_s: float = 15.0


class _Interrupted(Exception):
    """The connection failed in a way that may pass."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class _Mismatch(Exception):
    """What arrived is not the file."""


class Transfer:
    """One file on its way from `url` to `part`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        file: ModelFile,
        part: Path,
        on_bytes: Callable[[int], None],
        patience: Patience,
    ) -> None:
        self._client = client
        self._url = url
        self._file = file
        self._part = part
        self._etag_file = part.with_name(f"{part.name}.etag")
        self._on_bytes = on_bytes
        """Told how many bytes of the file are there; may fall when a part had to be dropped."""
        self._patience = patience

    async def run(self) -> None:
        """Until the part is the whole file. Raises ModelError; the part stays for the next try
        unless it was wrong."""
        failures = mismatches = 0
        while True:
            before = self._size()
            try:
                await self._attempt()
                return
            except _Mismatch as wrong:
                self._drop()
                mismatches += 1
                # the first may be a stale part or a line fault; the second is the server's
                if mismatches == 2:
                    raise ModelError(
                        f"{self._url} is not the expected file: {wrong}.",
                        "Nothing was installed. Try again later, or with another --mirror.",
                    ) from None
            except _Interrupted as interrupted:
                failures = 0 if self._size() > before else failures + 1
                if failures > self._patience.retries:
                    raise ModelError(
                        f"{self._url} could not be fetched: {interrupted}.",
                        "Check the connection and run the same command again: it continues where "
                        "it stopped.",
                    ) from None
                await asyncio.sleep(self._wait_s(failures, interrupted.wait_s))

    def _wait_s(self, failures: int, asked_s: float | None) -> float:
        wait_s = self._patience.backoff_s * 2.0 ** max(0, failures - 1)
        return min(max(wait_s, asked_s or 0.0), self._patience.longest_backoff_s)

    async def _attempt(self) -> None:
        have = self._size()
        if have > self._file.size_bytes:
            raise _Mismatch("what is there is longer than it")
        digest = hashlib.sha256()
        if have:
            await asyncio.to_thread(_hash_into, digest, self._part)
        self._on_bytes(have)
        if have < self._file.size_bytes:
            digest = await self._receive(have, digest)
        if digest.hexdigest() != self._file.sha256:
            raise _Mismatch("its checksum is wrong")
        self._etag_file.unlink(missing_ok=True)

    async def _receive(self, have: int, digest: hashlib._Hash) -> hashlib._Hash:
        """Everything from byte `have` on. Returns the digest of the whole file."""
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if etag := self._etag():
                headers["If-Range"] = etag
        try:
            async with self._client.stream("GET", self._url, headers=headers) as response:
                resumed = self._judge(response, have)
                self._remember(response)
                if have and not resumed:
                    have, digest = 0, hashlib.sha256()
                with self._part.open("ab" if resumed else "wb") as out:
                    async for chunk in response.aiter_raw():
                        have += len(chunk)
                        if have > self._file.size_bytes:
                            raise _Mismatch("it is longer than it should be")
                        out.write(chunk)
                        digest.update(chunk)
                        self._on_bytes(have)
        except httpx.TimeoutException:
            raise _Interrupted("the server fell silent") from None
        except (httpx.TransportError, httpx.StreamError) as error:
            raise _Interrupted(str(error).rstrip(".") or "the connection broke") from None
        except (httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise ModelError(
                f"{self._url} leads nowhere: {error}.", "Check the --mirror setting."
            ) from None
        if have < self._file.size_bytes:
            raise _Interrupted("the connection was closed early")
        return digest

    def _judge(self, response: httpx.Response, have: int) -> bool:
        """Whether the answer continues the part (True) or starts over (False)."""
        status = response.status_code
        if status == 206 and have:
            start, total = _content_range(response)
            if start == have and total in (None, self._file.size_bytes):
                return True
            raise _Mismatch("the server continued in the wrong place")
        if status == 200:
            length = response.headers.get("Content-Length", "")
            if length.isdigit() and int(length) != self._file.size_bytes:
                raise _Mismatch(f"it has {length} bytes instead of {self._file.size_bytes}")
            return False
        if status in (206, 416):
            raise _Mismatch("the server cannot continue it")
        if status in _BUSY:
            asked = response.headers.get("Retry-After", "")
            raise _Interrupted(
                f"the server answers {status}", float(asked) if asked.isdigit() else None
            )
        if status == 404:
            raise ModelError(
                f"The server has no {self._url}.",
                "Check the --mirror setting: it needs the same paths as huggingface.co.",
            )
        raise ModelError(
            f"The server refuses {self._url} (HTTP {status}).",
            "Try again later, or with another --mirror.",
        )

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _etag(self) -> str:
        return self._etag_file.read_text() if self._etag_file.exists() else ""

    def _remember(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):  # a weak one does not promise equal bytes
            self._etag_file.write_text(etag)
        else:
            self._etag_file.unlink(missing_ok=True)

    def _drop(self) -> None:
        self._part.unlink(missing_ok=True)
        self._etag_file.unlink(missing_ok=True)
        self._on_bytes(0)


def _hash_into(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    _hash_into(digest, path)
    return digest.hexdigest()


def flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _content_range(response: httpx.Response) -> tuple[int, int | None]:
    """`bytes 100-199/200` as (100, 200); (-1, None) when it makes no sense."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes" or not start.isdigit():
        return -1, None
    return int(start), int(total) if total.isdigit() else None
