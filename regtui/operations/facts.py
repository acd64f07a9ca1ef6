"""What a tag points to: the facts of the tags table (PROTOCOL.md, "What created and size mean")."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from sys import intern

import msgspec

from regtui.oci.config import ImageConfig, build_date
from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind, kind_of
from regtui.oci.manifest import Document, Platform

_CREATED = "org.opencontainers.image.created"


class TagFacts(msgspec.Struct, frozen=True, gc=False):
    """One digest's facts, shared by all tags on it."""

    digest: Digest
    media_type: str
    kind: Kind
    created: datetime | None  # UTC
    created_source: str  # "config", "annotation", "vendor", "pushed" for the date of the push, "" when nothing says
    size: int  # compressed bytes: config and layers; of an index all its images', each blob once
    platforms: tuple[str, ...]  # "linux/amd64", without attestations
    partial: bool = False  # an index of which one image was read so far: created and size are shown with ~
    pushed: datetime | None = None  # UTC, as the registry's vendor tells it; so are the pulls
    pulled: datetime | None = None


class ImageFacts(msgspec.Struct, frozen=True):
    """What one manifest adds to the facts of its tag, or of the index that it is in."""

    created: datetime | None
    created_source: str
    blobs: dict[str, int]  # digest → bytes, so that an index counts each once
    platform: Platform


def image_facts(document: Document, config: ImageConfig | None) -> ImageFacts:
    """Of an image with its `config`, or of an artifact, whose config neither has a date nor counts."""
    created, source = (config.built, "config") if config else (None, "")
    if created is None:
        created = _annotated(document)
        source = "annotation" if created else ""
    blobs = document.blobs if config else document.blobs[1:]
    return ImageFacts(
        created, source, {blob.digest: max(blob.size, 0) for blob in blobs}, config.platform if config else Platform()
    )


def facts_of_image(document: Document, image: ImageFacts) -> TagFacts:
    return _facts(document, image, [image.platform])


def facts_of_index(document: Document, images: list[ImageFacts], platforms: list[Platform], partial: bool) -> TagFacts:
    """Of an index of which these images were read."""
    joined = joined_facts(images)
    if joined.created is None:
        created = _annotated(document)
        joined = ImageFacts(created, "annotation" if created else "", joined.blobs, joined.platform)
    return _facts(document, joined, platforms, partial)


def joined_facts(images: list[ImageFacts]) -> ImageFacts:
    """Several images as one: the newest date, each blob once."""
    newest = max((image for image in images if image.created), key=_date, default=None)
    blobs = {digest: size for image in images for digest, size in image.blobs.items()}
    created, source = (newest.created, newest.created_source) if newest else (None, "")
    return ImageFacts(created, source, blobs, Platform())


def _facts(document: Document, image: ImageFacts, platforms: list[Platform], partial: bool = False) -> TagFacts:
    names = dict.fromkeys(str(platform) for platform in platforms)
    return TagFacts(
        document.digest,
        intern(document.media_type),
        kind_of(document),
        image.created,
        image.created_source,
        sum(image.blobs.values()),
        _shared(tuple(name for name in names if name)),
        partial,
    )


@lru_cache(1024)
def _shared(platforms: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal values: 100,000 tags have few combinations of platforms."""
    return platforms


def _date(image: ImageFacts) -> datetime:
    assert image.created
    return image.created


def _annotated(document: Document) -> datetime | None:
    return build_date(document.annotations.get(_CREATED))
