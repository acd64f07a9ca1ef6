"""Manifests and indexes (OCI image-spec: manifest.md, image-index.md, descriptor.md), beside their exact bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from regtui.oci import media_types
from regtui.oci.decode import decode
from regtui.oci.digest import Digest

MANIFEST_LIMIT = 4 * 1024 * 1024
"""Bytes of a manifest at most, as the distribution specification suggests."""


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image runs on. `unknown/unknown` marks what runs on nothing: an attestation."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")

    def __str__(self) -> str:
        """`linux/arm/v7`, as `docker --platform` takes it."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A link to content: its media type, digest and size in bytes."""

    media_type: str = ""
    digest: str = ""
    size: int = 0
    urls: tuple[str, ...] | None = None
    annotations: dict[str, str] | None = None
    platform: Platform | None = None
    artifact_type: str = ""
    data: str | None = None

    @property
    def is_attestation(self) -> bool:
        """BuildKit's attestations stand among an index's images without being one."""
        named = (self.annotations or {}).get("vnd.docker.reference.type") == "attestation-manifest"
        return named or (self.platform is not None and str(self.platform) == "unknown/unknown")


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An image or an artifact: one config and its layers."""

    config: Descriptor
    schema_version: int = 2
    media_type: str = ""
    artifact_type: str = ""
    layers: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """Several manifests under one name, one a platform as a rule."""

    manifests: tuple[Descriptor, ...] | None = None
    schema_version: int = 2
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The children that are no attestations."""
        return tuple(child for child in self.manifests or () if not child.is_attestation)


class Schema1(msgspec.Struct, frozen=True, rename="camel"):
    """Docker's schema 1, which no tool writes any more: recognised, so that one can say so."""

    name: str = ""
    tag: str = ""
    architecture: str = ""


class Opaque(msgspec.Struct, frozen=True):
    """A manifest of a media type that regtui doesn't know; shown by its bytes."""


Content = Manifest | Index | Schema1 | Opaque


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as the registry keeps it: the exact bytes, their digest and media type, and what they say."""

    raw: bytes
    digest: Digest
    media_type: str
    content: Content

    @property
    def annotations(self) -> dict[str, str]:
        return (self.content.annotations or {}) if isinstance(self.content, Manifest | Index) else {}

    @property
    def subject(self) -> Descriptor | None:
        return self.content.subject if isinstance(self.content, Manifest | Index) else None

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """What a manifest needs to be whole: its config, then its layers. An index has none."""
        return (self.content.config, *(self.content.layers or ())) if isinstance(self.content, Manifest) else ()

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What an index refers to, attestations too."""
        return (self.content.manifests or ()) if isinstance(self.content, Index) else ()


def decode_document(raw: bytes, digest: Digest, media_type: str = "") -> Document:
    """What a manifest's bytes say; `media_type` is the answer's Content-Type, or empty to go by the bytes.

    Raises `ContentError` with the field that is wrong, and `TooLarge`. Unknown media types are no error.
    """
    media_type = media_types.bare(media_type)
    if media_type not in _KINDS:
        media_type = _media_type_inside(raw) or media_type
    kind, name = _KINDS.get(media_type, (Opaque, "manifest"))
    return Document(raw, digest, media_type, decode(raw, kind, name, MANIFEST_LIMIT))


_KINDS: dict[str, tuple[type[Content], str]] = {
    **dict.fromkeys(media_types.INDEXES, (Index, "index")),
    **dict.fromkeys(media_types.MANIFESTS, (Manifest, "manifest")),
    **dict.fromkeys(media_types.SCHEMA1, (Schema1, "schema 1 manifest")),
}


class _Outline(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    manifests: Any = None
    config: Any = None


def _media_type_inside(raw: bytes) -> str:
    """By the bytes alone, for servers that send `application/json`: image-spec 1.1 lets `mediaType` be missing."""
    outline = decode(raw, _Outline, "manifest", MANIFEST_LIMIT)
    if outline.media_type:
        return media_types.bare(outline.media_type)
    if outline.schema_version == 1:
        return media_types.DOCKER_SCHEMA1
    if outline.manifests is not None:
        return media_types.OCI_INDEX
    if outline.config is not None:
        return media_types.OCI_MANIFEST
    return ""
