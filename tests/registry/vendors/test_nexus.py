"""Nexus, which goes by the distribution API alone.

Read: its `Server` and its realm (sonatype/nexus-public, EnvironmentFilter.java and
NexusBasicHttpAuthenticationFilter.java, of early 2025); repositories below `/v2/NAME/`, by host or by port
(help.sonatype.com, "Docker Registry": path based routing); that a tag is not deleted by its name (regclient/regclient
issue 258: 404), and that its manifest's deletion left it since 3.89 (issue 925). Its docker part is not public: not
looked up is whether there is a catalog of all where names begin with a repository's.
"""

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
