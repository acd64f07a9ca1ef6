"""Content discovery: the catalog, tags by the page, and referrers (distribution-spec, "Content Discovery")."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from regtui.oci import media_types
from regtui.oci.digest import digest_of
from tests.embedded.content import NOTHING, codes, descriptor, index, manifest, push, push_blob, push_image

TAGS = ["1.0", "1.10", "1.9", "Latest", "latest", "v1"]


async def pages(client: httpx.AsyncClient, url: str, key: str) -> list[list[str]]:
    """What following the Links gives, a list a page."""
    found = []
    while url:
        answer = await client.get(url)
        found.append(answer.json()[key])
        url = answer.links.get("next", {}).get("url", "")
    return found


@pytest.fixture
async def tagged(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A registry whose repository `app` has the TAGS."""
    await push_image(client, "app", *reversed(TAGS))
    return client


async def test_the_catalog_has_every_repository_also_one_below_another(client: httpx.AsyncClient, root: Path) -> None:
    for name in ("team/app/api", "debian", "team/app", "a-b/c__d"):
        await push_image(client, name, "1")
    (root / "Not a repository").mkdir()
    (root / "debian" / "blobs" / "inside").mkdir()
    names = ["a-b/c__d", "debian", "team/app", "team/app/api"]
    assert (await client.get("/v2/_catalog")).json() == {"repositories": names}
    assert await pages(client, "/v2/_catalog?n=3", "repositories") == [names[:3], names[3:]]


async def test_an_empty_registry_has_an_empty_catalog(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/_catalog")).json() == {"repositories": []}


async def test_tags_are_sorted_by_their_bytes(tagged: httpx.AsyncClient) -> None:
    assert (await tagged.get("/v2/app/tags/list")).json() == {"name": "app", "tags": TAGS}


@pytest.mark.parametrize("n", [1, 2, 4, 6, 100])
async def test_pages_follow_each_other_by_relative_links(tagged: httpx.AsyncClient, n: int) -> None:
    assert await pages(tagged, f"/v2/app/tags/list?n={n}", "tags") == [TAGS[at : at + n] for at in range(0, 6, n)]


async def test_last_goes_on_after_a_tag_that_may_be_gone(tagged: httpx.AsyncClient) -> None:
    for last, rest in (("1.9", TAGS[3:]), ("1.5", TAGS[2:]), ("zzz", []), ("v1", [])):
        assert (await tagged.get("/v2/app/tags/list", params={"last": last})).json()["tags"] == rest


async def test_no_tags_asked_for_are_no_tags_and_no_link(tagged: httpx.AsyncClient) -> None:
    answer = await tagged.get("/v2/app/tags/list?n=0")
    assert answer.json()["tags"] == []
    assert "link" not in answer.headers


@pytest.mark.parametrize("n", ["-1", "x", "", "1e3", "9" * 30])
async def test_a_page_size_that_is_no_number_is_refused(tagged: httpx.AsyncClient, n: str) -> None:
    assert (await tagged.get("/v2/app/tags/list", params={"n": n})).status_code == 400


async def test_a_repository_without_tags_has_an_empty_list_and_an_unknown_one_none(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"a blob alone")
    assert (await client.get("/v2/app/tags/list")).json()["tags"] == []
    answer = await client.get("/v2/other/tags/list")
    assert (answer.status_code, codes(answer)) == (404, ["NAME_UNKNOWN"])


async def test_referrers_come_with_their_type_and_annotations(client: httpx.AsyncClient) -> None:
    image = await push_image(client, "app", "1.0")
    subject = descriptor(image, media_types.OCI_MANIFEST)
    await push_blob(client, "app", b"{}")
    plain = manifest(b"{}", subject=subject)
    sbom = manifest(b"{}", subject=subject, artifactType="application/spdx+json", annotations={"of": "1.0"})
    listed = index(subject=subject)
    for raw in (plain, sbom, listed):
        await push(client, "app", raw)
    answer = await client.get(f"/v2/app/referrers/{digest_of(image)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_types.OCI_INDEX)
    expected = [
        {**descriptor(plain, media_types.OCI_MANIFEST), "artifactType": media_types.OCI_CONFIG},
        {
            **descriptor(sbom, media_types.OCI_MANIFEST),
            "artifactType": "application/spdx+json",
            "annotations": {"of": "1.0"},
        },
        descriptor(listed, media_types.OCI_INDEX),  # an index without a type has none here either
    ]
    assert answer.json() == {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": sorted(expected, key=lambda each: str(each["digest"])),
    }


async def test_referrers_by_type(client: httpx.AsyncClient) -> None:
    subject = descriptor(await push_image(client, "app", "1.0"), media_types.OCI_MANIFEST)
    await push_blob(client, "app", b"{}")
    for kind in ("application/a", "application/b"):
        await push(client, "app", manifest(b"{}", subject=subject, artifactType=kind))
    answer = await client.get(f"/v2/app/referrers/{subject['digest']}", params={"artifactType": "application/b"})
    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert [each["artifactType"] for each in answer.json()["manifests"]] == ["application/b"]


async def test_a_digest_without_referrers_and_an_unknown_repository_have_an_empty_list(
    client: httpx.AsyncClient,
) -> None:
    await push_image(client, "app", "1.0")
    for name in ("app", "nowhere"):
        answer = await client.get(f"/v2/{name}/referrers/{NOTHING}")
        assert (answer.status_code, answer.json()["manifests"]) == (200, [])
    assert codes(await client.get("/v2/app/referrers/latest")) == ["DIGEST_INVALID"]


async def test_referrers_follow_what_is_pushed_and_deleted(client: httpx.AsyncClient) -> None:
    image = await push_image(client, "app", "1.0")
    url = f"/v2/app/referrers/{digest_of(image)}"
    assert (await client.get(url)).json()["manifests"] == []
    await push_blob(client, "app", b"{}")
    signature = await push(client, "app", manifest(b"{}", subject=descriptor(image, media_types.OCI_MANIFEST)))
    assert [each["digest"] for each in (await client.get(url)).json()["manifests"]] == [signature]
    await client.delete(f"/v2/app/manifests/{signature}")
    assert (await client.get(url)).json()["manifests"] == []
