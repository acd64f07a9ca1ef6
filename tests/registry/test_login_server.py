"""The client, docker-registry and a login server whose tokens it verifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from regtui.errors import LoginNeeded, RegtuiError
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import open_transport
from tests.registry.fakes import names
from tests.registry_servers.guarded import MAINTAINER, READER, Guarded

IN_FLIGHT = 200


@asynccontextmanager
async def connected(server: Guarded, login: tuple[str, str] | None = MAINTAINER) -> AsyncIterator[Client]:
    async def credentials(repository: str) -> Credentials | None:
        return Credentials(*login) if login else None

    endpoint = Endpoint(server.host, "http")
    transport = open_transport(endpoint, connections=IN_FLIGHT, timeout=30)
    async with aclosing(Client(endpoint, transport, credentials=credentials, concurrency=IN_FLIGHT)) as client:
        yield client


@pytest.mark.parametrize("told", [None, 300], ids=["known to have ended", "refused by the registry"])
async def test_200_requests_in_flight_on_an_expired_token_cause_one_token_request(
    with_tokens: Guarded, told: int | None
) -> None:
    tokens = with_tokens.tokens
    tokens.lifetime, tokens.told = 1, told
    async with connected(with_tokens) as client:
        await client.head("team/app", "1.0")
        await asyncio.sleep(tokens.lifetime + 1)
        tokens.lifetime, tokens.told = 300, None
        tokens.asked.clear()
        before = len(with_tokens.registry.requests())
        found = await asyncio.gather(*(client.head("team/app", "1.0") for _ in range(IN_FLIGHT)))
    assert len({each.digest for each in found}) == 1
    assert [asked.status for asked in tokens.asked] == [200]
    sent = len(with_tokens.registry.requests()) - before
    assert sent == (IN_FLIGHT if told is None else 2 * IN_FLIGHT), "each request was refused at most once"


async def test_a_token_is_for_what_it_was_asked_for_and_no_more(with_tokens: Guarded) -> None:
    async with connected(with_tokens, READER) as client:
        await client.ping()
        assert await names(client.repositories()) == ["team/app"]
        document = await client.manifest("team/app", "1.0")
        with pytest.raises(RegtuiError, match="team/app"):
            await client.put_manifest("team/app", "new", document.raw, document.media_type)
        with pytest.raises(RegtuiError, match="team/app"):
            await client.delete_manifest("team/app", document.digest)
        assert sorted(await names(client.tags("team/app"))) == ["1", "1.0", "2.0", "latest"]
    refused = [asked for asked in with_tokens.tokens.asked if asked.actions - {"pull", "*"}]
    assert {asked.granted for asked in refused} == {("repository:team/app:pull",)}


async def test_nobody_in_particular_opens_the_front_door_only(with_tokens: Guarded) -> None:
    async with connected(with_tokens, None) as client:
        await client.ping()
        with pytest.raises(LoginNeeded):
            await names(client.repositories())
        with pytest.raises(LoginNeeded):
            await client.manifest("team/app", "1.0")
    assert {asked.way for asked in with_tokens.tokens.asked} == {"anonymous"}
