"""Azure's API, in the shapes of its own specification.

Read: Azure/azure-rest-api-specs, specification/containerregistry/data-plane/Azure.ContainerRegistry/stable/2021-07-01
(containerregistry.json and examples/); that `writeEnabled` is "whether write or delete operation is allowed" (help of
`az acr repository update`, azure-cli). Logins: Azure/acr, docs/Token-BasicAuth.md (`GET /oauth2/token` with Basic, for
users and tokens) and AAD-OAuth.md (`POST /oauth2/token` with the refresh token that `az acr login` leaves, and
`registry:catalog:*`). The scope `delete` for a tag, and pages of 100: azure-cli, acr/repository.py; `metadata_read`: as
others' clients ask, and where a registry's challenge names another one (`metadataRead` in an older azure-cli), that is
asked for too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from regtui.errors import LoginNeeded, NotFound, ReadOnly
from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Removal, VendorTag
from regtui.registry.vendors.azure import Azure
from tests.registry.vendors.server import BASIC, SOMEONE, Network, Reply, Seen, flat

HOST = "mine-a1b2c3.azurecr.io"
TAGS = f"{HOST}/acr/v1/team/app/_tags"
MANIFESTS = f"{HOST}/acr/v1/team/app/_manifests"
ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)


@pytest.fixture
def azure(network: Network) -> Azure:
    return logged_in(network, SOMEONE)


def logged_in(network: Network, login: Credentials | None, **options: Any) -> Azure:
    """A registry with a login server whose tokens are the scopes that they were asked for."""

    def token(request: Seen) -> Reply:
        return Reply(200, {"access_token": " ".join(httpx.QueryParams(request.query).get_list("scope")) or "none"})

    network.on(f"GET {HOST}/oauth2/token", token)
    return network.vendor(Azure, HOST, login, **options)


def locked(delete: bool = True, write: bool = True) -> dict[str, bool]:
    return {"deleteEnabled": delete, "writeEnabled": write, "readEnabled": True, "listEnabled": True}


def tag(name: str, digest: str = ONE, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "digest": digest,
        "createdTime": "2018-09-06T06:17:21.0856539Z",
        "lastUpdateTime": "2018-09-07T16:30:46.7022734Z",
        "changeableAttributes": locked(),
        **fields,
    }


def manifest(digest: str, **fields: Any) -> dict[str, Any]:
    return {
        "digest": digest,
        "imageSize": 2401606,
        "createdTime": "2018-09-06T06:17:20.9983915Z",
        "architecture": "amd64",
        "os": "windows",
        "mediaType": media_types.DOCKER_MANIFEST,
        "configMediaType": media_types.DOCKER_CONFIG,
        "tags": [],
        **fields,
    }


def test_azure_is_known_by_its_hosts() -> None:
    assert Azure.recognises("mine.azurecr.io", httpx.Headers())
    assert Azure.recognises("mine.azurecr.cn", httpx.Headers())
    assert not Azure.recognises("azurecr.io.example.com", httpx.Headers())


async def test_tags_come_with_the_sizes_of_their_manifests(network: Network, azure: Azure) -> None:
    index = manifest(TWO, mediaType=media_types.OCI_INDEX, architecture=None, os=None)
    network.on(f"GET {TAGS}", {"registry": HOST, "imageName": "team/app", "tags": [tag("1"), tag("multi", TWO)]})
    network.on(f"GET {MANIFESTS}", {"registry": HOST, "imageName": "team/app", "manifests": [manifest(ONE), index]})
    one, multi = await flat(azure.tags("team/app"))
    pushed = datetime(2018, 9, 7, 16, 30, 46, 702273, UTC)
    assert one == VendorTag("1", ONE, media_types.DOCKER_MANIFEST, 2401606, pushed=pushed, platforms=("windows/amd64",))
    assert multi == VendorTag("multi", TWO, media_types.OCI_INDEX, pushed=pushed)  # nobody says what its size counts
    assert network.asked == [f"GET {TAGS}?orderby=timedesc&n=100", f"GET {MANIFESTS}?orderby=timedesc&n=100"]


async def test_manifests_are_read_as_far_as_the_tags_need_them(network: Network, azure: Azure) -> None:
    link = f'</acr/v1/team/app/_manifests?last={TWO}&n=100>; rel="next"'
    network.on(f"GET {TAGS}", {"tags": [tag("new", TWO)]}, {"tags": None})
    network.on(f"GET {MANIFESTS}", Reply(200, {"manifests": [manifest(TWO)]}, {"link": link}))
    assert [(each.name, each.size) for each in await flat(azure.tags("team/app"))] == [("new", 2401606)]
    assert len(network.asked) == 2


async def test_what_has_no_manifest_is_told_without_a_size(network: Network, azure: Azure) -> None:
    network.on(f"GET {TAGS}", {"tags": [{"name": "odd", "digest": "none"}, tag("1", changeableAttributes=None)]})
    network.on(f"GET {MANIFESTS}", {"manifests": None})
    odd, one = await flat(azure.tags("team/app"))
    assert odd == VendorTag("odd")
    assert (one.size, one.immutable) == (None, False)


@pytest.mark.parametrize("attributes", [locked(delete=False), locked(write=False)])
async def test_a_locked_tag_is_not_removed(network: Network, azure: Azure, attributes: dict[str, bool]) -> None:
    network.on(f"GET {TAGS}/1", {"registry": HOST, "tag": tag("1", changeableAttributes=attributes)})
    way, why = await azure.removal("team/app", "1")
    assert way is Removal.NONE
    assert "az acr repository update --name mine --image team/app:1 " in why


async def test_a_tag_is_removed_by_its_name_with_a_token_for_that(network: Network) -> None:
    azure = logged_in(network, SOMEONE)
    challenge = f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}",scope="repository:team/app:{{}}"'

    def guarded(actions: str, answer: Reply) -> Any:
        def reply(request: Seen) -> Reply:
            if request.authorization == f"Bearer repository:team/app:{actions}":
                return answer
            return Reply(401, {"errors": []}, {"www_authenticate": challenge.format(actions)})

        return reply

    network.on(f"GET {TAGS}/1", guarded("metadata_read", Reply(200, {"tag": tag("1")})))
    network.on(f"DELETE {TAGS}/1", guarded("delete", Reply(202)))
    assert await azure.removal("team/app", "1") == (Removal.VERB, "")
    await azure.remove_tag("team/app", "1")
    assert "pull,push" not in str(network.asked)
    logins = [request for request in network.requests if request.path == "/oauth2/token"]
    assert {request.authorization for request in logins} == {BASIC}


async def test_what_is_refused_is_an_error(network: Network, azure: Azure) -> None:
    said = {"errors": [{"code": "TAG_UNKNOWN", "message": "the specified tag does not exist", "detail": {}}]}
    network.on(f"GET {TAGS}/1", Reply(404, said))
    network.on(f"DELETE {TAGS}/1", Reply(404, said))
    network.on(f"GET {TAGS}", Reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}))
    for refused in (azure.removal("team/app", "1"), azure.remove_tag("team/app", "1")):
        with pytest.raises(NotFound, match="has no tag 1"):
            await refused
    with pytest.raises(LoginNeeded):
        await flat(azure.tags("team/app"))


async def test_nothing_is_removed_in_read_only_mode(network: Network) -> None:
    with pytest.raises(ReadOnly):
        await logged_in(network, SOMEONE, read_only=True).remove_tag("team/app", "1")
    assert network.asked == []
