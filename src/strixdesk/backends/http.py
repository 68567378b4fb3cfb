"""The one HTTP client that everything in this room shares, and how addresses are shown."""

from __future__ import annotations

import logging
import ssl

import httpx

KEEP_ALIVE_S = 2.0
"""Shorter than the 5 s after which llama-server and uvicorn drop an idle connection: a question
must never be sent into a connection that the server is just closing."""


def make_http_client() -> httpx.AsyncClient:
    """Proxies and .netrc of the environment are not used: a tier is one's own machine, and a
    proxy would see the questions. Certificates are the system's own."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they log addresses and headers
    return httpx.AsyncClient(
        trust_env=False,
        verify=ssl.create_default_context(),
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
        headers={"User-Agent": "StrixDesk", "Accept-Encoding": "identity"},
    )


def place_of(base_url: str) -> str:
    """Host and port, for sentences and comparisons; never user names or passwords."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return "that address"
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def is_askable(base_url: str) -> bool:
    """It is an address at which a server can be. (Sockets choke on ports beyond 65535.)"""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host) and (url.port or 0) < 65_536


def bearer(api_key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}
