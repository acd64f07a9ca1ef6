"""The demo: what is in it, that it is the same every time, and that changes to it are real."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from regtui.embedded.demo import Demo, DemoRepositories, demo_app
from regtui.embedded.demo.catalog import TAGS
from regtui.embedded.demo.writer import NOW, ZSTD
from regtui.embedded.layout import Layout
from regtui.oci import media_types
from regtui.oci.config import ImageConfig, build_date, decode_config, join_history
from regtui.oci.digest import Digest, digest_of
from regtui.oci.kinds import Kind, companion_of, kind_of
from regtui.oci.manifest import Descriptor, Document, Manifest, decode_document
from regtui.registry.asgi import StreamingASGITransport
from tests.embedded.content import codes
from tests.embedded.server import served
from tests.registry_servers.images import skopeo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoRepositories:
    """The demo's repositories, in a folder of this module, made as they are read. Nobody changes them."""
    root = tmp_path_factory.mktemp("demo")
    return DemoRepositories(root)


@pytest.fixture
def demo() -> Iterator[Demo]:
    demo = demo_app()
    yield demo
    demo.close()


@pytest.fixture
async def client(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=StreamingASGITransport(demo.app), base_url="http://demo.localhost"
    ) as client:
        yield client


def layout(made: DemoRepositories, name: str) -> Layout:
    found = made.get(name)
    assert found
    return found


def document(layout: Layout, version: str) -> Document:
    found = layout.find(version)
    assert found, version
    return decode_document(layout.path(found.digest).read_bytes(), Digest(found.digest), found.media_type)


def image(layout: Layout, version: str) -> tuple[Manifest, ImageConfig]:
    """An image's manifest and config; of an index, those of its first child."""
    found = document(layout, version)
    if found.children:
        found = document(layout, found.children[0].digest)
    assert isinstance(found.content, Manifest)
    return found.content, decode_config(layout.path(found.content.config.digest).read_bytes())


def tar_of(layout: Layout, layer: Descriptor) -> bytes:
    packed = layout.path(layer.digest).read_bytes()
    if layer.media_type == ZSTD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    return gzip.decompress(packed)


def files(layout: Layout, layer: Descriptor) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar_of(layout, layer)), errors="surrogateescape") as tar:
        return {entry.name: entry for entry in tar}


async def test_the_lists_are_there_before_anything_is_made(client: httpx.AsyncClient, demo: Demo) -> None:
    names = (await client.get("/v2/_catalog")).json()["repositories"]
    assert names == sorted(TAGS)
    assert len((await client.get("/v2/team/app/tags/list")).json()["tags"]) == 406
    assert not list(demo.root.rglob("index.json"))


async def test_reading_a_manifest_makes_its_repository_and_no_other(client: httpx.AsyncClient, demo: Demo) -> None:
    assert (await client.get("/v2/charts/app/manifests/1.2.0")).status_code == 200
    assert list(demo.root.rglob("index.json")) == [demo.root / "charts/app/index.json"]


async def test_closing_removes_the_folder(demo: Demo, client: httpx.AsyncClient) -> None:
    await client.get("/v2/charts/app/manifests/1.2.0")
    demo.close()
    assert not demo.root.exists()


@pytest.mark.parametrize("name", sorted(TAGS))
def test_a_repository_is_whole_and_has_the_tags_that_the_list_promised(made: DemoRepositories, name: str) -> None:
    promised = made.tags(name)
    found = layout(made, name)
    assert found.contents().names == promised
    missing = []
    for digest, descriptor in found.contents().manifests.items():
        raw = found.path(digest).read_bytes()
        assert (digest_of(raw), len(raw)) == (digest, descriptor.size)
        read = decode_document(raw, Digest(digest), descriptor.media_type)
        for needed in (*read.blobs, *read.children):
            if not found.has(needed.digest):
                missing.append(needed)
            else:
                assert found.path(needed.digest).stat().st_size == needed.size
    assert len(missing) == (1 if name == "team/billing" else 0)


def test_the_digests_are_the_same_in_every_demo_whatever_is_read_first(made: DemoRepositories, tmp_path: Path) -> None:
    other = DemoRepositories(tmp_path / "other")
    for name in sorted(TAGS, reverse=True):
        assert layout(other, name).contents().index == layout(made, name).contents().index, name


