"""A registry in several places: each request goes where its repository is, by the name that it has there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import httpx
import pytest

from regtui.errors import ConnectionFailed, RegistryError, Unsupported
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from regtui.registry.routed import RoutedClient
from regtui.registry.rules import Place, RegistriesConf, Rule
from regtui.registry.vendors import Removal, Vendor
from tests.registry.fakes import BLOB, BLOB_DIGEST, HOST, RAW, Server, names, problem

THERE = "there.example"
CONF = RegistriesConf(
    (
        Rule(f"{HOST}/team", f"{THERE}/group", "registries.conf"),
        Rule(f"{HOST}/near", f"{HOST}/far", "registries.conf"),
        Rule(f"{HOST}/secret", f"{HOST}/secret", "registries.conf", blocked=True),
    )
)


def routed(server: Server) -> RoutedClient:
    async def other(place: Place) -> Client:
        return server.client(endpoint=Endpoint(place.registry), registry=place.registry)

    return RoutedClient(HOST, server.client(registry=HOST), Place(HOST), CONF, other)


def answer(request: httpx.Request) -> httpx.Response:
    """An upload is begun, everything else done."""
    if request.method == "POST":
        return httpx.Response(202, headers={"Location": "/upload/1"})
    if request.url.path.endswith("/_catalog"):
        own = ["tool", "far/app", "team/hidden", "secret/app"] if request.url.host == HOST else ["group/app", "else"]
        return httpx.Response(200, json={"repositories": own})
    return httpx.Response({"PUT": 201, "DELETE": 202}.get(request.method, 200), content=b"{}")


def served(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=BLOB if "/blobs/" in request.url.path else RAW)


async def chunks() -> AsyncIterator[bytes]:
    yield BLOB


async def test_reads_and_writes_take_the_way_of_their_repository() -> None:
    server = Server(answer)
    client = routed(server)
    await client.put_manifest("team/app", "1", RAW, "a/b")
    await client.delete_manifest("near/app", "1")
    await client.upload_blob("team/app", BLOB_DIGEST, len(BLOB), chunks())
    await client.put_manifest("tool", "1", RAW, "a/b")
    assert server.asked == [
        f"GET {THERE}/v2/",  # a place is opened when it is needed
        f"PUT {THERE}/v2/group/app/manifests/1",
        "DELETE /v2/far/app/manifests/1",
        f"POST {THERE}/v2/group/app/blobs/uploads/",
        f"PUT {THERE}/upload/1?digest={BLOB_DIGEST}",
        "PUT /v2/tool/manifests/1",
    ]


async def test_a_blob_is_mounted_within_one_place_only() -> None:
    server = Server(lambda request: httpx.Response(201 if request.method == "POST" else 200))
    client = routed(server)
    assert await client.mount_blob("near/app", BLOB_DIGEST, "tool")
    assert not await client.mount_blob("team/app", BLOB_DIGEST, "tool")
    assert [line for line in server.asked if line.startswith("POST")] == [
        f"POST /v2/far/app/blobs/uploads/?mount={BLOB_DIGEST}&from=tool"
    ]


async def test_parts_of_blobs_and_manifests_are_read_where_they_are() -> None:
    server = Server(served)
    client = routed(server)
    assert b"".join([chunk async for chunk in client.blob("team/app", BLOB_DIGEST, start=2, end=5)]) == BLOB[2:5]
    assert (await client.manifest("near/app", "1")).raw == RAW
    assert await client.blob_bytes("near/app", BLOB_DIGEST, 99_999) == BLOB
    assert server.asked[-1] == f"GET /v2/far/app/blobs/{BLOB_DIGEST}"


async def test_the_list_is_of_all_places_under_the_names_that_people_write() -> None:
    client = routed(Server(answer))
    # far/app has two names: its own, and the one that a rule gives it; what a rule hides is not listed
    assert await names(client.repositories()) == ["tool", "far/app", "team/app", "near/app"]
    assert await names(client.repositories("team")) == ["team/app"]


async def test_a_place_that_lists_nothing_is_told_after_the_others() -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST and request.url.path.endswith("_catalog"):
            return problem(404, "NAME_UNKNOWN")
        return answer(request)

    pages = routed(Server(refuses)).repositories()
    assert [await anext(pages), await anext(pages)] == [["tool", "far/app"], ["near/app"]]
    with pytest.raises(RegistryError, match=f"{THERE} has no catalog"):
        await anext(pages)


async def test_a_blocked_part_is_never_asked_for() -> None:
    server = Server(answer)
    with pytest.raises(RegistryError, match=f"{HOST}/secret/app is blocked by registries.conf"):
        await routed(server).head("secret/app", "1")
    assert server.asked == []


async def test_it_is_out_of_reach_only_when_every_place_is() -> None:
    dead = {HOST}

    def lost(request: httpx.Request) -> httpx.Response:
        if request.url.host in dead:
            raise httpx.ConnectError("refused", request=request)
        return answer(request)

    await routed(Server(lost)).ping()
    dead.add(THERE)
    with pytest.raises(ConnectionFailed, match=HOST):
        await routed(Server(lost)).ping()


class Verbal(Vendor):
    name: ClassVar[str] = "Verbal"

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        return Removal.VERB, ""


async def test_a_vendor_s_verb_is_not_used_by_another_name() -> None:
    client = routed(Server(answer))
    assert await client.vendor.removal("tool", "1") == (Removal.REGISTRY, "")
    place, _ = await client.at("team/app")
    place.vendor = Verbal(place._exchange)
    with pytest.raises(Unsupported, match=f"{HOST}/team/app is {THERE}/group/app, whose own API deletes its tags"):
        await client.vendor.removal("team/app", "1")
    home, _ = await client.at("tool")
    home.vendor = Verbal(home._exchange)
    with pytest.raises(Unsupported, match=f"{HOST}/tool is deleted from by Verbal's own API") as caught:
        await client.vendor.removal("tool", "1")
    assert caught.value.advice == f"registries.conf has rules for parts of {HOST}: delete without them."
