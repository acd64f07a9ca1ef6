"""Whether tags are locked, asked for many at once, as the plan of a bulk removal does: a list, not a request each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from regtui.errors import NotFound, RegistryError
from regtui.registry.vendors import Removal, Vendor, VendorTag, locks
from regtui.registry.vendors.azure import Azure
from regtui.registry.vendors.harbor import Harbor
from regtui.registry.vendors.locks import ALONE, Locks
from regtui.registry.vendors.quay import Quay
from tests.registry.vendors.server import SOMEONE, Network, Reply

NAMES = [f"1.{number}" for number in range(200)]
LOCKED = NAMES[150]


def harbor(network: Network) -> Harbor:
    """Artifacts with one tag each."""
    path = "GET harbor.example.com/api/v2.0/projects/team/repositories/app/artifacts"
    told = {name: {"digest": f"sha256:{name}", "tags": [{"name": name, "immutable": name == LOCKED}]} for name in NAMES}
    network.on(path, list(told.values()))
    for name in NAMES:
        network.on(f"{path}/{name}", told[name])
    return network.vendor(Harbor, "harbor.example.com", SOMEONE)


def azure(network: Network) -> Azure:
    path = "GET mine.azurecr.io/acr/v1/team/app/_tags"
    told = {name: {"name": name, "changeableAttributes": {"deleteEnabled": name != LOCKED}} for name in NAMES}
    network.on(path, {"tags": list(told.values())})
    for name in NAMES:
        network.on(f"{path}/{name}", {"tag": told[name]})
    return network.vendor(Azure, "mine.azurecr.io", SOMEONE)


def quay(network: Network) -> Quay:
    path = "GET quay.io/api/v1/repository/team/app/tag/"
    told = {name: {"name": name, "immutable": name == LOCKED} for name in NAMES}
    network.on(path, {"tags": list(told.values())})
    for name in NAMES:
        network.on(f"{path}?onlyActiveTags=true&specificTag={name}", {"tags": [told[name]]})
    return network.vendor(Quay, "quay.io", SOMEONE)


@pytest.mark.parametrize("open_vendor", [harbor, azure, quay])
async def test_many_tags_take_few_requests(network: Network, open_vendor: Any) -> None:
    vendor: Vendor = open_vendor(network)
    ways = dict(zip(NAMES, await asyncio.gather(*(vendor.removal("team/app", tag) for tag in NAMES)), strict=True))
    assert [name for name in NAMES if ways[name][0] is Removal.NONE] == [LOCKED]
    assert len(network.requests) == ALONE + 2  # the first few, the list, and the locked one


async def test_a_single_tag_does_not_take_the_list(network: Network) -> None:
    vendor = harbor(network)
    assert (await vendor.removal("team/app", LOCKED))[0] is Removal.NONE
    assert network.asked == [
        f"GET harbor.example.com/api/v2.0/projects/team/repositories/app/artifacts/{LOCKED}"
        "?with_tag=true&with_immutable_status=true"
    ]


async def test_what_the_list_lacks_is_asked_for_alone(network: Network) -> None:
    """Harbor's list has no signatures; and a tag that is gone must be missed."""
    vendor = harbor(network)
    await asyncio.gather(*(vendor.removal("team/app", tag) for tag in NAMES))
    signature = "GET harbor.example.com/api/v2.0/projects/team/repositories/app/artifacts/sha256-1.sig"
    network.on(signature, {"digest": "x", "tags": [{"name": "sha256-1.sig", "immutable": True}]})
    assert (await vendor.removal("team/app", "sha256-1.sig"))[0] is Removal.NONE
    network.on(signature, Reply(404, {"errors": [{"code": "NOT_FOUND", "message": "artifact not found"}]}))
    with pytest.raises(NotFound, match="has no tag"):
        await vendor.removal("team/app", "sha256-1.sig")


async def test_a_tag_that_was_unlocked_is_free_at_once(network: Network) -> None:
    vendor = harbor(network)
    await asyncio.gather(*(vendor.removal("team/app", tag) for tag in NAMES))
    path = f"GET harbor.example.com/api/v2.0/projects/team/repositories/app/artifacts/{LOCKED}"
    network.on(path, {"digest": "x", "tags": [{"name": LOCKED, "immutable": False}]})
    assert await vendor.removal("team/app", LOCKED) == (Removal.VERB, "")


async def test_a_list_is_not_believed_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [[VendorTag("1")], [VendorTag("1", immutable=True)]]

    async def tags(repository: str) -> AsyncGenerator[list[VendorTag], None]:
        yield lists.pop(0)

    known = Locks(tags)

    async def ask() -> bool:
        for _ in range(ALONE):
            await known.frees("team/app", "1")
        return await known.frees("team/app", "1")

    assert await ask()
    assert await ask()
    with monkeypatch.context() as patch:
        patch.setattr(locks, "FRESH", -1.0)
        assert not await known.frees("team/app", "1")
    assert not await ask()


async def test_what_a_broken_list_did_not_tell_is_asked_for_alone() -> None:
    async def tags(repository: str) -> AsyncGenerator[list[VendorTag], None]:
        yield [VendorTag("1")]
        raise RegistryError("It broke off")

    known = Locks(tags)
    assert {await known.frees("team/app", "2") for _ in range(2 * ALONE)} == {False}
    assert await known.frees("team/app", "1")
