"""What the registry room's tests get on top."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits in these tests; what would have been waited stands here, in seconds."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("regtui.registry.retries.sleep", sleep)
    monkeypatch.setattr("regtui.registry.pace.sleep", sleep)
    return waited
