"""What the vendors' tests get on top."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.registry.vendors.server import Network, open_network


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """Every host of the network, played by one server that has no routes yet."""
    async with open_network() as opened:
        yield opened
