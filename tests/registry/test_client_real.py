"""The client against Debian's docker-registry (2.8.2), with images pushed by skopeo."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from regtui.errors import ConnectionFailed, LoginNeeded, NotFound, ReadOnly, TLSFailed, Unsupported
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.manifest import Descriptor
from regtui.registry.client import Client, Deletion
from regtui.registry.credentials import Credentials, find_credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import open_transport
from tests.conftest import LOGIN
from tests.registry.fakes import DIGEST, collect, names, stream
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_tags


@asynccontextmanager
async def connect(registry: DockerRegistry, endpoint: Endpoint | None = None, **options: Any) -> AsyncIterator[Client]:
    endpoint = endpoint or Endpoint(registry.host, "http")
    client = Client(endpoint, open_transport(endpoint, connections=20, timeout=10), timeout=10, **options)
    try:
        yield client
    finally:
        await client.aclose()


def changes(registry: DockerRegistry) -> list[str]:
    return [line for line in registry.requests() if line.split()[0] not in ("GET", "HEAD")]


# --- Reading


async def test_what_skopeo_pushed_is_read_back(registry: DockerRegistry, layout: Layout) -> None:
    digest = layout.push(layout.image({"app": b"x" * 1000}), registry, "team/app:1.0")
    registry.tag("team/app", "1.0", "latest")
    async with connect(registry) as client:
        await client.ping()
        assert await names(client.repositories()) == ["team/app"]
        assert sorted(await names(client.tags("team/app"))) == sorted(skopeo_tags(registry, "team/app"))
        head = await client.head("team/app", "latest")
        assert head.digest == digest == skopeo_digest(registry, "team/app:latest")
        document = await client.manifest("team/app", "latest")
        assert (document.digest, digest_of(document.raw)) == (digest, digest)
        assert head == Descriptor(document.media_type, digest, len(document.raw))
        assert await client.manifest("team/app", digest) == document
        for blob in document.blobs:
            assert await client.blob_size("team/app", Digest(blob.digest)) == blob.size
            whole = await client.blob_bytes("team/app", Digest(blob.digest), 10_000)
            assert await collect(client.blob("team/app", Digest(blob.digest))) == whole
            part = client.blob("team/app", Digest(blob.digest), start=3, end=20)
            assert await collect(part) == whole[3:20]


async def test_indexes_and_docker_schema_2_come_as_what_they_are(registry: DockerRegistry, layout: Layout) -> None:
    images = [layout.image({"app": b"1"}, platform=platform) for platform in ("linux/amd64", "linux/arm/v7")]
    digest = layout.push(layout.index(*images), registry, "team/app:multi")
    layout.push(images[0], registry, "team/app:docker", as_docker=True)
    async with connect(registry) as client:
        index = await client.manifest("team/app", "multi")
        assert (index.digest, index.media_type) == (digest, media_types.OCI_INDEX)
        assert [str(child.platform) for child in index.children] == ["linux/amd64", "linux/arm/v7"]
        assert (await client.manifest("team/app", "docker")).media_type == media_types.DOCKER_MANIFEST


async def test_a_long_unsorted_list_comes_whole(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    tags = [f"v{number}" for number in range(200)]
    registry.tag("team/app", "1.0", *tags)
    async with connect(registry) as client:
        assert sorted(await names(client.tags("team/app"))) == sorted(["1.0", *tags])
        heads = await asyncio.gather(*(client.head("team/app", tag) for tag in tags))
        assert len({head.digest for head in heads}) == 1


async def test_referrers_are_found_by_their_tag(registry: DockerRegistry, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = layout.push(image, registry, "team/app:1.0")
    sbom = layout.artifact(media_types.OCI_EMPTY, layout.blob(b"{}", "application/spdx+json"), subject=image)
    layout.push(sbom, registry, "team/app:sbom")
    layout.push(layout.index(sbom), registry, f"team/app:{digest.replace(':', '-')}")
    async with connect(registry) as client:
        assert [found.digest for found in await client.referrers("team/app", digest)] == [sbom["digest"]]
        assert await client.referrers("team/app", DIGEST) == []


async def test_what_is_not_there_is_named(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    async with connect(registry) as client:
        with pytest.raises(NotFound, match=f"{registry.host}/team/app has no tag 2.0"):
            await client.head("team/app", "2.0")
        with pytest.raises(NotFound, match=f"{registry.host} has no repository team/db"):
            await names(client.tags("team/db"))
        with pytest.raises(NotFound, match=f"{registry.host}/team/app has no blob {DIGEST}"):
            await client.blob_size("team/app", DIGEST)


# --- Changing


async def test_a_retag_keeps_the_digest(registry: DockerRegistry, layout: Layout) -> None:
    images = [layout.image({"app": b"1"}, platform=platform) for platform in ("linux/amd64", "linux/arm64")]
    layout.push(layout.index(*images), registry, "team/app:1.0")
    async with connect(registry) as client:
        document = await client.manifest("team/app", "1.0")
        digest = await client.put_manifest("team/app", "stable", document.raw, document.media_type)
    assert digest == document.digest == skopeo_digest(registry, "team/app:stable")


async def test_this_server_deletes_digests_with_all_their_tags_and_no_tags(
    registry: DockerRegistry, layout: Layout
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    registry.tag("team/app", "1.0", "latest")
    async with connect(registry) as client:
        assert await client.may_delete("team/app") is Deletion.ON
        with pytest.raises(Unsupported, match="doesn't delete a tag by its name"):
            await client.delete_manifest("team/app", "1.0")
        document = await client.manifest("team/app", "1.0")
        await client.delete_manifest("team/app", digest)
        for tag in ("1.0", "latest"):
            with pytest.raises(NotFound):
                await client.head("team/app", tag)
        assert await client.put_manifest("team/app", "latest", document.raw, document.media_type) == digest
        assert await names(client.tags("team/app")) == ["latest"]


async def test_deletion_that_is_off_is_seen_and_explained(
    registry_without_deletion: DockerRegistry, layout: Layout
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry_without_deletion, "team/app:1.0")
    pushed = changes(registry_without_deletion)
    async with connect(registry_without_deletion) as client:
        assert await client.may_delete("team/app") is Deletion.OFF
        assert await client.may_delete("team/app") is Deletion.OFF
        for version in ("1.0", digest):
            with pytest.raises(Unsupported, match="REGISTRY_STORAGE_DELETE_ENABLED=true"):
                await client.delete_manifest("team/app", version)
    probe, *rest = changes(registry_without_deletion)[len(pushed) :]
    assert probe == f"DELETE /v2/team/app/manifests/sha256:{'0' * 64}"
    assert len(rest) == 2


async def test_read_only_reaches_the_server_with_reads_only(registry: DockerRegistry, layout: Layout) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    pushed = changes(registry)
    async with connect(registry, read_only=True) as client:
        document = await client.manifest("team/app", "1.0")
        with pytest.raises(ReadOnly):
            await client.put_manifest("team/app", "2.0", document.raw, document.media_type)
        with pytest.raises(ReadOnly):
            await client.delete_manifest("team/app", digest)
        with pytest.raises(ReadOnly):
            await client.may_delete("team/app")
    assert changes(registry) == pushed


async def test_blobs_are_sent_and_mounted(registry: DockerRegistry) -> None:
    data = b"hello" * 1000
    digest = digest_of(data)
    async with connect(registry) as client:
        await client.upload_blob("team/app", digest, len(data), stream(data[:7], data[7:]))
        assert await client.blob_bytes("team/app", digest, len(data)) == data
        with pytest.raises(NotFound):
            await client.blob_size("team/other", digest)
        assert await client.mount_blob("team/other", digest, "team/app") is True
        assert await client.blob_size("team/other", digest) == len(data)
        assert await client.mount_blob("team/other", DIGEST, "team/app") is False


async def test_a_large_blob_is_never_whole_in_memory(registry: DockerRegistry) -> None:
    chunk, count = b"\0" * 1024 * 1024, 48
    import hashlib

    digest = Digest(f"sha256:{hashlib.sha256(chunk * count).hexdigest()}")
    async with connect(registry) as client, connect(registry) as other:
        tracemalloc.start()
        await client.upload_blob("team/app", digest, len(chunk) * count, stream(*[chunk] * count))
        blob = other.blob("team/app", digest)
        await client.upload_blob("team/copy", digest, len(chunk) * count, blob)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert await client.blob_size("team/copy", digest) == len(chunk) * count
    assert peak < 8 * len(chunk)


async def test_a_stream_that_is_left_early_gives_its_connection_back(registry: DockerRegistry) -> None:
    data = bytes(5_000_000)
    digest = digest_of(data)
    endpoint = Endpoint(registry.host, "http")
    client = Client(endpoint, open_transport(endpoint, connections=1, timeout=5), timeout=5)
    try:
        await client.upload_blob("team/app", digest, len(data), stream(data))
        for _ in range(3):
            async with aclosing(client.blob("team/app", digest)) as blob:
                assert await blob.__anext__()
        assert await client.blob_size("team/app", digest) == len(data)
    finally:
        await client.aclose()


# --- Logging in


async def test_a_login_opens_the_registry(registry_with_login: DockerRegistry, layout: Layout) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry_with_login, "team/app:1.0")

    async def login(repository: str) -> Credentials:
        return Credentials(*LOGIN)

    async with connect(registry_with_login, credentials=login) as client:
        await client.ping()
        assert (await client.manifest("team/app", "1.0")).digest == digest
        data = b"hello"
        await client.upload_blob("team/app", digest_of(data), len(data), stream(data))
        await client.delete_manifest("team/app", digest)


async def test_dockers_login_is_taken(registry_with_login: DockerRegistry, isolated_environment: Path) -> None:
    host = registry_with_login.host
    auth = {"auths": {f"https://{host}": {"auth": b64encode(":".join(LOGIN).encode()).decode()}}}
    folder = isolated_environment / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(auth))
    async with connect(registry_with_login, credentials=partial(find_credentials, host)) as client:
        await client.ping()
        assert await names(client.repositories()) == []


async def test_a_wrong_login_and_a_missing_one_are_told_apart(registry_with_login: DockerRegistry) -> None:
    async def wrong(repository: str) -> Credentials:
        return Credentials(LOGIN[0], "wrong")

    async with connect(registry_with_login, credentials=wrong) as client:
        with pytest.raises(LoginNeeded, match="refused the one that was given") as caught:
            await client.ping()
        assert "wrong" not in str(caught.value)
    async with connect(registry_with_login) as client:
        with pytest.raises(LoginNeeded, match="none was given"):
            await client.ping()
        with pytest.raises(LoginNeeded, match="none was given"):
            await names(client.repositories())


async def test_one_connection_is_enough_to_log_in(registry_with_login: DockerRegistry) -> None:
    async def login(repository: str) -> Credentials:
        return Credentials(*LOGIN)

    endpoint = Endpoint(registry_with_login.host, "http")
    client = Client(endpoint, open_transport(endpoint, connections=1, timeout=5), credentials=login, timeout=5)
    async with asyncio.timeout(5):
        await asyncio.gather(*(client.ping() for _ in range(5)))
    await client.aclose()


# --- Getting there


async def test_a_closed_port_is_said_to_be_one(registry: DockerRegistry) -> None:
    endpoint = Endpoint("127.0.0.1:1", "http")
    async with connect(registry, endpoint) as client:
        with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:1 refused"):
            await client.ping()


async def test_a_private_ca_has_to_be_named(tmp_path: Path, layout: Layout) -> None:
    with docker_registry(tmp_path / "server", tls=True) as registry:
        digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        endpoint = Endpoint(registry.host)
        async with connect(registry, endpoint) as client:
            with pytest.raises(TLSFailed, match=registry.host):
                await client.ping()
        async with connect(registry, replace(endpoint, ca_file=str(registry.ca_file))) as client:
            assert (await client.head("team/app", "1.0")).digest == digest
