"""What the registry leaves on disk, and what others put there (image-spec, image-layout.md)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import httpx
import msgspec
import pytest

from regtui.embedded.app import registry_app
from regtui.embedded.layout import TAG, Layout
from regtui.embedded.scratch import Scratch
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.manifest import decode_document
from regtui.registry.asgi import StreamingASGITransport
from tests.embedded.content import codes, index, push_image

IMAGE = b'{"schemaVersion":2,"config":{"digest":"sha256:0","size":0}}'


@pytest.fixture
def layout(root: Path) -> Layout:
    """An empty layout."""
    found = Layout(root / "app", Scratch(root / ".uploads"))
    found.create()
    return found


def put(layout: Layout, raw: bytes, tag: str = "", media_type: str = media_types.OCI_MANIFEST) -> Digest:
    document = decode_document(raw, digest_of(raw), media_type)
    layout.put(document, media_type, tag)
    return document.digest


def on_disk(layout: Layout) -> list[tuple[str, dict[str, str] | None]]:
    """The digests in `index.json`, with their annotations."""
    read = msgspec.json.decode((layout.folder / "index.json").read_bytes())
    return [(each["digest"], each.get("annotations")) for each in read["manifests"]]


def test_a_new_repository_is_an_empty_layout(layout: Layout) -> None:
    assert msgspec.json.decode((layout.folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert msgspec.json.decode((layout.folder / "index.json").read_bytes()) == {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [],
    }


def test_a_tag_is_an_annotation_and_an_untagged_manifest_has_none(layout: Layout) -> None:
    first = put(layout, IMAGE, "1.0")
    assert on_disk(layout) == [(first, {TAG: "1.0"})]
    second = put(layout, IMAGE + b" ", "1.0")
    assert on_disk(layout) == [(first, None), (second, {TAG: "1.0"})]
    put(layout, IMAGE, "0.9")
    assert on_disk(layout) == [(second, {TAG: "1.0"}), (first, {TAG: "0.9"})]
    layout.remove_tag("1.0")
    assert on_disk(layout) == [(first, {TAG: "0.9"}), (second, None)]
    layout.remove(second)
    assert on_disk(layout) == [(first, {TAG: "0.9"})]


def test_pushing_the_same_again_changes_nothing(layout: Layout) -> None:
    digest = put(layout, IMAGE, "1.0")
    put(layout, IMAGE, "1.0")
    put(layout, IMAGE)
    assert on_disk(layout) == [(digest, {TAG: "1.0"})]


def test_what_others_wrote_in_the_index_is_kept(layout: Layout) -> None:
    image = layout.path(digest_of(IMAGE))
    image.write_bytes(IMAGE)
    entry = {
        "mediaType": media_types.OCI_MANIFEST,
        "digest": digest_of(IMAGE),
        "size": len(IMAGE),
        "annotations": {TAG: "1.0", "io.containerd.image.name": "docker.io/library/app:1.0"},
        "platform": {"architecture": "arm", "os": "linux", "variant": "v7", "os.features": ["x"]},
    }
    named = {**entry, "annotations": {TAG: "docker.io/library/app:2.0"}}  # as buildah does: no tag of ours
    written = {"schemaVersion": 2, "manifests": [entry, named], "annotations": {"by": "hand"}}
    (layout.folder / "index.json").write_bytes(msgspec.json.encode(written))
    assert layout.contents().names == ["1.0"]
    put(layout, IMAGE + b" ", "3.0")
    read = msgspec.json.decode((layout.folder / "index.json").read_bytes())
    assert read["manifests"][:2] == [entry, named]
    assert read["annotations"] == {"by": "hand"}
    layout.remove_tag("1.0")
    read = msgspec.json.decode((layout.folder / "index.json").read_bytes())
    assert [each["annotations"] for each in read["manifests"]] == [named["annotations"], {TAG: "3.0"}]


def test_children_that_only_an_index_names_are_manifests_too(layout: Layout) -> None:
    layout.path(digest_of(IMAGE)).write_bytes(IMAGE)
    child = {"mediaType": media_types.OCI_MANIFEST, "digest": digest_of(IMAGE), "size": len(IMAGE)}
    inner = index(
        manifests=[child, {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b"no")}]
    )
    layout.path(digest_of(inner)).write_bytes(inner)
    put(layout, index(inner), "all", media_types.OCI_INDEX)
    found = layout.find(digest_of(IMAGE))
    assert found
    assert found.media_type == media_types.OCI_MANIFEST
    assert not layout.find(digest_of(b"no"))


async def test_a_damaged_index_is_a_failure_that_says_so(client: httpx.AsyncClient, root: Path) -> None:
    await push_image(client, "app", "1.0")
    for damage in (b"", b"{", b'{"schemaVersion":2,"manifests":5}'):
        (root / "app" / "index.json").write_bytes(damage)
        answer = await client.get("/v2/app/tags/list")
        assert (answer.status_code, codes(answer)) == (500, ["UNKNOWN"])
        assert "index.json can't be read" in answer.text


async def test_digests_in_an_index_that_are_none_lead_nowhere(client: httpx.AsyncClient, root: Path) -> None:
    await push_image(client, "app", "1.0")
    entry = {"mediaType": media_types.OCI_MANIFEST, "digest": "sha256:../../../index.json", "size": 3}
    written = {"schemaVersion": 2, "manifests": [{**entry, "annotations": {TAG: "evil"}}]}
    (root / "app" / "index.json").write_bytes(msgspec.json.encode(written))
    assert (await client.get("/v2/app/manifests/evil")).status_code == 404
    assert (await client.get("/v2/app/tags/list")).json()["tags"] == []


async def test_a_manifest_whose_bytes_are_missing_is_unknown(client: httpx.AsyncClient, root: Path) -> None:
    raw = await push_image(client, "app", "1.0")
    (root / "app" / "blobs" / "sha256" / digest_of(raw)[7:]).unlink()
    for method in ("GET", "HEAD", "DELETE"):
        answer = await client.request(method, f"/v2/app/manifests/{digest_of(raw)}")
        assert answer.status_code == 404


async def test_everything_is_there_again_in_the_next_process(client: httpx.AsyncClient, root: Path) -> None:
    raw = await push_image(client, "team/app", "1.0")
    async with httpx.AsyncClient(
        transport=StreamingASGITransport(registry_app(root)), base_url="http://r.test"
    ) as again:
        assert (await again.get("/v2/_catalog")).json() == {"repositories": ["team/app"]}
        assert (await again.get("/v2/team/app/manifests/1.0")).content == raw


def test_unfinished_uploads_are_swept_after_a_day(root: Path) -> None:
    scratch = Scratch(root / ".uploads")
    old, new = scratch.new(), scratch.new()
    for file in (old, new):
        file.touch()
    os.utime(old, (0, time.time() - 25 * 60 * 60))
    registry_app(root)
    assert [old.exists(), new.exists()] == [False, True]
