from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import is_askable, make_http_client, place_of
from strixdesk.core.errors import TierUnreachable
from strixdesk.core.tier import Tier
from tests.support.asking import ask


@pytest.mark.parametrize(
    ("base_url", "place"),
    [
        ("http://127.0.0.1:8012/v1", "127.0.0.1:8012"),
        ("https://api.example.org/v1", "api.example.org:443"),
        ("http://strix/v1", "strix:80"),
        ("http://user:secret@strix:1/v1", "strix:1"),
        ("http://[::1]:8080/v1", "[::1]:8080"),
        ("http://[::1/v1", "that address"),
    ],
)
def test_an_address_is_shown_as_host_and_port(base_url: str, place: str) -> None:
    assert place_of(base_url) == place


@pytest.mark.parametrize("base_url", ["ftp://x/v1", "http:///v1", "http://x:99999/v1", "x", ""])
def test_what_is_no_address_is_not_asked(base_url: str) -> None:
    assert not is_askable(base_url)


@pytest.fixture
def self_signed(tmp_path: Path) -> tuple[Path, Path]:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return key, certificate


async def test_a_certificate_that_nobody_vouches_for_is_refused_and_a_trusted_one_is_not(
    self_signed: tuple[Path, Path],
    http: httpx.AsyncClient,
    chat: ChatClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, certificate = self_signed
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    closed = asyncio.Event()

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    asyncio.get_running_loop().set_exception_handler(lambda loop, fault: None)
    try:
        outcome = await ask(chat, Tier("box", f"https://localhost:{port}/v1", model="m"))
        assert isinstance(outcome.error, TierUnreachable)
        assert "certificate" in outcome.error.message

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # how a system trusts its own
        async with make_http_client() as trusting:
            answer = await trusting.get(f"https://localhost:{port}/")
        assert answer.text == "ok"
        await closed.wait()
    finally:
        server.close()
