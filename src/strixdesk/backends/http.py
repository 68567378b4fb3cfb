"""The one HTTP client that everything in this room shares, and how addresses are shown."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator

import httpx

KEEP_ALIVE_S = 2.0
"""Shorter than the 5 s after which llama-server and uvicorn drop an idle connection: a question
must never be sent into a connection that the server is just closing."""

_OWN_DOMAINS = (".local", ".lan", ".internal", ".home.arpa", ".localhost", ".ts.net")


def make_http_client() -> httpx.AsyncClient:
    """Proxies and .netrc of the environment are not used: a tier is one's own machine, and a
    proxy would see the questions."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they log addresses and headers
    certificates = _SystemCertificates()
    return httpx.AsyncClient(
        trust_env=False,
        verify=certificates.context,
        event_hooks={"request": [certificates.load]},
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
        headers={"User-Agent": "StrixDesk", "Accept-Encoding": "identity"},
    )


class _SystemCertificates:
    """The system's own authorities, private ones included; read (30-80 ms) with the first https
    request, since most tiers speak plain http and the window should be there at once."""

    def __init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies names and certificates
        self._loaded = False

    async def load(self, request: httpx.Request) -> None:
        if request.url.scheme == "https" and not self._loaded:
            await asyncio.to_thread(self.context.load_default_certs)
            self._loaded = True


@contextlib.asynccontextmanager
async def body_of(response: httpx.Response) -> AsyncIterator[AsyncIterator[bytes]]:
    """The body in pieces as they arrive; at the end, however it comes, nothing is left open.

    httpx reads through a chain of generators. To close the outermost of them leaves the others to
    the garbage collector, which cannot run their clean-up on an event loop without hooks for it
    (qasync has none). So the connection is closed first, and then the chain is read to its end:
    every generator finds the connection gone, or the body over, and ends in good order.
    """
    pieces = response.aiter_bytes()
    try:
        yield pieces
    finally:
        await response.aclose()
        with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
            async for _ in pieces:
                pass


def place_of(base_url: str) -> str:
    """Host and port, for sentences and comparisons; never user names or passwords."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return "that address"
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


@functools.lru_cache(maxsize=64)
def address(base_url: str, path: str) -> httpx.URL:
    """Parsed once, not for each request. Raises httpx.InvalidURL."""
    return httpx.URL(f"{base_url}/{path}")


@functools.lru_cache(maxsize=64)
def is_askable(base_url: str) -> bool:
    """It is an address at which a server can be. (Sockets choke on ports beyond 65535.)"""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host) and (url.port or 0) < 65_536


def is_own_network(base_url: str) -> bool:
    """It is this machine, the local network or the tailnet: nothing leaves the user's own."""
    try:
        host = httpx.URL(base_url).host
    except httpx.InvalidURL:
        return False
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN_DOMAINS)


def bearer(api_key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}
