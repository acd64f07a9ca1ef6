"""Two kinds of registry: one that deletes only digests (a real 2.8.2), and one that deletes tags by name (ours)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regtui.embedded.app import registry_app
from regtui.registry.asgi import StreamingASGITransport
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import open_transport
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import DockerRegistry


def stage_of(registry: DockerRegistry, folder: Path, *, read_only: bool = False) -> Stage:
    endpoint = Endpoint(registry.host, "http")
    return Stage(folder, registry.host, lambda: open_transport(endpoint, connections=8, timeout=5), read_only=read_only)


@pytest.fixture
async def real(registry: DockerRegistry, tmp_path: Path) -> AsyncIterator[Stage]:
    """Debian's docker-registry: it deletes digests, and no tag by its name."""
    stage = stage_of(registry, tmp_path)
    yield stage
    await stage.session.aclose()


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Stage]:
    """regtui's own registry: it deletes tags by name, and has the referrers API."""
    app = registry_app(tmp_path / "embedded")
    stage = Stage(tmp_path, "embedded.localhost", lambda: StreamingASGITransport(app))
    yield stage
    await stage.session.aclose()


@pytest.fixture(params=["real", "embedded"])
def either(request: pytest.FixtureRequest) -> Stage:
    """What must hold on both."""
    stage = request.getfixturevalue(request.param)
    assert isinstance(stage, Stage)
    return stage
