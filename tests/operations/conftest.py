"""A registry in memory and a session with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regtui.operations.session import Session
from tests.operations.fake_registry import FakeRegistry


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
async def session(fake: FakeRegistry, tmp_path: Path) -> AsyncIterator[Session]:
    session = fake.session(tmp_path)
    yield session
    await session.aclose()