def test_layers_are_what_their_digests_say(made: DemoRepositories) -> None:
    for name, tag in (("team/app/worker", "stable"), ("tools/builder", "nightly"), ("base/debian", "12-slim")):
        found = layout(made, name)
        manifest, config = image(found, tag)
        assert config.rootfs
        for layer, diff_id in zip(manifest.layers or (), config.rootfs.diff_ids or (), strict=True):
            assert digest_of(found.path(layer.digest).read_bytes()) == layer.digest
            assert digest_of(tar_of(found, layer)) == diff_id


def test_400_versions_and_names_that_share_their_digests(made: DemoRepositories) -> None:
    tags = layout(made, "team/app").contents().tags
    versions = [tag for tag in tags if tag.count(".") == 2]
    assert len(versions) == 400
    assert {"v1.9.0", "v1.10.0", "v1.10.0-rc1"} < set(versions)
    assert len({tags[version].digest for version in versions}) == 400
    assert tags["latest"].digest == tags["v1"].digest == tags["v1.14"].digest == tags["v1.14.2"].digest
    assert tags["stable"].digest == tags["v1.13.7"].digest


def test_every_kind_is_there(made: DemoRepositories) -> None:
    kinds = {
        ("team/app/api", "latest"): (Kind.INDEX, media_types.OCI_INDEX),
        ("team/app", "v1.9.0"): (Kind.IMAGE, media_types.OCI_MANIFEST),
        ("base/alpine", "latest"): (Kind.IMAGE, media_types.DOCKER_MANIFEST),
        ("base/debian", "latest"): (Kind.INDEX, media_types.DOCKER_LIST),
        ("charts/app", "1.2.0"): (Kind.HELM, media_types.OCI_MANIFEST),
        ("models/ranker", "current"): (Kind.ARTIFACT, media_types.OCI_MANIFEST),
    }
    for (name, tag), (kind, media_type) in kinds.items():
        found = document(layout(made, name), tag)
        assert (kind_of(found), found.media_type) == (kind, media_type), name


def test_an_index_as_buildkit_makes_it(made: DemoRepositories) -> None:
    index = document(layout(made, "team/app/api"), "1.4.2")
    assert [str(child.platform) for child in index.children if not child.is_attestation] == [
        "linux/amd64",
        "linux/arm64",
        "linux/arm/v7",
    ]
    assert sum(child.is_attestation for child in index.children) == 3


def test_signature_sbom_and_attestation_refer_to_the_newest_index(made: DemoRepositories) -> None:
    found = layout(made, "team/app/api")
    referrers = found.referrers(document(found, "latest").digest)
    kinds = {kind_of(document(found, referrer.digest)) for referrer in referrers}
    assert kinds == {Kind.SIGNATURE, Kind.SBOM, Kind.ATTESTATION}


def test_cosigns_tags_stand_beside_what_they_belong_to(made: DemoRepositories) -> None:
    found = layout(made, "tools/migrate")
    companions = {tag: companion_of(tag) for tag in found.contents().names if tag.startswith("sha256-")}
    kinds = Counter(kind_of(document(found, tag)) for tag in companions)
    assert kinds == {Kind.SIGNATURE: 2, Kind.SBOM: 2, Kind.ATTESTATION: 2}
    assert document(found, "latest").digest in companions.values()


def test_layers_hold_what_real_ones_do(made: DemoRepositories) -> None:
    found = layout(made, "team/app/worker")
    manifest, _ = image(found, "stable")
    layers = [files(found, layer) for layer in manifest.layers or ()]
    lowest, top = layers[0], layers[-1]
    assert lowest["bin"].issym()
    assert lowest["bin"].linkname == "usr/bin"
    assert lowest["usr/bin/perl"].islnk()
    assert lowest["usr/bin/su"].mode == 0o4755
    assert lowest["tmp"].mode == 0o1777
    assert lowest["etc/shadow"].gid == 42
    assert "var/lib/dpkg/status" in lowest
    assert "var/lib/dpkg/status" in layers[1]
    assert "app/.wh.tests" in top
    assert any(name.endswith("/.wh..wh..opq") for name in top)
    assert any(name.endswith(".dist-info/METADATA") for layer in layers for name in layer)


