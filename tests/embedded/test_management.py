"""Deleting tags, manifests and blobs (distribution-spec, "Content Management")."""

from __future__ import annotations

from pathlib import Path

import httpx

from regtui.oci.digest import digest_of
from tests.embedded.content import NOTHING, codes, index, push, push_blob, push_image


async def tags(client: httpx.AsyncClient) -> list[str]:
    found: list[str] = (await client.get("/v2/app/tags/list")).json()["tags"]
    return found


async def test_deleting_a_tag_takes_only_that_tag(client: httpx.AsyncClient) -> None:
    raw = await push_image(client, "app", "1.4.2", "1.4", "latest")
    assert (await client.delete("/v2/app/manifests/1.4")).status_code == 202
    assert await tags(client) == ["1.4.2", "latest"]
    assert (await client.get("/v2/app/manifests/1.4")).status_code == 404
    assert (await client.get("/v2/app/manifests/latest")).content == raw


async def test_an_image_whose_last_tag_went_stays_by_digest(client: httpx.AsyncClient) -> None:
    raw = await push_image(client, "app", "1.0")
    await client.delete("/v2/app/manifests/1.0")
    assert await tags(client) == []
    assert (await client.get(f"/v2/app/manifests/{digest_of(raw)}")).content == raw


async def test_deleting_a_digest_takes_every_tag_on_it(client: httpx.AsyncClient) -> None:
    raw = await push_image(client, "app", "1.4.2", "latest", layer=b"one")
    await push_image(client, "app", "1.4.1", layer=b"two")
    assert (await client.delete(f"/v2/app/manifests/{digest_of(raw)}")).status_code == 202
    assert await tags(client) == ["1.4.1"]
    for version in ("latest", digest_of(raw)):
        assert (await client.head(f"/v2/app/manifests/{version}")).status_code == 404


async def test_the_same_bytes_pushed_again_bring_a_deleted_image_back(client: httpx.AsyncClient) -> None:
    raw = await push_image(client, "app", "1.0")
    await client.delete(f"/v2/app/manifests/{digest_of(raw)}")
    assert await push(client, "app", raw, "1.0") == digest_of(raw)
    assert (await client.get("/v2/app/manifests/1.0")).content == raw


async def test_deleting_an_index_leaves_its_children_and_the_reverse(client: httpx.AsyncClient) -> None:
    children = [await push_image(client, "app", layer=layer) for layer in (b"amd64", b"arm64")]
    outer = await push(client, "app", index(*children), "1.0")
    assert (await client.delete(f"/v2/app/manifests/{digest_of(children[0])}")).status_code == 202
    assert (await client.head(f"/v2/app/manifests/{digest_of(children[0])}")).status_code == 404
    assert (await client.head("/v2/app/manifests/1.0")).status_code == 200
    assert (await client.delete(f"/v2/app/manifests/{outer}")).status_code == 202
    assert (await client.head(f"/v2/app/manifests/{digest_of(children[1])}")).status_code == 200


async def test_what_is_not_there_cannot_be_deleted(client: httpx.AsyncClient) -> None:
    await push_image(client, "app", "1.0")
    for path, code in (
        ("app/manifests/2.0", "MANIFEST_UNKNOWN"),
        (f"app/manifests/{NOTHING}", "MANIFEST_UNKNOWN"),
        (f"nowhere/manifests/{NOTHING}", "NAME_UNKNOWN"),
        (f"app/blobs/{NOTHING}", "BLOB_UNKNOWN"),
    ):
        answer = await client.delete(f"/v2/{path}")
        assert (answer.status_code, codes(answer)) == (404, [code])


async def test_a_deleted_blob_is_gone_and_its_image_can_no_longer_be_pulled(client: httpx.AsyncClient) -> None:
    await push_image(client, "app", "1.0", layer=b"layer")
    url = f"/v2/app/blobs/{digest_of(b'layer')}"
    assert (await client.delete(url)).status_code == 202
    assert codes(await client.get(url)) == ["BLOB_UNKNOWN"]
    assert (await client.head("/v2/app/manifests/1.0")).status_code == 200


async def test_a_manifest_is_not_deleted_as_a_blob(client: httpx.AsyncClient) -> None:
    raw = await push_image(client, "app", "1.0")
    assert codes(await client.delete(f"/v2/app/blobs/{digest_of(raw)}")) == ["UNSUPPORTED"]
    assert (await client.get("/v2/app/manifests/1.0")).content == raw


async def test_deleting_gives_the_manifests_bytes_back_but_no_layers(client: httpx.AsyncClient, root: Path) -> None:
    raw = await push_image(client, "app", "1.0", layer=b"layer")
    await client.delete(f"/v2/app/manifests/{digest_of(raw)}")
    blobs = {path.name for path in (root / "app" / "blobs" / "sha256").iterdir()}
    assert digest_of(raw)[7:] not in blobs
    assert digest_of(b"layer")[7:] in blobs


async def test_with_deletion_off_nothing_is_deleted_and_everything_else_works(
    client: httpx.AsyncClient, client_without_deletion: httpx.AsyncClient
) -> None:
    raw = await push_image(client_without_deletion, "app", "1.0")
    layer = await push_blob(client_without_deletion, "app", b"layer")
    for path in ("manifests/1.0", f"manifests/{digest_of(raw)}", f"manifests/{NOTHING}", f"blobs/{layer}"):
        answer = await client_without_deletion.delete(f"/v2/app/{path}")
        assert (answer.status_code, codes(answer)) == (405, ["UNSUPPORTED"])
    assert await tags(client) == ["1.0"]
