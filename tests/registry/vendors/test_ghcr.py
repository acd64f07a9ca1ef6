"""GitHub's packages API, in the shapes that GitHub documents.

Packages of organizations and users, versions, their deletion, scopes: docs.github.com/rest/packages/packages
(github/docs, content/rest/packages; google/go-github, github/orgs_packages_test.go, where names arrive with `%2F`).
`Link` pages and limits: docs.github.com/rest/using-the-rest-api. That a package's last tagged version stays is GitHub's
own answer ("You cannot delete the last tagged version of a package", quoted in kairos-io/kairos#4723).
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from regtui.errors import (
    Answered,
    ContentError,
    Forbidden,
    LoginNeeded,
    NotFound,
    RateLimited,
    ReadOnly,
    Unsupported,
)
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Removal
from regtui.registry.vendors.ghcr import GHCR, SCOPES
from tests.registry.vendors.server import HALF, WEB_PAGE, Network, Reply, flat

API = "api.github.com"
PAT = Credentials("someone", "ghp_secret")
TEAM = f"GET {API}/orgs/team"
PACKAGES = f"{TEAM}/packages"
APP = "/orgs/team/packages/container/web%2Fapp"
VERSIONS = f"GET {API}{APP}/versions"


def ghcr(network: Network, login: Credentials | None = PAT, **options: Any) -> GHCR:
    return network.vendor(GHCR, "ghcr.io", login, **options)


def package(name: str, owner: str = "Team") -> dict[str, Any]:
    return {"id": 197, "name": name, "package_type": "container", "owner": {"login": owner}, "visibility": "private"}


def version(number: int, *tags: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": "sha256:" + f"{number:064x}",
        "created_at": "2020-09-11T21:56:40Z",
        "updated_at": "2021-02-05T21:32:32Z",
        "metadata": {"package_type": "container", "container": {"tags": list(tags)}},
    }


def linked(body: object, path: str) -> Reply:
    return Reply(200, body, {"link": f'<https://{API}{path}>; rel="next", <https://{API}/x>; rel="last"'})


# --- Repositories


async def test_an_organizations_packages_come_page_by_page(network: Network) -> None:
    network.on(TEAM, {"login": "Team"})
    network.on(PACKAGES, linked([package("app"), package("Web/App")], "/organizations/9/packages?page=2"))
    network.on(f"GET {API}/organizations/9/packages?page=2", [package("app"), package("worker"), {"name": None}])
    network.on("GET ghcr.io/v2/", {})
    client = network.client("ghcr.io", PAT)
    await client.ping()
    assert isinstance(client.vendor, GHCR)
    pages = [names async for names in client.repositories("team/")]
    assert pages == [["team/app", "team/web/app"], ["team/worker"]]
    api = [seen for seen in network.requests if seen.host == API]
    assert [str(seen) for seen in api] == [
        TEAM,
        f"{PACKAGES}?package_type=container&per_page=100",
        f"GET {API}/organizations/9/packages?page=2",
    ]
    assert {seen.authorization for seen in api} == {"Bearer ghp_secret"}
    assert api[0].headers["x-github-api-version"] == "2022-11-28"


async def test_a_users_packages_are_asked_for_as_a_users(network: Network) -> None:
    network.on(f"GET {API}/orgs/octocat", Reply(404, {"message": "Not Found"}))
    network.on(f"GET {API}/users/octocat/packages", [package("hello/hello_docker", "octocat")])
    vendor = ghcr(network)
    assert await flat(vendor.repositories("octocat")) == ["octocat/hello/hello_docker"]
    assert await flat(vendor.repositories("octocat/hello/")) == ["octocat/hello/hello_docker"]
    assert network.asked.count(f"GET {API}/orgs/octocat") == 1


async def test_without_a_namespace_come_the_users_own(network: Network) -> None:
    network.on(f"GET {API}/user/packages", [package("app", "Someone"), {"name": "x", "owner": None}])
    assert await flat(ghcr(network).repositories()) == ["someone/app"]


async def test_without_a_login_nothing_is_asked(network: Network) -> None:
    with pytest.raises(Unsupported, match=r"only to those who are logged in\. Log in: regtui login ghcr\.io"):
        await flat(ghcr(network, None).repositories("team"))
    assert network.asked == []


@pytest.mark.parametrize(("status", "error"), [(401, LoginNeeded), (403, Forbidden), (404, NotFound), (500, Answered)])
async def test_a_refusal_says_what_the_token_needs(network: Network, status: int, error: type[Answered]) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(PACKAGES, Reply(status, {"message": "You need at least read:packages scope to list packages."}))
    with pytest.raises(error) as caught:
        await flat(ghcr(network).repositories("team"))
    assert (caught.value.advice == SCOPES) == (status != 500)
    assert "ghp_secret" not in str(caught.value)


@pytest.mark.parametrize("status", [403, 429])
async def test_githubs_limit_says_how_long_to_wait(network: Network, status: int) -> None:
    reset = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(time.time()) + 90)}
    network.on(TEAM, Reply(status, {"message": "API rate limit exceeded for user ID 1."}, reset))
    with pytest.raises(RateLimited) as caught:
        await flat(ghcr(network).repositories("team"))
    assert caught.value.retry_after is not None
    assert 80 <= caught.value.retry_after <= 90


@pytest.mark.parametrize("answer", [WEB_PAGE, HALF, {"message": "x"}, [{"name": 7}]])
async def test_what_is_no_list_is_an_error(network: Network, answer: object) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(PACKAGES, answer)
    with pytest.raises((Answered, ContentError)):
        await flat(ghcr(network).repositories("team"))


async def test_a_page_that_repeats_is_the_last(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(PACKAGES, linked([package("app")], "/orgs/team/packages?page=2"))
    assert await flat(ghcr(network).repositories("team")) == ["team/app"]
    assert len(network.requests) == 3


# --- Removal


async def test_a_tag_goes_with_the_version_that_is_its_alone(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(3), version(2, "2.0"), version(1, "1.0")])
    network.on(f"{VERSIONS}/2", version(2, "2.0"))
    network.on(f"DELETE {API}{APP}/versions/2", Reply(204))
    vendor = ghcr(network)
    assert await vendor.removal("team/web/app", "2.0") == (Removal.VERB, "")
    await vendor.remove_tag("team/web/app", "2.0")
    assert network.asked == [TEAM, f"{VERSIONS}?per_page=100", f"{VERSIONS}/2", f"DELETE {API}{APP}/versions/2"]
    assert (await vendor.removal("team/web/app", "1.0"))[1].startswith("GitHub keeps the last tag")
    assert len(network.requests) == 4  # what is left is known


async def test_an_image_with_other_tags_stays_whole(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(2, "2"), version(1, "a", "b", "c", "d", "e")])
    way, why = await ghcr(network).removal("team/web/app", "a")
    assert (way, why) == (
        Removal.NONE,
        "GitHub deletes images with all their tags, and this one has b, c, d and 1 more too",
    )


async def test_versions_are_read_as_far_as_needed(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(f"{VERSIONS}?per_page=100", linked([version(9, "9"), version(8, "8")], f"{APP}/versions?page=2"))
    network.on(f"{VERSIONS}?page=2", linked([version(7)], f"{APP}/versions?page=3"))
    network.on(f"{VERSIONS}?page=3", [version(6, "6")])
    vendor = ghcr(network)
    assert await vendor.removal("team/web/app", "9") == (Removal.VERB, "")
    assert len(network.requests) == 2
    assert await vendor.removal("team/web/app", "6") == (Removal.VERB, "")
    assert await vendor.removal("team/web/app", "none") == (Removal.NONE, "GitHub's API does not list it")
    assert len(network.requests) == 4


async def test_versions_that_go_in_a_circle_end(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, linked([version(9, "9")], f"{APP}/versions?page=2"))
    network.on(f"{VERSIONS}?page=2", linked([version(8, "8")], f"{APP}/versions?page=3"))
    network.on(f"{VERSIONS}?page=3", linked([version(8, "8")], f"{APP}/versions?page=4"))
    assert await ghcr(network).removal("team/web/app", "none") == (Removal.NONE, "GitHub's API does not list it")
    assert len(network.requests) == 4


async def test_the_last_tag_of_a_package_stays(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(2, "1.0"), version(1), {"id": 0, "metadata": None}])
    way, why = await ghcr(network).removal("team/web/app", "1.0")
    assert (way, why.startswith("GitHub keeps the last tag")) == (Removal.NONE, True)


async def test_nobody_deletes_without_a_login(network: Network) -> None:
    assert await ghcr(network, None).removal("team/web/app", "1") == (
        Removal.NONE,
        "only GitHub's own API deletes, and nobody is logged in: regtui login ghcr.io",
    )
    assert network.asked == []


async def test_a_version_that_got_another_tag_meanwhile_is_not_deleted(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(2, "2.0"), version(1, "1.0")])
    network.on(f"{VERSIONS}/2", version(2, "2.0", "latest"))
    vendor = ghcr(network)
    assert (await vendor.removal("team/web/app", "2.0"))[0] is Removal.VERB
    with pytest.raises(Unsupported, match="the tags of its image have changed meanwhile"):
        await vendor.remove_tag("team/web/app", "2.0")
    assert not any(seen.method == "DELETE" for seen in network.requests)


async def test_githubs_reason_not_to_delete_is_told(network: Network) -> None:
    said = "Publicly visible package versions with more than 5000 downloads cannot be deleted."
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(2, "2.0"), version(1, "1.0")])
    network.on(f"{VERSIONS}/2", version(2, "2.0"))
    network.on(f"DELETE {API}{APP}/versions/2", Reply(400, {"message": said, "status": "400"}))
    with pytest.raises(Answered, match=said):
        await ghcr(network).remove_tag("team/web/app", "2.0")


async def test_read_only_looks_and_deletes_nothing(network: Network) -> None:
    network.on(TEAM, {"login": "team"})
    network.on(VERSIONS, [version(2, "2.0"), version(1, "1.0")])
    network.on(f"{VERSIONS}/2", version(2, "2.0"))
    vendor = ghcr(network, read_only=True)
    assert (await vendor.removal("team/web/app", "2.0"))[0] is Removal.VERB
    with pytest.raises(ReadOnly):
        await vendor.remove_tag("team/web/app", "2.0")
    assert not any(seen.method == "DELETE" for seen in network.requests)
