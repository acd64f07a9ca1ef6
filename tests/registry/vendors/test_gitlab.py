"""GitLab's APIs.

Read, in gitlabhq/gitlabhq: REST (doc/api/container_registry.md, lib/api/group_container_repositories.rb and
app/finders/container_repositories_finder.rb: a group's list has its subgroups'); which tokens it takes
(doc/api/rest/authentication.md: access tokens, as Bearer too; no deploy tokens, job tokens in few places); GraphQL's
fields, its 20 tags a page at most and what becomes of longer ones (app/graphql/types/container_registry/,
app/graphql/resolvers/container_repository_tags_resolver.rb, lib/gitlab/graphql/pagination/); who may delete at the
registry itself (app/services/auth/container_registry_authentication_service.rb), and that it deletes a tag by its name
(merge request 134455, gitlab-org/container-registry issue 1091). `min_access_level` of the groups and
`users/NAME/projects`: as others' clients ask. Not looked up: tokens' prefixes beside GitLab's own `gldt-` and `glcbt-`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from regtui.errors import ContentError, Forbidden, LoginNeeded, NotFound, RateLimited, ReadOnly, Unsupported
from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Removal, VendorTag
from regtui.registry.vendors.gitlab import GitLab
from tests.registry.vendors.server import HALF, SOMEONE, WEB_PAGE, Network, Reply, Seen, flat

HOST, API = "registry.gitlab.com", "gitlab.com/api/v4"
ME = Credentials("me", "glpat-secret")
GRAPHQL = "POST gitlab.com/api/graphql"
MEMBER = f"{API}/groups?min_access_level=10&per_page=100"
PROJECT = f"{API}/projects/team%2Fapp/registry/repositories"


async def gitlab(
    network: Network,
    login: Credentials | None = ME,
    host: str = HOST,
    realm: str = "https://gitlab.com",
    **options: Any,
) -> GitLab:
    """A GitLab after the first look at its registry."""
    challenge = f'Bearer realm="{realm}/jwt/auth",service="container_registry"'
    network.on(f"GET {host}/v2/", Reply(401, {"errors": []}, {"www_authenticate": challenge}), Reply(200))
    network.on(f"GET {realm.partition('//')[2]}/jwt/auth", {"token": "jwt"})
    client = network.client(host, login, **options)
    await client.ping()
    assert isinstance(client.vendor, GitLab)
    network.requests.clear()
    return client.vendor


def repository(number: int, path: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": "",
        "path": path,
        "project_id": 9,
        "location": f"{HOST}/{path}",
        "created_at": "2019-01-10T13:38:57.391Z",
        "cleanup_policy_started_at": None,
        "status": None,
    }


def node(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "digest": "sha256:" + "1" * 64,
        "mediaType": media_types.OCI_MANIFEST,
        "totalSize": "350224384",
        "createdAt": "2019-01-06T16:49:51+00:00",
        "publishedAt": "2024-01-06T16:49:51+00:00",
        **fields,
    }


def told(*nodes: dict[str, Any] | None, after: str | None = None) -> dict[str, Any]:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return {"data": {"containerRepository": {"tags": {"nodes": list(nodes), "pageInfo": info}}}}


async def test_a_group_is_listed_with_all_below_page_by_page(network: Network) -> None:
    group = f"GET {API}/groups/team%2Fsub/registry/repositories"
    link = f'<https://{API}/groups/team%2Fsub/registry/repositories?page=2&per_page=100>; rel="next"'
    network.on(f"{group}?per_page=1", [repository(1, "team/sub/app")])
    network.on(f"{group}?per_page=100", Reply(200, [repository(1, "team/sub/app")], {"link": link}))
    network.on(f"{group}?page=2&per_page=100", [repository(2, "team/sub/x/lib")])
    vendor = await gitlab(network)
    assert await flat(vendor.repositories("team/sub")) == ["team/sub/app", "team/sub/x/lib"]
    assert {request.authorization for request in network.requests} == {"Bearer glpat-secret"}


async def test_a_project_is_listed_too_and_what_is_neither_is_said(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(1, "team/app"), repository(2, "team/app/tools")])
    vendor = await gitlab(network, None)
    assert await flat(vendor.repositories("team/app/")) == ["team/app", "team/app/tools"]
    assert {request.authorization for request in network.requests} == {""}
    with pytest.raises(NotFound, match="has no group, project or user nobody"):
        await flat(vendor.repositories("nobody"))


async def test_without_a_namespace_the_users_groups_are_listed(network: Network) -> None:
    network.on(f"GET {MEMBER}", [{"id": 5, "path": "team", "full_path": "team"}])
    network.on(f"GET {API}/groups/5/registry/repositories", [repository(1, "team/app")])
    assert await flat((await gitlab(network)).repositories()) == ["team/app"]
    with pytest.raises(Unsupported, match="by group or project") as caught:
        await flat((await gitlab(network, None)).repositories())
    assert caught.value.advice == "Name a group or project, or open a repository by name."


async def test_what_a_group_above_has_listed_is_not_asked_for_again(network: Network) -> None:
    """A guest may not read the registry of a group, and yet that of a subgroup; one may belong to subgroups only."""
    paths = ["team", "team/sub", "guest", "guest/own", "guest/own/x", "other/sub"]
    network.on(f"GET {MEMBER}", [{"id": number, "full_path": path} for number, path in enumerate(paths)])
    network.on(f"GET {API}/groups/0/registry/repositories", [repository(1, "team/a"), repository(2, "team/sub/b")])
    network.on(f"GET {API}/groups/2/registry/repositories", Reply(403, {"message": "403 Forbidden"}))
    network.on(f"GET {API}/groups/3/registry/repositories", [repository(3, "guest/own/x/c")])
    network.on(f"GET {API}/groups/5/registry/repositories", [repository(4, "other/sub/d")])
    found = await flat((await gitlab(network)).repositories())
    assert sorted(found) == ["guest/own/x/c", "other/sub/d", "team/a", "team/sub/b"]
    assert not [asked for asked in network.asked if "groups/1/" in asked or "groups/4/" in asked]


async def test_a_users_own_projects_are_listed(network: Network) -> None:
    projects = [{"id": 8, "path_with_namespace": "me/tool"}, {"id": 9, "path_with_namespace": "me/without"}]
    network.on(f"GET {API}/users/me/projects?simple=true&per_page=100", projects)
    network.on(f"GET {API}/projects/8/registry/repositories", [repository(1, "me/tool"), repository(2, "me/tool/x")])
    network.on(f"GET {API}/projects/9/registry/repositories", Reply(403, {"message": "403 Forbidden"}))
    network.on(f"GET {MEMBER}", [])
    vendor = await gitlab(network)
    assert await flat(vendor.repositories("me")) == ["me/tool", "me/tool/x"]
    assert await flat(vendor.repositories()) == ["me/tool", "me/tool/x"]


async def test_no_more_tags_are_asked_for_at_once_than_gitlab_gives(network: Network) -> None:
    """Of a page of 100 it would give 20, and the next page would begin at the hundredth."""
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(GRAPHQL, told(node("1")))
    await flat((await gitlab(network)).tags("team/app"))
    assert "tags(first: 20, after: $after" in network.last.json["query"]


async def test_tags_come_by_graphql_in_pages(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    index = node("multi", mediaType=media_types.OCI_INDEX, totalSize="0", createdAt=None)
    network.on(GRAPHQL, told(node("1"), None, after="abc"), told(index, node("old", mediaType=None, digest=None)))
    tags = await flat((await gitlab(network)).tags("team/app"))
    assert tags[0] == VendorTag(
        "1",
        Digest("sha256:" + "1" * 64),
        media_types.OCI_MANIFEST,
        350224384,
        datetime(2019, 1, 6, 16, 49, 51, tzinfo=UTC),
        datetime(2024, 1, 6, 16, 49, 51, tzinfo=UTC),
    )
    assert [(tag.name, tag.size) for tag in tags[1:]] == [("multi", None), ("old", None)]
    variables = [request.json["variables"] for request in network.requests if request.method == "POST"]
    number = "gid://gitlab/ContainerRepository/7"
    assert variables == [{"id": number, "after": None}, {"id": number, "after": "abc"}]


async def test_a_cursor_that_comes_again_is_the_end(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(GRAPHQL, told(node("1"), after="abc"))
    assert [tag.name for tag in await flat((await gitlab(network)).tags("team/app"))] == ["1"]
    assert len([request for request in network.requests if request.method == "POST"]) == 2


async def test_a_repository_below_a_project_is_found(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app"), repository(8, "team/app/a/b")])
    network.on(GRAPHQL, told(node("1")))
    assert [tag.name for tag in await flat((await gitlab(network)).tags("team/app/a/b"))] == ["1"]
    assert [request.path for request in network.requests[:3]] == [
        "/api/v4/projects/team%2Fapp%2Fa%2Fb/registry/repositories",
        "/api/v4/projects/team%2Fapp%2Fa/registry/repositories",
        "/api/v4/projects/team%2Fapp/registry/repositories",
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errors": [{"message": "Field 'mediaType' doesn't exist on type 'ContainerRepositoryTag'"}]}, Unsupported),
        ({"data": {"containerRepository": None}}, NotFound),
        ({"data": None}, NotFound),
        (Reply(401, {"message": "401 Unauthorized"}), LoginNeeded),
        (Reply(403, {"message": "403 Forbidden"}), Forbidden),
        (Reply(429, {"message": "Retry later"}, {"retry_after": "60"}), RateLimited),
        (WEB_PAGE, Exception),
        (HALF, ContentError),
    ],
)
async def test_what_is_no_list_of_tags_is_an_error(network: Network, answer: object, error: type[Exception]) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(GRAPHQL, answer)
    with pytest.raises(error):
        await flat((await gitlab(network)).tags("team/app"))


async def test_an_access_token_removes_a_tag_by_the_api(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(f"DELETE {PROJECT}/7/tags/1.0", Reply(200))
    vendor = await gitlab(network)
    assert await vendor.removal("team/app", "1.0") == (Removal.VERB, "")
    await vendor.remove_tag("team/app", "1.0")
    assert network.asked[1:] == [f"DELETE {PROJECT}/7/tags/1.0"]
    assert network.last.authorization == "Bearer glpat-secret"


async def test_a_protected_tag_stays_and_one_hears_why(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(f"DELETE {PROJECT}/7/tags/1.0", Reply(403, {"message": "403 Forbidden - Protected tag"}))
    with pytest.raises(Forbidden, match="Protected tag") as caught:
        await (await gitlab(network)).remove_tag("team/app", "1.0")
    assert "rule of the project" in caught.value.advice


@pytest.mark.parametrize(
    "login", [("gitlab+deploy-token-42", "secret"), ("gitlab-ci-token", "secret"), ("me", "gldt-1"), ("me", "glcbt-1")]
)
async def test_tokens_of_deployments_and_jobs_stay_with_the_registry(network: Network, login: tuple[str, str]) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    vendor = await gitlab(network, Credentials(*login))
    assert await vendor.removal("team/app", "1.0") == (Removal.REGISTRY, "")
    assert network.asked == []


async def test_a_password_that_is_no_token_leaves_it_to_the_registry(network: Network) -> None:
    network.on(f"GET {PROJECT}", Reply(401, {"message": "401 Unauthorized"}))
    assert await (await gitlab(network, SOMEONE)).removal("team/app", "1.0") == (Removal.REGISTRY, "")


async def test_the_token_goes_to_no_host_that_does_not_belong_to_the_registry(network: Network) -> None:
    """A registry may name any login server; the API there hears nothing of the login."""
    host, realm = "registry.example.com", "https://gitlab.evil.example.org"
    network.on(
        "GET gitlab.evil.example.org/api/v4/projects/team%2Fapp/registry/repositories", [repository(7, "team/app")]
    )
    challenge = f'Bearer realm="{realm}/jwt/auth",service="container_registry"'
    network.on(f"GET {host}/v2/", Reply(401, {"errors": []}, {"www_authenticate": challenge}))
    network.on("GET gitlab.evil.example.org/jwt/auth", {"token": "nobody"})
    client = network.client(host, ME)
    with pytest.raises(LoginNeeded):
        await client.ping()
    assert await client.vendor.removal("team/app", "1.0") == (Removal.REGISTRY, "")
    assert await flat(client.vendor.repositories("team/app")) == ["team/app"]
    assert {request.authorization for request in network.requests} == {"", "Bearer nobody"}


async def test_a_login_server_that_the_user_confirmed_hears_it(network: Network) -> None:
    realm = "https://git.corporation.example.org"
    network.on(
        "GET git.corporation.example.org/api/v4/projects/team%2Fapp/registry/repositories", [repository(7, "team/app")]
    )
    confirmed = frozenset({"git.corporation.example.org"})
    vendor = await gitlab(network, ME, "registry.example.com", realm, realms=confirmed)
    assert await vendor.removal("team/app", "1.0") == (Removal.VERB, "")
    assert network.last.authorization == "Bearer glpat-secret"


async def test_a_next_page_on_another_host_is_asked_of_the_api_itself(network: Network) -> None:
    def second(request: Seen) -> Reply:
        return Reply(200, [repository(2, "team/app/b")])

    link = '<https://evil.example.com/api/v4/stolen?page=2>; rel="next"'
    network.on(f"GET {PROJECT}", Reply(200, [repository(1, "team/app")], {"link": link}))
    network.on("GET gitlab.com/api/v4/stolen?page=2", second)
    assert await flat((await gitlab(network)).repositories("team/app")) == ["team/app", "team/app/b"]
    assert {request.host for request in network.requests} == {"gitlab.com"}


async def test_ones_own_gitlab_may_live_below_a_path(network: Network) -> None:
    realm = "https://git.example.com/gitlab"
    network.on(
        "GET git.example.com/gitlab/api/v4/projects/team%2Fapp/registry/repositories", [repository(7, "team/app")]
    )
    network.on("POST git.example.com/gitlab/api/graphql", told(node("1")))
    vendor = await gitlab(network, ME, "registry.example.com", realm)
    assert [tag.name for tag in await flat(vendor.tags("team/app"))] == ["1"]
    assert {request.authorization for request in network.requests} == {"Bearer glpat-secret"}


async def test_read_only_lets_one_read_but_not_delete(network: Network) -> None:
    network.on(f"GET {PROJECT}", [repository(7, "team/app")])
    network.on(GRAPHQL, told(node("1")))
    vendor = await gitlab(network, read_only=True)
    assert len(await flat(vendor.tags("team/app"))) == 1
    with pytest.raises(ReadOnly):
        await vendor.remove_tag("team/app", "1")
