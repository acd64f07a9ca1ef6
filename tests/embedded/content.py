"""Small content for the embedded registry's tests, and the requests that push it."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of

NOTHING = digest_of(b"nobody has this")


def manifest(config: bytes, /, *layers: bytes, **fields: Any) -> bytes:
    """An image manifest over a config and layers; `fields` are joined in (artifactType, subject, annotations …)."""
    content = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": descriptor(config, media_types.OCI_CONFIG),
        "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
    }
    return msgspec.json.encode({**content, **fields})


def index(*children: bytes, **fields: Any) -> bytes:
    """An index over manifests."""
    content = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [descriptor(child, msgspec.json.decode(child)["mediaType"]) for child in children],
    }
    return msgspec.json.encode({**content, **fields})


def descriptor(content: bytes, media_type: str, algorithm: str = "sha256") -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content, algorithm), "size": len(content)}


async def push_blob(client: httpx.AsyncClient, repository: str, content: bytes) -> Digest:
    """Pushes a blob with one POST."""
    digest = digest_of(content)
    answer = await client.post(f"/v2/{repository}/blobs/uploads/", params={"digest": digest}, content=content)
    assert answer.status_code == 201, answer.text
    return digest


async def push(client: httpx.AsyncClient, repository: str, raw: bytes, *tags: str) -> Digest:
    """Pushes a manifest under tags, or by its digest when there are none."""
    digest = digest_of(raw)
    for version in tags or (digest,):
        answer = await put_manifest(client, repository, version, raw)
        assert answer.status_code == 201, answer.text
    return digest


async def put_manifest(client: httpx.AsyncClient, repository: str, version: str, raw: bytes) -> httpx.Response:
    headers = {"Content-Type": msgspec.json.decode(raw)["mediaType"]}
    return await client.put(f"/v2/{repository}/manifests/{version}", content=raw, headers=headers)


async def push_image(client: httpx.AsyncClient, repository: str, *tags: str, layer: bytes = b"layer") -> bytes:
    """Pushes an image of one layer, and returns its manifest."""
    config = msgspec.json.encode({"architecture": "amd64", "os": "linux", "layer": layer.decode()})
    for blob in (config, layer):
        await push_blob(client, repository, blob)
    raw = manifest(config, layer)
    await push(client, repository, raw, *tags)
    return raw


def codes(answer: httpx.Response) -> list[str]:
    """The error codes of an answer."""
    return [error["code"] for error in answer.json()["errors"]]
