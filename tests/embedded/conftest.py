from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regtui.embedded.app import registry_app
from regtui.registry.asgi import StreamingASGITransport


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the registry under test, empty at first."""
    return tmp_path / "registry"


@pytest.fixture
async def client(root: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an embedded registry over `root`."""
    async with httpx.AsyncClient(transport=StreamingASGITransport(registry_app(root)), base_url="http://r.test") as it:
        yield it


@pytest.fixture
async def client_without_deletion(root: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a registry over the same `root` that refuses to delete."""
    transport = StreamingASGITransport(registry_app(root, deletion=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://r.test") as it:
        yield it
