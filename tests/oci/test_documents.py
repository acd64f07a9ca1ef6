"""Manifests, indexes and configs as real registries send them, well made and not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ContentError, DigestMismatch, ReferenceError, TooLarge
from regtui.oci import media_types
from regtui.oci.config import Step, decode_config, instruction, join_history, parse_date
from regtui.oci.digest import Verifier, digest_of, parse_digest, short, verify
from regtui.oci.kinds import THROW_AWAY, Kind, companion_of, companion_tags, kind_of
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor, Document, Index, Manifest, Opaque, Schema1, decode_document

A_DIGEST = digest_of(b"a")


def document(content: Any, media_type: str = "") -> Document:
    raw = json.dumps(content).encode()
    return decode_document(raw, digest_of(raw), media_type)


def manifest(config: str = media_types.OCI_CONFIG, *layers: str, **more: Any) -> dict[str, Any]:
    link = {"digest": A_DIGEST, "size": 1}
    return {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {"mediaType": config, **link},
        "layers": [{"mediaType": layer, **link} for layer in layers],
        **more,
    }


TAR = "application/vnd.oci.image.layer.v1.tar+gzip"


def test_the_exact_bytes_are_kept_beside_what_they_say() -> None:
    raw = json.dumps(manifest(media_types.OCI_CONFIG, TAR), indent=7).encode()
    read = decode_document(raw, digest_of(raw), media_types.OCI_MANIFEST + "; charset=utf-8")
    assert read.raw == raw
    assert read.media_type == media_types.OCI_MANIFEST
    assert [blob.media_type for blob in read.blobs] == [media_types.OCI_CONFIG, TAR]


def test_without_a_useful_content_type_the_bytes_decide() -> None:
    index = {"schemaVersion": 2, "manifests": []}
    assert isinstance(document(index, "application/json").content, Index)
    bare = {key: value for key, value in manifest().items() if key != "mediaType"}
    assert isinstance(document(bare, "application/octet-stream").content, Manifest)
    assert isinstance(document({"schemaVersion": 1, "name": "x"}).content, Schema1)


def test_lists_that_are_null_are_empty() -> None:
    assert document({"schemaVersion": 2, "manifests": None}, media_types.OCI_INDEX).children == ()
    nothing = manifest() | {"layers": None, "annotations": None}
    assert document(nothing, media_types.OCI_MANIFEST).annotations == {}


def test_an_unknown_media_type_is_an_artifact_not_an_error() -> None:
    read = document({"anything": 1}, "application/vnd.example.thing+json")
    assert isinstance(read.content, Opaque)
    assert kind_of(read) is Kind.ARTIFACT


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[]", b'{"schemaVersion":2,"config":5}', b'{"config":"\xff"}', b"[" * 100_000, b'{"a":' * 9_000],
)
def test_bytes_that_are_no_manifest_give_a_sentence(raw: bytes) -> None:
    with pytest.raises(ContentError) as caught:
        decode_document(raw, digest_of(raw), media_types.OCI_MANIFEST)
    assert str(caught.value).isprintable()


def test_a_manifest_beyond_four_mebibytes_is_refused() -> None:
    with pytest.raises(TooLarge, match="4,194,304"):
        decode_document(b" " * (MANIFEST_LIMIT + 1), A_DIGEST, media_types.OCI_MANIFEST)


@given(st.binary(max_size=200), st.sampled_from([*media_types.INDEXES, *media_types.MANIFESTS, "", "x/y"]))
def test_any_bytes_are_a_document_or_a_content_error(raw: bytes, media_type: str) -> None:
    try:
        decode_document(raw, A_DIGEST, media_type)
    except ContentError as error:
        assert str(error).isprintable()  # noqa: PT017


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (manifest(media_types.OCI_CONFIG, TAR), Kind.IMAGE),
        (manifest(media_types.DOCKER_CONFIG), Kind.IMAGE),
        ({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []}, Kind.INDEX),
        (manifest(media_types.HELM_CONFIG, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"), Kind.HELM),
        (manifest(media_types.OCI_CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json"), Kind.SIGNATURE),
        (manifest("application/vnd.cncf.notary.signature", "application/jose+json"), Kind.SIGNATURE),
        (manifest(media_types.OCI_EMPTY, "application/spdx+json"), Kind.SBOM),
        (manifest(media_types.OCI_EMPTY, artifactType="application/vnd.cyclonedx+json"), Kind.SBOM),
        (manifest(media_types.OCI_CONFIG, "application/vnd.in-toto+json"), Kind.ATTESTATION),
        (manifest(media_types.OCI_EMPTY, "application/x-thing", artifactType="application/vnd.x"), Kind.ARTIFACT),
        (manifest(annotations={THROW_AWAY: "nonce"}), Kind.THROW_AWAY),
    ],
)
def test_the_kind_is_what_people_call_it(content: dict[str, Any], kind: Kind) -> None:
    assert kind_of(document(content)) is kind


def test_attestations_among_an_indexes_children_are_not_its_images() -> None:
    link = {"mediaType": media_types.OCI_MANIFEST, "digest": A_DIGEST, "size": 1}
    read = document({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": [
        link | {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        link | {"platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ]})  # fmt: skip
    assert isinstance(read.content, Index)
    assert [str(image.platform) for image in read.content.images] == ["linux/arm/v7"]


def test_a_companions_tag_names_its_digest() -> None:
    digest = digest_of(b"image")
    for tag in companion_tags(digest):
        assert companion_of(tag) == digest
    assert companion_of("sha256-abc.sig") is None
    assert companion_of("latest") is None


def test_history_is_joined_with_layers_past_empty_ones_and_past_its_end() -> None:
    config = decode_config(
        json.dumps(
            {
                "history": [
                    {"created_by": "/bin/sh -c #(nop) ADD file:0f in / "},
                    {"created_by": '/bin/sh -c #(nop)  CMD ["sh"]', "empty_layer": True},
                    {"created_by": "RUN /bin/sh -c make install # buildkit"},
                ]
            }
        ).encode()
    )
    layers = tuple(Descriptor(digest=digest_of(bytes([n])), size=n) for n in range(3))
    assert join_history(layers, config.history) == [
        Step("ADD file:0f in /", layers[0], 0),
        Step('CMD ["sh"]', None, None),
        Step("RUN make install", layers[1], 1),
        Step("", layers[2], 2),
    ]


def test_an_instruction_may_be_a_comment_only() -> None:
    config = decode_config(b'{"history":[{"comment":"buildkit.dockerfile.v0"},{}]}')
    assert config.history is not None
    assert [instruction(entry) for entry in config.history] == ["buildkit.dockerfile.v0", ""]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-02-03T04:05:06.123456789Z", datetime(2024, 2, 3, 4, 5, 6, 123456, UTC)),
        ("2024-02-03T04:05:06+02:00", datetime(2024, 2, 3, 2, 5, 6, 0, UTC)),
        ("2024-02-03 04:05:06", datetime(2024, 2, 3, 4, 5, 6, 0, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("2024-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_read_as_builders_write_them(text: str | None, date: datetime | None) -> None:
    assert parse_date(text) == date


def test_a_build_before_2000_is_no_date() -> None:
    assert decode_config(b'{"created":"1970-01-01T00:00:00Z"}').built is None
    assert decode_config(b'{"created":"2000-01-01T00:00:00Z"}').built is not None


def test_a_config_with_nulls_everywhere_is_readable() -> None:
    config = decode_config(
        b'{"architecture":null,"config":{"Env":null,"Cmd":null,"Labels":null,"Entrypoint":"sh"},"history":null}'
    )
    assert config.config is not None
    assert config.config.entrypoint == "sh"
    assert str(config.platform) == ""


def test_digests_are_checked_and_content_is_verified() -> None:
    assert parse_digest("sha512:" + "a" * 128)
    for wrong in ("sha256:" + "A" * 64, "sha256:1", "sha1:" + "0" * 40, "../../etc", "sha256:" + "a" * 64 + "\n"):
        with pytest.raises(ReferenceError):
            parse_digest(wrong)
    verify(b"content", digest_of(b"content", "sha512"), "a layer")
    with pytest.raises(DigestMismatch, match="team/app"):
        verify(b"other", digest_of(b"content"), "team/app")
    piecewise = Verifier(digest_of(b"content"))
    piecewise.update(b"con")
    piecewise.update(b"tent")
    piecewise.check("a layer")
    assert short(digest_of(b"content")) == "ed7002b439e9"
