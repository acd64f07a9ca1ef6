"""What a vendor's API learns of a login stays there: on the wire, not in the code."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from regtui.errors import RegistryError, RegtuiError
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Vendor
from regtui.registry.vendors.artifactory import Artifactory
from regtui.registry.vendors.azure import Azure
from regtui.registry.vendors.docker_hub import DockerHub
from regtui.registry.vendors.ghcr import GHCR
from regtui.registry.vendors.gitea import Gitea
from regtui.registry.vendors.google import Google
from regtui.registry.vendors.harbor import Harbor
from regtui.registry.vendors.quay import Quay
from regtui.registry.vendors.red_hat import RedHat
from tests.registry.vendors.server import Network, Reply, Seen, flat

ELSEWHERE = "evil.example.com"
LOGIN = Credentials("$oauthtoken", "s3cret")

CASES: list[tuple[type[Vendor], str, str]] = [
    (DockerHub, "docker.io", "hub.docker.com"),
    (GHCR, "ghcr.io", "api.github.com"),
    (Quay, "quay.io", "quay.io"),
    (RedHat, "registry.access.redhat.com", "catalog.redhat.com"),
    (Harbor, "registry.example.com", "registry.example.com"),
    (Gitea, "registry.example.com", "registry.example.com"),
    (Artifactory, "registry.example.com", "registry.example.com"),
    (Azure, "mine.azurecr.io", "mine.azurecr.io"),
    (Google, "gcr.io", "gcr.io"),
]


async def use(vendor: Vendor) -> None:
    """Everything that a vendor can be asked, whatever comes of it."""
    pages: list[Any] = [vendor.repositories("team"), vendor.repositories()]
    pages += [vendor.search("x")] if vendor.searches else []
    pages += [vendor.tags("team/app")] if vendor.tells_tags else []
    for one in pages:
        with suppress(RegtuiError):
            await flat(one)
    with suppress(RegtuiError):
        await vendor.removal("team/app", "1")
    with suppress(RegtuiError, NotImplementedError):
        await vendor.remove_tag("team/app", "1")


def away(request: Seen) -> Reply:
    """Gives a token where Docker Hub does, and redirects all else to another host."""
    if request.path == "/v2/auth/token":
        return Reply(200, {"access_token": "jwt"})
    return Reply(200, {}) if request.host == ELSEWHERE else Reply(307, {}, {"location": f"https://{ELSEWHERE}/x"})


@pytest.mark.parametrize(("kind", "registry", "api"), CASES)
async def test_a_login_is_shown_to_the_apis_own_host_only(
    network: Network, kind: type[Vendor], registry: str, api: str
) -> None:
    network.otherwise = away
    await use(network.vendor(kind, registry, LOGIN))
    assert any(seen.host == ELSEWHERE for seen in network.requests)
    for seen in network.requests:
        assert seen.scheme == "https"
        if seen.host not in (api, registry):
            assert not seen.authorization
            assert b"s3cret" not in seen.body
        assert "s3cret" not in f"{seen.path}{seen.query}"


async def test_a_password_does_not_follow_a_redirect(network: Network) -> None:
    network.on("POST hub.docker.com/v2/auth/token", Reply(307, {}, {"location": f"https://{ELSEWHERE}/x"}))
    with pytest.raises(RegistryError, match=r"regtui does not follow it"):
        await flat(network.vendor(DockerHub, "docker.io", LOGIN).repositories("library"))
    assert [seen.host for seen in network.requests] == ["hub.docker.com"]
