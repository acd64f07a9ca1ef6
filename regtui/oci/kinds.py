"""What a manifest is to people: an image, an index, a Helm chart, a signature, an SBOM, an attestation, an artifact."""

from __future__ import annotations

import re
from enum import StrEnum

from regtui.oci import media_types
from regtui.oci.digest import Digest, hex_of, parse_digest
from regtui.oci.manifest import Document, Index, Manifest, Schema1

THROW_AWAY = "io.github.regtui.throw-away"
"""Annotation that marks a throw-away manifest, put on a tag only to be deleted; its value is a nonce."""
THROW_AWAY_DIGEST = "io.github.regtui.original.digest"
THROW_AWAY_MEDIA_TYPE = "io.github.regtui.original.media-type"

_COMPANION_TAG = re.compile(r"sha256-([0-9a-f]{64})(\.(?:sig|att|sbom))?|sha512-([0-9a-f]{128})")


class Kind(StrEnum):
    """As the tags table and `--json` name it."""

    IMAGE = "image"
    INDEX = "index"
    HELM = "Helm chart"
    SIGNATURE = "signature"
    SBOM = "SBOM"
    ATTESTATION = "attestation"
    ARTIFACT = "artifact"
    SCHEMA1 = "schema 1"
    THROW_AWAY = "left-over"


COSIGN_ENDINGS = {".sig": Kind.SIGNATURE, ".att": Kind.ATTESTATION, ".sbom": Kind.SBOM}
"""What cosign's tags end in, behind the referrers tag of the image that they are about, and what stands under each."""


def kind_of(document: Document) -> Kind:
    """What these bytes are, by their media types and annotations. What nobody knows is an artifact."""
    if THROW_AWAY in document.annotations:
        return Kind.THROW_AWAY
    content = document.content
    if isinstance(content, Schema1):
        return Kind.SCHEMA1
    if isinstance(content, Index):
        return kind_of_type(content.artifact_type) if content.artifact_type else Kind.INDEX
    if not isinstance(content, Manifest):
        return Kind.ARTIFACT
    config_type = content.config.media_type
    if config_type == media_types.HELM_CONFIG:
        return Kind.HELM
    layer_types = [layer.media_type for layer in content.layers or ()]
    if content.artifact_type or config_type not in media_types.IMAGE_CONFIGS:
        return next(
            (
                kind
                for t in (content.artifact_type, *layer_types, config_type)
                if (kind := kind_of_type(t)) != Kind.ARTIFACT
            ),
            Kind.ARTIFACT,
        )
    marks = {kind_of_type(t) for t in layer_types}
    return marks.pop() if len(marks) == 1 and Kind.ARTIFACT not in marks else Kind.IMAGE


def companion_of(tag: str) -> Digest | None:
    """The digest whose companion a tag is by its name: cosign's `sha256-HEX.sig`, or a referrers tag `sha256-HEX`."""
    match = _COMPANION_TAG.fullmatch(tag)
    if not match:
        return None
    return parse_digest(f"sha256:{match[1]}" if match[1] else f"sha512:{match[3]}")


def kind_of_tag(tag: str) -> Kind | None:
    """What stands under a tag of cosign's, by its name."""
    return COSIGN_ENDINGS.get(f".{tag.rpartition('.')[2]}") if companion_of(tag) else None


def referrers_tag(digest: Digest) -> str:
    """The tag that holds a digest's referrers where a registry has no referrers API (distribution-spec, 1.1)."""
    return f"{digest.partition(':')[0]}-{hex_of(digest)}"


def companion_tags(digest: Digest) -> tuple[str, ...]:
    """Every tag that belongs to a digest by its name."""
    base = referrers_tag(digest)
    return (base, *(f"{base}{ending}" for ending in COSIGN_ENDINGS))


def kind_of_type(media_type: str) -> Kind:
    """What an artifact type, or the media type of a layer or config, stands for."""
    name = media_type.lower()
    if (
        "cosign.simplesigning" in name
        or "notary.signature" in name
        or ".signature" in name
        or "sigstore.bundle" in name
    ):
        return Kind.SIGNATURE
    if "spdx" in name or "cyclonedx" in name or "syft" in name or "sbom" in name:
        return Kind.SBOM
    if "in-toto" in name or "dsse.envelope" in name or "attestation" in name:
        return Kind.ATTESTATION
    return Kind.ARTIFACT