def test_odd_names_are_as_odd_as_they_come(made: DemoRepositories) -> None:
    found = layout(made, "tools/odd-paths")
    manifest, config = image(found, "1")
    entries = files(found, (manifest.layers or ())[0])
    assert {"odd/latin-1 caf\udce9.txt", "odd/new\nline", f"odd/{'a' * 255}", "odd/漢字/かな/🐳"} < set(entries)
    assert {entry.type for entry in entries.values()} == {bytes([kind]) for kind in b"0123456"}
    assert config.config
    assert "\x1b[2J" in (config.config.labels or {})["escape"]


def test_history_has_a_step_for_every_layer_and_empty_ones_between(made: DemoRepositories) -> None:
    for name, tag in (("team/app/api", "latest"), ("nginx", "latest"), ("team/app", "v1.9.0")):
        manifest, config = image(layout(made, name), tag)
        steps = join_history(manifest.layers or (), config.history)
        assert all(step.instruction for step in steps)
        assert [step.layer_number for step in steps if step.layer] == list(range(len(manifest.layers or ())))
        assert any(step.layer is None for step in steps)


def test_dates_lie_in_the_months_before_the_demos_day_and_never_before_their_bases(made: DemoRepositories) -> None:
    for name in ("team/app", "team/app/worker", "nginx", "tools/builder", "base/alpine", "team/app/api"):
        for tag in layout(made, name).contents().names:
            _, config = image(layout(made, name), tag)
            assert config.built
            assert config.built <= NOW
            assert (NOW - config.built).days < 600
            dates = [date for step in config.history or () if (date := build_date(step.created))]
            assert dates == sorted(dates), (name, tag)


async def test_the_image_with_a_missing_layer_says_so(client: httpx.AsyncClient) -> None:
    manifest = (await client.get("/v2/team/billing/manifests/2.0.1")).json()
    lost = manifest["layers"][-1]["digest"]
    answer = await client.get(f"/v2/team/billing/blobs/{lost}")
    assert (answer.status_code, codes(answer)) == (404, ["BLOB_UNKNOWN"])
    assert (await client.head(f"/v2/team/billing/blobs/{manifest['layers'][0]['digest']}")).status_code == 200


async def test_a_repository_whose_tags_are_all_gone(client: httpx.AsyncClient) -> None:
    for _ in ("before", "after"):
        assert (await client.get("/v2/team/sandbox/tags/list")).json() == {"name": "team/sandbox", "tags": []}
        await client.head("/v2/team/sandbox/manifests/any")


async def test_changes_are_real(client: httpx.AsyncClient) -> None:
    url = "/v2/base/alpine/manifests/"
    newest = await client.get(url + "latest")
    assert (await client.delete(url + "3")).status_code == 202
    await client.put(url + "mine", content=newest.content, headers={"Content-Type": newest.headers["content-type"]})
    tags = (await client.get("/v2/base/alpine/tags/list")).json()["tags"]
    assert "3" not in tags
    assert {"mine", "latest", "3.22"} < set(tags)
    assert (await client.get(url + "mine")).headers["docker-content-digest"] == digest_of(newest.content)


async def test_blobs_are_mounted_from_repositories_that_nobody_has_read_yet(client: httpx.AsyncClient) -> None:
    other = demo_app()
    async with httpx.AsyncClient(transport=StreamingASGITransport(other.app), base_url="http://r.test") as reader:
        config = (await reader.get("/v2/base/alpine/manifests/latest")).json()["config"]["digest"]
    other.close()
    answer = await client.post("/v2/team/new/blobs/uploads/", params={"mount": config, "from": "base/alpine"})
    assert answer.status_code == 201
    assert "team/new" in (await client.get("/v2/_catalog")).json()["repositories"]


def test_skopeo_pulls_an_image_of_the_demo(demo: Demo, tmp_path: Path) -> None:
    with served(demo.app) as host:
        for name in ("team/app/worker:stable", "base/alpine:latest", "tools/builder:nightly"):
            skopeo("copy", "--src-tls-verify=false", f"docker://{host}/{name}", f"oci:{tmp_path}/pulled:it")
