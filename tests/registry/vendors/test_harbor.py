"""Harbor's API v2.0, in the shapes of its own swagger (goharbor/harbor, api/v2.0/swagger.yaml).

The challenge by which it is known: src/server/middleware/v2auth/auth.go; the refusal of an immutable tag (412,
PRECONDITION): src/controller/tag/controller.go and src/lib/http/error.go; the links between pages: `Links` in
src/server/v2.0/handler/base.go; what a size counts: src/controller/artifact/manifest/. What anonymous users and robot
accounts see in the list of all: `listAuthorizedProjectIDs` in src/server/v2.0/handler/repository.go; that lists of
artifacts have no accessories (signatures), and tags/list has them: src/pkg/artifact/dao/dao.go and
src/server/registry/tag.go; that its registry deletes by digest only: src/server/registry/manifest.go.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, ReadOnly
from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Hit, Removal, VendorTag
from regtui.registry.vendors.harbor import Harbor
from tests.registry.vendors.server import BASIC, SOMEONE, Network, Reply, flat

HOST = "harbor.example.com"
CHALLENGE = f'Bearer realm="https://{HOST}/service/token",service="harbor-registry"'
DIGEST = Digest("sha256:" + "a" * 64)
ARTIFACTS = f"GET {HOST}/api/v2.0/projects/team/repositories/app/artifacts"


def harbor(network: Network, login: Credentials | None = SOMEONE, **options: Any) -> Harbor:
    return network.vendor(Harbor, HOST, login, **options)


def artifact(*tags: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "type": "IMAGE",
        "digest": DIGEST,
        "size": 3_000,
        "media_type": media_types.DOCKER_CONFIG,
        "manifest_media_type": media_types.DOCKER_MANIFEST,
        "push_time": "2024-05-06T07:08:09.123Z",
        "pull_time": "2024-06-01T00:00:00.000Z",
        "extra_attrs": {"architecture": "arm64", "os": "linux", "created": "2024-05-01T00:00:00.123456789Z"},
        "references": None,
        "tags": list(tags),
        **fields,
    }


def tag(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "name": name,
        "push_time": "2024-05-07T00:00:00.000Z",
        "pull_time": "0001-01-01T00:00:00.000Z",
        "immutable": False,
        **fields,
    }


async def test_harbor_is_known_by_its_challenge(network: Network) -> None:
    network.on(f"GET {HOST}/v2/", Reply(401, {"errors": []}, {"www_authenticate": CHALLENGE}))
    network.on(f"GET {HOST}/service/token", {"token": "t"})
    client = network.client(HOST)
    await client.ping()
    assert isinstance(client.vendor, Harbor)


async def test_it_lists_what_one_may_see_page_by_page(network: Network) -> None:
    path = f"GET {HOST}/api/v2.0/repositories?sort=name&page={{}}&page_size=100"
    link = '</api/v2.0/repositories?page=2&page_size=100&sort=name>; rel="next"'
    network.on(path.format(1), Reply(200, [{"name": "library/nginx"}, {"name": "team/app"}], {"link": link}))
    network.on(
        f"GET {HOST}/api/v2.0/repositories?page=2&page_size=100&sort=name",
        Reply(200, [{"name": "team/tools/lint", "description": None}], {"link": link.replace("next", "prev")}),
    )
    assert await flat(harbor(network).repositories()) == ["library/nginx", "team/app", "team/tools/lint"]
    assert {request.authorization for request in network.requests} == {BASIC}


async def test_a_namespace_is_a_project_and_what_is_below(network: Network) -> None:
    network.on(f"GET {HOST}/api/v2.0/projects/team/repositories", [{"name": "team/app"}, {"name": "team/tools/lint"}])
    assert await flat(harbor(network).repositories("team")) == ["team/app", "team/tools/lint"]
    assert await flat(harbor(network).repositories("team/tools/")) == ["team/tools/lint"]
    with pytest.raises(NotFound, match=f"{HOST} has no project other"):
        await flat(harbor(network).repositories("other"))


@pytest.mark.parametrize("status", [403, 404])
async def test_without_one_list_the_projects_are_listed(network: Network, status: int) -> None:
    """Harbor has had the list of all repositories since 2.3."""
    said = {"errors": [{"code": "X", "message": "no"}]}
    network.on(f"GET {HOST}/api/v2.0/repositories", Reply(status, said))
    network.on(f"GET {HOST}/api/v2.0/projects", [{"name": "team"}, {"name": "closed"}, {"name": "other"}])
    network.on(f"GET {HOST}/api/v2.0/projects/team/repositories", [{"name": "team/app"}, {"name": "team/a/b"}])
    network.on(f"GET {HOST}/api/v2.0/projects/closed/repositories", Reply(403, said))
    network.on(f"GET {HOST}/api/v2.0/projects/other/repositories", [{"name": "other/app"}])
    assert await flat(harbor(network).repositories()) == ["team/app", "team/a/b", "other/app"]


async def test_without_the_api_there_is_the_catalog(network: Network) -> None:
    network.on(f"GET {HOST}/v2/_catalog", {"repositories": ["team/app"]})
    assert await flat(harbor(network).repositories()) == ["team/app"]
    network.on(f"GET {HOST}/v2/_catalog", Reply(404))
    with pytest.raises(NotFound, match=r"/api/v2\.0|its repositories"):
        await flat(harbor(network).repositories())


async def test_it_searches(network: Network) -> None:
    found = {"project_name": "team", "repository_name": "team/app", "pull_count": 3, "artifact_count": 1}
    network.on(f"GET {HOST}/api/v2.0/search?q=a%20%26b", {"project": [], "repository": [found]})
    network.on(f"GET {HOST}/api/v2.0/search?q=none", {"project": None, "repository": None})
    assert await flat(harbor(network).search("a &b")) == [Hit("team/app")]
    assert await flat(harbor(network).search("none")) == []


async def test_its_tags_come_with_all_that_it_knows(network: Network) -> None:
    index = artifact(
        tag("multi"),
        digest="sha256:" + "b" * 64,
        manifest_media_type=media_types.OCI_INDEX,
        extra_attrs=None,
        references=[
            {"child_digest": "sha256:1", "platform": {"os": "linux", "architecture": "amd64"}},
            {"child_digest": "sha256:2", "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
            {"child_digest": "sha256:3", "platform": {"os": "unknown", "architecture": "unknown"}},
        ],
    )
    untagged = artifact(digest="sha256:" + "c" * 64, tags=None)
    network.on(ARTIFACTS, [artifact(tag("1.0", immutable=True), tag("latest")), index, untagged])
    tags = await flat(harbor(network).tags("team/app"))
    pushed = datetime(2024, 5, 7, tzinfo=UTC)
    assert tags[0] == VendorTag(
        "1.0",
        DIGEST,
        media_types.DOCKER_MANIFEST,
        3_000,
        created=datetime(2024, 5, 1, 0, 0, 0, 123456, UTC),
        pushed=pushed,
        pulled=datetime(2024, 6, 1, tzinfo=UTC),
        platforms=("linux/arm64",),
        immutable=True,
    )
    assert [(each.name, each.immutable) for each in tags] == [("1.0", True), ("latest", False), ("multi", False)]
    assert tags[2].platforms == ("linux/amd64", "linux/arm/v7")
    assert network.asked == [
        f"{ARTIFACTS}?with_tag=true&with_immutable_status=true&sort=-push_time&page=1&page_size=100"
    ]


async def test_a_name_with_slashes_is_encoded_twice_on_the_wire(network: Network) -> None:
    path = f"{HOST}/api/v2.0/projects/team/repositories/tools%252Flint%252Fx/artifacts"
    next_page = '</api/v2.0/projects/team/repositories/tools%252Flint%252Fx/artifacts?page=2>; rel="next"'
    network.on(f"GET {path}", Reply(200, [artifact(tag("1"))], {"link": next_page}))
    network.on(f"GET {path}?page=2", [artifact(tag("2"), digest="sha256:" + "d" * 64)])
    assert [each.name for each in await flat(harbor(network).tags("team/tools/lint/x"))] == ["1", "2"]


async def test_what_it_leaves_out_is_not_made_up(network: Network) -> None:
    bare = {"digest": "no digest", "tags": [{"name": "old", "push_time": "yesterday"}]}
    network.on(ARTIFACTS, [bare, artifact(tag("x"), extra_attrs={"os": 7, "created": ["?"]}, size=None)])
    old, other = await flat(harbor(network).tags("team/app"))
    assert old == VendorTag("old")
    assert (other.size, other.created, other.platforms) == (None, None, ())


async def test_a_tag_is_removed_and_no_other(network: Network) -> None:
    network.on(f"{ARTIFACTS}/1.0", artifact(tag("1.0"), tag("latest")))
    network.on(f"DELETE {HOST}/api/v2.0/projects/team/repositories/app/artifacts/1.0/tags/1.0", Reply(200))
    vendor = harbor(network, Credentials("robot$ci", "secret"))
    assert await vendor.removal("team/app", "1.0") == (Removal.VERB, "")
    await vendor.remove_tag("team/app", "1.0")
    assert network.last.method == "DELETE"
    assert network.last.authorization == "Basic cm9ib3QkY2k6c2VjcmV0"


async def test_a_login_for_a_project_alone_is_used_there(network: Network) -> None:
    """Podman keeps logins by path too: `harbor.example.com/team`."""

    async def found(repository: str) -> Credentials | None:
        return SOMEONE if repository.startswith("team/") else None

    network.on(ARTIFACTS, [artifact(tag("1.0"))])
    network.on(f"{ARTIFACTS}/1.0", artifact(tag("1.0")))
    vendor = harbor(network, credentials=found)
    assert [each.name for each in await flat(vendor.tags("team/app"))] == ["1.0"]
    await vendor.removal("team/app", "1.0")
    assert [request.authorization for request in network.requests] == [BASIC, BASIC]


async def test_an_immutable_tag_is_not_removed(network: Network) -> None:
    network.on(f"{ARTIFACTS}/1.0", artifact(tag("1.0", immutable=True), tag("latest")))
    way, why = await harbor(network).removal("team/app", "1.0")
    assert (way, why) == (Removal.NONE, "an immutability rule of its project protects it")
    said = {"errors": [{"code": "PRECONDITION", "message": "the tag 1.0 configured as immutable, cannot be deleted"}]}
    network.on(f"DELETE {HOST}/api/v2.0/projects/team/repositories/app/artifacts/1.0/tags/1.0", Reply(412, said))
    with pytest.raises(Answered, match="configured as immutable"):
        await harbor(network).remove_tag("team/app", "1.0")


@pytest.mark.parametrize(("status", "error"), [(401, LoginNeeded), (403, Forbidden), (404, NotFound)])
async def test_a_refused_removal_says_so(network: Network, status: int, error: type[Answered]) -> None:
    said = {"errors": [{"code": "X", "message": "no"}]}
    network.on(f"DELETE {HOST}/api/v2.0/projects/team/repositories/app/artifacts/1.0/tags/1.0", Reply(status, said))
    with pytest.raises(error, match="team/app"):
        await harbor(network).remove_tag("team/app", "1.0")


async def test_nothing_is_removed_in_read_only_mode(network: Network) -> None:
    with pytest.raises(ReadOnly):
        await harbor(network, read_only=True).remove_tag("team/app", "1.0")
    assert network.asked == []
