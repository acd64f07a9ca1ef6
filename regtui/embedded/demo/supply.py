"""What is said about an image beside it: signatures, SBOMs and attestations, in the ways in which they are kept."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec

from regtui.embedded.demo.contents import binary
from regtui.embedded.demo.writer import Json, Writer, platform_of, written
from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.oci.kinds import referrers_tag
from regtui.oci.manifest import Descriptor

_IN_TOTO = "application/vnd.in-toto+json"
_SPDX = "https://spdx.dev/Document"
_PROVENANCE = "https://slsa.dev/provenance/v1"
_PACKAGES = {"python": "3.13.9", "fastapi": "0.121.2", "pydantic": "2.12.4", "openssl": "3.5.1", "zlib": "1.3.1"}


def signature_of(writer: Writer, subject: Descriptor, made: datetime) -> Descriptor:
    """A Sigstore bundle as a referrer."""
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    bundle = {
        "mediaType": kind,
        "verificationMaterial": {"certificate": {"rawBytes": _encoded("certificate", 760)}, "tlogEntries": []},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": _encoded(subject.digest, 32)},
            "signature": _encoded("signature", 71),
        },
    }
    annotations = {"dev.sigstore.bundle.content": "message-signature", **_created(made)}
    return writer.artifact(kind, _json(writer, bundle, kind), subject=subject, annotations=annotations)


def sbom_of(writer: Writer, subject: Descriptor, made: datetime) -> Descriptor:
    """An SPDX document as a referrer."""
    kind = "application/spdx+json"
    return writer.artifact(kind, _json(writer, _spdx(subject, made), kind), subject=subject, annotations=_created(made))


def attestation_of(writer: Writer, subject: Descriptor, made: datetime) -> Descriptor:
    """A provenance statement, signed by DSSE, as a referrer."""
    envelope = _envelope(_statement(subject, _PROVENANCE, _provenance(made)))
    layer = _json(writer, envelope, "application/vnd.dsse.envelope.v1+json", {"in-toto.io/predicate-type": _PROVENANCE})
    return writer.artifact(_IN_TOTO, layer, subject=subject, annotations=_created(made))


def attestation_child(writer: Writer, image: Descriptor, made: datetime) -> Descriptor:
    """BuildKit's attestations of an image: a child of the same index, for no platform."""
    layers = [
        _json(writer, _statement(image, kind, predicate), _IN_TOTO, {"in-toto.io/predicate-type": kind})
        for kind, predicate in ((_SPDX, _spdx(image, made)), (_PROVENANCE, _provenance(made)))
    ]
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }
    content = {"config": _json(writer, config, media_types.OCI_CONFIG), "layers": layers}
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest}
    return msgspec.structs.replace(
        writer.manifest(content, media_types.OCI_MANIFEST),
        annotations=annotations,
        platform=platform_of("unknown/unknown"),
    )


def cosign_tags(writer: Writer, subject: Descriptor, made: datetime) -> None:
    """Signature, attestation and SBOM as cosign keeps them without referrers: under tags made from the digest."""
    name = referrers_tag(Digest(subject.digest))
    payload = {
        "critical": {
            "identity": {"docker-reference": "demo.localhost/tools/migrate"},
            "image": {"docker-manifest-digest": subject.digest},
            "type": "cosign container image signature",
        },
        "optional": {"creator": "ci@example.com", "timestamp": int(made.timestamp())},
    }
    signed = {"dev.cosignproject.cosign/signature": _encoded(subject.digest, 71)}
    simple = _json(writer, payload, "application/vnd.dev.cosign.simplesigning.v1+json", signed)
    writer.tag(_cosigned(writer, simple, made), f"{name}.sig")
    envelope = _envelope(_statement(subject, _PROVENANCE, _provenance(made)))
    kept = {"dev.cosignproject.cosign/signature": "", "predicateType": _PROVENANCE}
    dsse = _json(writer, envelope, "application/vnd.dsse.envelope.v1+json", kept)
    writer.tag(_cosigned(writer, dsse, made), f"{name}.att")
    writer.tag(_cosigned(writer, _json(writer, _spdx(subject, made), "text/spdx+json"), made), f"{name}.sbom")


def _cosigned(writer: Writer, layer: Descriptor, made: datetime) -> Descriptor:
    config = {
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        "config": {},
    }
    content = {"config": _json(writer, config, media_types.OCI_CONFIG), "layers": [layer]}
    return writer.manifest(content, media_types.OCI_MANIFEST, _created(made))


def _statement(subject: Descriptor, kind: str, predicate: Json) -> Json:
    named = {"name": "image", "digest": {"sha256": subject.digest.partition(":")[2]}}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [named],
        "predicateType": kind,
        "predicate": predicate,
    }


def _provenance(made: datetime) -> Json:
    return {
        "buildDefinition": {
            "buildType": "https://mobyproject.org/buildkit@v1",
            "externalParameters": {"source": "https://git.example.com/team/app.git#main"},
            "resolvedDependencies": [{"uri": "pkg:docker/debian@trixie-slim"}],
        },
        "runDetails": {
            "builder": {"id": "https://ci.example.com/runners/7"},
            "metadata": {"startedOn": written(made), "finishedOn": written(made)},
        },
    }


def _spdx(subject: Descriptor, made: datetime) -> Json:
    packages = [
        {"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version, "licenseConcluded": "NOASSERTION"}
        for name, version in _PACKAGES.items()
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "dataLicense": "CC0-1.0",
        "name": subject.digest,
        "documentNamespace": f"https://sbom.example.com/{subject.digest}",
        "creationInfo": {"created": written(made), "creators": ["Tool: syft-1.38.0"]},
        "packages": packages,
    }


def _envelope(statement: Json) -> Json:
    payload = base64.b64encode(msgspec.json.encode(statement)).decode()
    return {"payloadType": _IN_TOTO, "payload": payload, "signatures": [{"sig": _encoded("envelope", 71)}]}


def _json(writer: Writer, content: Json, media_type: str, annotations: dict[str, str] | None = None) -> Descriptor:
    return writer.blob(msgspec.json.encode(content), media_type, annotations)


def _created(made: datetime) -> dict[str, str]:
    return {"org.opencontainers.image.created": written(made)}


def _encoded(seed: str, size: int) -> str:
    """Base64 of bytes that look like a signature and sign nothing."""
    return base64.b64encode(binary(seed, 64 + size)[64:]).decode()
