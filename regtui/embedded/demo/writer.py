"""Writes the demo's repositories: blobs, manifests and at the end the index, each repository a layout of its own."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from regtui.embedded.demo.tree import Tree
from regtui.embedded.layout import TAG, IndexFile
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of, hex_of
from regtui.oci.manifest import Descriptor, Platform

NOW = datetime(2026, 11, 20, 14, 32, 5, tzinfo=UTC)
"""The day on which the newest things of the demo were made. Fixed: digests depend on it."""

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer on the shelf: `file` holds its compressed bytes."""

    descriptor: Descriptor
    diff_id: Digest
    file: Path


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction of a Dockerfile as history tells it; most have a layer."""

    words: str
    made: datetime
    layer: Layer | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of."""

    steps: Sequence[Step]
    execution: Mapping[str, Any] = field(default_factory=dict)  # the config's `config`
    platform: str = "linux/amd64"
    docker: bool = False  # Docker's schema 2 instead of OCI's types
    annotations: Mapping[str, str] | None = None


class Shelf:
    """Layers that several repositories share, each made once. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._layers: dict[str, Layer] = {}

    def layer(self, name: str, make: Callable[[], Tree], media_type: str = GZIP) -> Layer:
        """The layer of this name, made by `make` when it isn't here yet."""
        if name not in self._layers:
            self._layers[name] = self._put(make().tar(), media_type)
        return self._layers[name]

    def _put(self, tar: bytes, media_type: str) -> Layer:
        compressed = _zstd(tar) if media_type == ZSTD else _gzip(tar)
        digest = digest_of(compressed)
        file = self._folder / hex_of(digest)
        file.write_bytes(compressed)
        return Layer(Descriptor(media_type, digest, len(compressed)), digest_of(tar), file)


class Writer:
    """One repository while it is written. It exists for others when `close` has written its index."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.shelf = shelf
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._entries: list[Descriptor] = []

    def blob(self, data: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> Descriptor:
        digest = digest_of(data)
        (self._blobs / hex_of(digest)).write_bytes(data)
        return Descriptor(media_type, digest, len(data), annotations=dict(annotations) if annotations else None)

    def put(self, layer: Layer) -> Descriptor:
        """A layer from the shelf in this repository, as a second name of its file."""
        target = self._path(layer)
        if not target.exists():
            os.link(layer.file, target)
        return layer.descriptor

    def image(self, recipe: Recipe) -> Descriptor:
        """An image; its descriptor names its platform."""
        layers = [step.layer for step in recipe.steps if step.layer]
        for layer in layers:
            self.put(layer)
        config_type = media_types.DOCKER_CONFIG if recipe.docker else media_types.OCI_CONFIG
        config = self.blob(msgspec.json.encode(_config(recipe, layers)), config_type)
        descriptors = [_as_docker(layer.descriptor) if recipe.docker else layer.descriptor for layer in layers]
        kind = media_types.DOCKER_MANIFEST if recipe.docker else media_types.OCI_MANIFEST
        written = self.manifest({"config": config, "layers": descriptors}, kind, recipe.annotations)
        return msgspec.structs.replace(written, platform=platform_of(recipe.platform))

    def index(
        self, *children: Descriptor, docker: bool = False, annotations: Mapping[str, str] | None = None
    ) -> Descriptor:
        kind = media_types.DOCKER_LIST if docker else media_types.OCI_INDEX
        return self.manifest({"manifests": children}, kind, annotations)

    def artifact(
        self,
        artifact_type: str,
        *layers: Descriptor,
        config: Descriptor | None = None,
        subject: Descriptor | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Descriptor:
        """An artifact as an image manifest (image-spec, manifest.md, "Guidelines for Artifact Usage")."""
        content: Json = {"artifactType": artifact_type} if artifact_type else {}
        content |= {"config": config or self.blob(b"{}", media_types.OCI_EMPTY), "layers": layers}
        if subject:
            content["subject"] = Descriptor(subject.media_type, subject.digest, subject.size)
        return self.manifest(content, media_types.OCI_MANIFEST, annotations)

    def manifest(self, content: Json, media_type: str, annotations: Mapping[str, str] | None = None) -> Descriptor:
        """Writes a manifest, indented as BuildKit does, and keeps it untagged until `tag` names it."""
        whole = {"schemaVersion": 2, "mediaType": media_type, **content}
        if annotations:
            whole["annotations"] = annotations
        return self.blob(msgspec.json.format(msgspec.json.encode(whole), indent=2), media_type)

    def tag(self, described: Descriptor, *names: str) -> None:
        """Names a manifest; without names it is listed untagged."""
        plain = Descriptor(described.media_type, described.digest, described.size)
        for name in names:
            self._entries.append(msgspec.structs.replace(plain, annotations={TAG: name}))
        if not names:
            self._entries.append(plain)

    def lose(self, layer: Layer) -> None:
        """Removes a layer's bytes, as a careless clean-up of the storage does."""
        self._path(layer).unlink()

    def _path(self, layer: Layer) -> Path:
        return self._blobs / hex_of(Digest(layer.descriptor.digest))

    def close(self) -> None:
        (self._folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
        unfinished = self._folder / ".index.json"
        unfinished.write_bytes(msgspec.json.encode(IndexFile(2, media_types.OCI_INDEX, tuple(self._entries))))
        unfinished.rename(self._folder / "index.json")


def ago(days: float = 0, hours: float = 0) -> datetime:
    """A moment before NOW, to the second."""
    return NOW - timedelta(seconds=int(days * 86400 + hours * 3600))


def written(moment: datetime) -> str:
    """A moment as configs and annotations write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def platform_of(text: str) -> Platform:
    system, architecture, *variant = text.split("/")
    return Platform(architecture, system, variant[0] if variant else "")


def _config(recipe: Recipe, layers: Sequence[Layer]) -> Json:
    platform = platform_of(recipe.platform)
    history = [
        {
            "created": written(step.made),
            "created_by": step.words,
            **({"comment": "buildkit.dockerfile.v0"} if step.words.endswith("# buildkit") else {}),
            **({} if step.layer else {"empty_layer": True}),
        }
        for step in recipe.steps
    ]
    return {
        "architecture": platform.architecture,
        **({"variant": platform.variant} if platform.variant else {}),
        "os": platform.os,
        "created": written(recipe.steps[-1].made),
        "config": recipe.execution,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": history,
    }


def _as_docker(descriptor: Descriptor) -> Descriptor:
    return msgspec.structs.replace(descriptor, media_type=DOCKER_GZIP)


def _gzip(tar: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)  # 31: gzip's frame, without a time in it
    return packer.compress(tar) + packer.flush()


def _zstd(tar: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(tar)
