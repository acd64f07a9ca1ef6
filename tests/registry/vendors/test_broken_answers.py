"""What every vendor's list has to stand: refusals, limits, web pages, half JSON, pages without an end, other hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from regtui.errors import Answered, ContentError, Forbidden, LoginNeeded, NotFound, RateLimited, RegtuiError
from regtui.registry.vendors import Removal, Vendor
from regtui.registry.vendors.artifactory import Artifactory
from regtui.registry.vendors.azure import Azure
from regtui.registry.vendors.gitea import Gitea
from regtui.registry.vendors.gitlab import GitLab
from regtui.registry.vendors.google import Google
from regtui.registry.vendors.harbor import Harbor
from tests.registry.vendors.server import BASIC, HALF, SOMEONE, WEB_PAGE, Network, Reply, Seen, flat

HOST = "registry.example.com"
Read = Callable[[Any], AsyncIterator[list[Any]]]

LISTS = [
    pytest.param(Harbor, lambda it: it.repositories(), "/api/v2.0/repositories", [{"name": "a"}], id="Harbor"),
    pytest.param(
        Harbor,
        lambda it: it.tags("p/a"),
        "/api/v2.0/projects/p/repositories/a/artifacts",
        [{"digest": "x", "tags": [{"name": "a"}]}],
        id="Harbor's tags",
    ),
    pytest.param(
        GitLab,
        lambda it: it._listed("projects/1"),
        "/api/v4/projects/1/registry/repositories",
        [{"id": 1, "path": "a"}],
        id="GitLab",
    ),
    pytest.param(Gitea, lambda it: it.repositories("p"), "/api/v1/packages/p", [{"name": "a"}], id="Gitea"),
    pytest.param(
        Artifactory,
        lambda it: it._of_key("p", ""),
        "/artifactory/api/docker/p/v2/_catalog",
        {"repositories": ["a"]},
        id="Artifactory",
    ),
    pytest.param(Google, lambda it: it.tags("p/a"), "/v2/p/a/tags/list", {"tags": ["a"]}, id="Google"),
    pytest.param(Azure, lambda it: it.tags("p/a"), "/acr/v1/p/a/_tags", {"tags": [{"name": "a"}]}, id="Azure"),
]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(401, {"errors": []}), LoginNeeded),
        (Reply(403, {"errors": [{"code": "DENIED", "message": "no"}]}), Forbidden),
        (Reply(404, {"message": "404 Not Found"}), NotFound),
        (Reply(429, {"message": "slow down"}, {"retry_after": "60"}), RateLimited),
        (Reply(502, b"", {"retry_after": "60"}), Answered),
        (Reply(418, b"\xff\xfe"), Answered),
        (WEB_PAGE, Answered),
        (HALF, ContentError),
        (Reply(200, b""), ContentError),
        (Reply(200, b"7"), ContentError),
        (Reply(200, b"[" * 100_000), ContentError),
    ],
)
@pytest.mark.parametrize(("kind", "read", "path", "page"), LISTS)
async def test_what_is_no_list_is_an_error_for_people(
    network: Network, kind: type[Vendor], read: Read, path: str, page: object, answer: Reply, error: type[RegtuiError]
) -> None:
    network.on(f"GET {HOST}{path}", answer)
    with pytest.raises(error) as caught:
        await flat(read(network.vendor(kind, HOST, SOMEONE)))
    assert "pass:wörd" not in f"{caught.value!r}{caught.value}"


@pytest.mark.parametrize(("kind", "read", "path", "page"), LISTS)
async def test_a_page_that_comes_again_and_again_is_the_last(
    network: Network, kind: type[Vendor], read: Read, path: str, page: object
) -> None:
    def again(request: Seen) -> Reply:
        return Reply(200, page, {"link": f'<{path}?page={len(network.requests)}>; rel="next"'})

    network.on(f"GET {HOST}{path}", again)
    network.on(f"GET {HOST}/acr/v1/p/a/_manifests", {"manifests": []})
    assert len(await flat(read(network.vendor(kind, HOST, SOMEONE)))) == 1
    assert len([request for request in network.requests if request.path == path]) == 2


@pytest.mark.parametrize(("kind", "read", "path", "page"), LISTS)
async def test_a_next_page_on_another_host_is_asked_of_the_same_one(
    network: Network, kind: type[Vendor], read: Read, path: str, page: object
) -> None:
    link = '<https://evil.example.org/next?page=2>; rel="next"'
    network.on(f"GET {HOST}{path}", Reply(200, page, {"link": link}))
    network.on(f"GET {HOST}/next?page=2", page)
    network.on(f"GET {HOST}/acr/v1/p/a/_manifests", {"manifests": []})
    await flat(read(network.vendor(kind, HOST, SOMEONE)))
    assert {request.host for request in network.requests} == {HOST}
    assert f"GET {HOST}/next?page=2" in network.asked


@pytest.mark.parametrize("kind", [Harbor, Gitea, Artifactory])
async def test_a_redirect_to_another_host_takes_no_login_along(network: Network, kind: type[Vendor]) -> None:
    vendor = network.vendor(kind, HOST, SOMEONE)
    path = "/artifactory/api/docker/p/v2/_catalog" if kind is Artifactory else "/api/v1/packages/p"
    path = "/api/v2.0/projects/p/repositories" if kind is Harbor else path
    network.on(f"GET {HOST}{path}", Reply(302, None, {"location": "https://elsewhere.example.org/list"}))
    network.on("GET elsewhere.example.org/list", {"repositories": ["a"]} if kind is Artifactory else [{"name": "p/a"}])
    assert len(await flat(vendor.repositories("p"))) == 1
    assert [request.authorization for request in network.requests] == [BASIC, ""]


@pytest.mark.parametrize("kind", [Harbor, Azure, Google])
async def test_without_a_login_nothing_is_planned(network: Network, kind: type[Vendor]) -> None:
    """What is public shows its tags to everybody, and lets nobody delete them."""
    way, why = await network.vendor(kind, HOST).removal("p/a/b", "1")
    assert (way, why) == (Removal.NONE, f"nobody is logged in: regtui login {HOST}")
    assert network.asked == []
