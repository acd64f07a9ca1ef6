"""One manifest with what belongs to it: its config, its history, what refers to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from regtui.errors import NotFound, RegtuiError, UsageError
from regtui.oci import media_types
from regtui.oci.config import ImageConfig, Step, decode_config, join_history
from regtui.oci.digest import Digest
from regtui.oci.kinds import COSIGN_ENDINGS, Kind, kind_of, kind_of_type, referrers_tag
from regtui.oci.manifest import Descriptor, Document, Index, Manifest, Platform
from regtui.oci.reference import Reference
from regtui.operations.reading import config_bytes, digest_in, document, document_of_tag
from regtui.operations.session import Session
from regtui.text import shown

__all__ = ["Inspected", "Referrer", "document", "find_image", "inspect", "referrers"]

_NESTING = 3  # indexes inside of each other
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}


@dataclass(frozen=True, slots=True)
class Inspected:
    """A manifest, decoded as far as it is known. `reference` has its digest, and the tag it was asked by."""

    reference: Reference
    document: Document
    kind: Kind
    config: ImageConfig | None  # an image's
    config_raw: bytes  # any manifest's, as it is; empty where there is none
    config_error: RegtuiError | None  # why the config could not be read
    steps: list[Step]  # an image's instructions, joined with its layers; of an artifact its layers

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the layers' archives, as the config tells them; none where it doesn't tell one a layer."""
        content, root = self.document.content, self.config.rootfs if self.config else None
        told = (root.diff_ids or ()) if root else ()
        return told if isinstance(content, Manifest) and len(told) == len(content.layers or ()) else ()


@dataclass(frozen=True, slots=True)
class Referrer:
    """Something about an image: a signature, an SBOM, an attestation."""

    descriptor: Descriptor
    kind: Kind
    found: Literal["api", "tag", "index"]  # the referrers list; cosign's name for a tag; the index the image is in


async def inspect(
    session: Session, reference: Reference, platform: str = "", *, expected: Digest | None = None
) -> Inspected:
    """What a tag or digest is. An index stays an index, unless a `platform` of it is named ("linux/arm64").

    `expected` is what the tag pointed to when it was last read. A config that can't be read is no reason to show
    nothing: it is `config_error`. Raises `UsageError` for a reference without tag and digest, `RegtuiError` when there
    is no such platform, and what reading a manifest does.
    """
    if not reference.version:
        raise UsageError(f"{reference} names no tag", f"Write {reference}:TAG, or {reference}@DIGEST.")
    if reference.digest:
        found = await document(session, reference.repository, reference.digest, mirrored=True)
    else:
        found = await document_of_tag(session, reference.repository, reference.tag, expected)
    for _ in range(_NESTING):
        if not platform or not isinstance(found.content, Index):
            break
        image = find_image(found.content, platform)
        if image is None:
            has = ", ".join(sorted({str(child.platform) for child in found.content.images if child.platform}))
            raise _no_platform(reference, platform, has)
        found = await document(session, reference.repository, digest_in(image), mirrored=True)
    inspected = await _with_config(session, reference.at(reference.tag, found.digest), found)
    own = inspected.config.platform if inspected.config else None
    if platform and own and own.architecture and not matches(own, platform):
        raise _no_platform(reference, platform, str(own))
    return inspected


def find_image(index: Index, platform: str) -> Descriptor | None:
    """The image of an index that runs on "os/architecture[/variant]"; of several variants the highest."""
    fitting = [child for child in index.images if child.platform and matches(child.platform, platform)]
    return max(fitting, key=lambda child: child.platform.variant if child.platform else "", default=None)


def matches(platform: Platform, wanted: str) -> bool:
    """Whether a platform is the one that people wrote: "linux/arm64", "arm64", "linux/arm/v7"."""
    parts = wanted.lower().split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    system, architecture, variant = (*parts, "")[:3]
    architecture = _ALIASES.get(architecture, architecture)
    own_variant = "" if (platform.architecture, platform.variant) == ("arm64", "v8") else platform.variant
    if architecture == "arm64" and variant == "v8":
        variant = ""
    return (platform.os, platform.architecture) == (system, architecture) and variant in ("", own_variant)


async def referrers(session: Session, repository: str, digest: Digest, index: Document | None = None) -> list[Referrer]:
    """What refers to an image: by the referrers list, by cosign's tags, and BuildKit's attestations in its `index`.

    An index's own attestations are those of all its images. Raises what the client does.
    """
    listed, *tagged = await asyncio.gather(
        _by_list(session, repository, digest),
        *(_by_tag(session, repository, digest, ending, kind) for ending, kind in COSIGN_ENDINGS.items()),
    )
    found = [*listed, *(referrer for group in tagged for referrer in group)]
    if index is None:
        index = await document(session, repository, digest, mirrored=True)
    found += [
        Referrer(child, Kind.ATTESTATION, "index")
        for child in index.children
        if child.is_attestation and (index.digest == digest or _subject(child) == digest)
    ]
    return list({referrer.descriptor.digest: referrer for referrer in reversed(found)}.values())[::-1]


async def _by_list(session: Session, repository: str, digest: Digest) -> list[Referrer]:
    listed = await session.client.referrers(repository, digest)
    return [Referrer(descriptor, kind_of_type(descriptor.artifact_type), "api") for descriptor in listed]


async def _by_tag(session: Session, repository: str, digest: Digest, ending: str, kind: Kind) -> list[Referrer]:
    try:
        return [Referrer(await session.client.head(repository, referrers_tag(digest) + ending), kind, "tag")]
    except NotFound:
        return []


def _subject(attestation: Descriptor) -> str:
    return (attestation.annotations or {}).get("vnd.docker.reference.digest", "")


async def _with_config(session: Session, reference: Reference, found: Document) -> Inspected:
    config, raw, error = None, b"", None
    layers: tuple[Descriptor, ...] = ()
    if isinstance(found.content, Manifest):
        layers = found.content.layers or ()
        try:
            raw = await config_bytes(session, reference.repository, found.content.config)
            if found.content.config.media_type in media_types.IMAGE_CONFIGS:
                config = decode_config(raw)
        except RegtuiError as problem:
            error = problem
    steps = join_history(layers, config.history if config else None)
    return Inspected(reference, found, kind_of(found), config, raw, error, steps)


def _no_platform(reference: Reference, platform: str, has: str) -> RegtuiError:
    return RegtuiError(f"{reference} has no image for {shown(platform, 100)}", f"It has {has}." if has else "")
