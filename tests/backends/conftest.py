from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.starter import find_starter_model
from strixdesk.settings import ChatSettings
from tests.support.colour_projector import make_colour_projector
from tests.support.fault_server import FaultServer, fault_server
from tests.support.llama import LlamaServer, start_llama


@pytest.fixture
async def faults() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http_client() as client:
        yield client


@pytest.fixture
def impatient() -> ChatSettings:
    """Deadlines that a test can wait for."""
    return ChatSettings(
        connect_timeout_s=1.0,
        first_token_timeout_s=0.4,
        between_tokens_timeout_s=0.3,
        retries=0,
    )


@pytest.fixture
async def chat(http: httpx.AsyncClient, impatient: ChatSettings) -> ChatClient:
    return ChatClient(impatient, http=http)


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaServer]:
    server = start_llama(context=512)
    yield server
    server.close()


@pytest.fixture(scope="session")
def starter_model() -> Path:
    model = find_starter_model()
    assert model is not None, "the starter extra is not installed"
    return model


@pytest.fixture(scope="session")
def seeing_llama(
    starter_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LlamaServer]:
    """Names flat colours."""
    projector = tmp_path_factory.mktemp("eyes") / "mmproj-colour.gguf"
    server = start_llama(projector=make_colour_projector(starter_model, projector))
    yield server
    server.close()
