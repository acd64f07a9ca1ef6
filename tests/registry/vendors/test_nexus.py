"""Nexus, which goes by the distribution API alone. The headers by which it is known were not looked up."""

from __future__ import annotations

import httpx

from regtui.registry.vendors import Removal
from regtui.registry.vendors.nexus import Nexus
from tests.registry.vendors.server import SOMEONE, Network, flat

HOST = "nexus.example.com:8082"


def test_nexus_is_known_by_its_headers() -> None:
    realm = 'BASIC realm="Sonatype Nexus Repository Manager"'
    assert Nexus.recognises(HOST, httpx.Headers({"server": "Nexus/3.70.1-02 (OSS)"}))
    assert Nexus.recognises(HOST, httpx.Headers({"www-authenticate": realm}))
    assert not Nexus.recognises(HOST, httpx.Headers({"server": "nginx"}))


async def test_it_lists_and_removes_as_the_distribution_api_does(network: Network) -> None:
    network.on(f"GET {HOST}/v2/_catalog", {"repositories": ["team/app", "other"]})
    nexus = network.vendor(Nexus, HOST, SOMEONE)
    assert await flat(nexus.repositories("team")) == ["team/app"]
    assert await nexus.removal("team/app", "1.0") == (Removal.REGISTRY, "")
