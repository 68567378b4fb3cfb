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
    """Deadlines that a test can wait for, and that pass on a busy machine where nothing is wrong:
    for a server that is silent."""
    return ChatSettings(
        connect_timeout_s=30.0,
        first_token_timeout_s=0.4,
        between_tokens_timeout_s=0.3,
        retries=0,
    )


@pytest.fixture
def slow() -> ChatSettings:
    """A test can wait for longer than these deadlines, and they do not pass by themselves."""
    return ChatSettings(
        connect_timeout_s=30.0,
        first_token_timeout_s=4.0,
        between_tokens_timeout_s=4.0,
        retries=0,
    )


@pytest.fixture
async def chat(http: httpx.AsyncClient) -> ChatClient:
    """Its deadlines are those of the program: no test waits for them."""
    return ChatClient(ChatSettings(connect_timeout_s=30.0, retries=0), http=http)


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
