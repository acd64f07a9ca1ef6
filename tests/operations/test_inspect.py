"""One manifest with what belongs to it."""

from __future__ import annotations

import pytest

from regtui.errors import ContentError, NotFound, RegtuiError, UsageError
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.kinds import Kind, referrers_tag
from regtui.oci.manifest import Platform
from regtui.oci.reference import Reference, parse_reference
from regtui.operations.inspect import document, inspect, matches, referrers
from regtui.operations.session import Session
from tests.operations.fake_registry import HOST, FakeRegistry, Json


def at(tag: str) -> Reference:
    return parse_reference(f"{HOST}/app:{tag}")


def multi_platform(fake: FakeRegistry, *tags: str) -> list[Json]:
    platforms = ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8")
    images = [fake.image(platform=platform, name=platform) for platform in platforms]
    return [fake.index(*images, fake.attestation(images[0]), tags=tags), *images]


async def test_an_image_has_its_config_and_its_history_joined_with_its_layers(
    fake: FakeRegistry, session: Session
) -> None:
    image = fake.image("v1", layers=[10, 20])
    found = await inspect(session, at("v1"))
    assert found.reference == at("v1").at("v1", Digest(image["digest"]))
    assert found.kind is Kind.IMAGE
    assert found.config
    assert str(found.config.platform) == "linux/amd64"
    assert found.config_raw == fake.blobs[fake.config_of(image)]
    assert [(step.instruction, step.layer.size if step.layer else 0) for step in found.steps] == [
        ("COPY 10", 10),
        ("COPY 20", 20),
    ]


async def test_what_has_a_digest_is_fetched_once_and_a_tag_is_always_asked(
    fake: FakeRegistry, session: Session
) -> None:
    image = fake.image("v1")
    for _ in range(2):
        await inspect(session, at("v1"))
        await document(session, "app", image["digest"])
    assert fake.requests == ["GET v1", f"GET {fake.config_of(image)}", "GET v1"]


async def test_a_tag_whose_manifest_is_kept_takes_a_head(fake: FakeRegistry, session: Session) -> None:
    before = Digest(fake.image("v1")["digest"])
    await inspect(session, at("v1"))
    fake.requests.clear()
    found = await inspect(session, at("v1"), expected=before)
    assert (found.document.digest, fake.requests) == (before, ["HEAD v1"])
    now = fake.image("v1", layers=[7])["digest"]  # it moved
    assert (await inspect(session, at("v1"), expected=before)).document.digest == now


async def test_a_manifest_whose_bytes_don_t_say_its_media_type_is_not_kept(
    fake: FakeRegistry, session: Session
) -> None:
    fake.tags["v1"] = digest_of(b"{}")
    fake.manifests[fake.tags["v1"]] = (b"{}", "application/vnd.unheard.of")
    for _ in range(2):
        assert (await document(session, "app", fake.tags["v1"])).media_type == "application/vnd.unheard.of"
    assert (await inspect(session, at("v1"))).kind is Kind.ARTIFACT


async def test_an_index_stays_one_unless_a_platform_is_named(fake: FakeRegistry, session: Session) -> None:
    index, amd64, _, arm_v7, arm64 = multi_platform(fake, "v1")
    assert (await inspect(session, at("v1"))).document.digest == index["digest"]
    for platform, image in (
        ("linux/amd64", amd64),
        ("amd64", amd64),
        ("linux/x86_64", amd64),
        ("linux/arm", arm_v7),
        ("linux/arm64", arm64),
        ("linux/arm64/v8", arm64),
    ):
        assert (await inspect(session, at("v1"), platform)).document.digest == image["digest"]


async def test_a_platform_that_isn_t_there_names_those_that_are(fake: FakeRegistry, session: Session) -> None:
    multi_platform(fake, "v1")
    with pytest.raises(RegtuiError, match=r"no image for linux/s390x\. It has linux/amd64, linux/arm/v6"):
        await inspect(session, at("v1"), "linux/s390x")
    fake.image("single")
    with pytest.raises(RegtuiError, match=r"no image for linux/arm64\. It has linux/amd64"):
        await inspect(session, at("single"), "linux/arm64")


def test_variants_of_platforms() -> None:
    assert matches(Platform("arm", "linux", "v7"), "linux/arm")
    assert matches(Platform("arm", "linux", "v7"), "linux/arm/v7")
    assert not matches(Platform("arm", "linux", "v7"), "linux/arm/v6")
    assert matches(Platform("arm64", "linux"), "linux/arm64/v8")
    assert not matches(Platform("amd64", "windows"), "amd64")


async def test_a_config_that_can_t_be_read_leaves_the_manifest_to_see(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1", layers=[10])
    del fake.blobs[fake.config_of(image)]
    found = await inspect(session, at("v1"))
    assert isinstance(found.config_error, NotFound)
    assert (found.config, found.config_raw, len(found.steps)) == (None, b"", 1)


async def test_an_artifact_s_config_is_there_as_it_is(fake: FakeRegistry, session: Session) -> None:
    config = fake.blob(b'{"name":"chart"}', media_types.HELM_CONFIG)
    fake.manifest({"mediaType": media_types.OCI_MANIFEST, "config": config, "layers": []}, "v1")
    found = await inspect(session, at("v1"))
    assert (found.kind, found.config, found.config_raw) == (Kind.HELM, None, b'{"name":"chart"}')


async def test_errors_say_what_is_missing(fake: FakeRegistry, session: Session) -> None:
    with pytest.raises(NotFound):
        await inspect(session, at("nothing"))
    with pytest.raises(UsageError, match="names no tag"):
        await inspect(session, parse_reference(f"{HOST}/app"))
    fake.index(
        {"mediaType": "x", "digest": "sha256:../..", "size": 1, "platform": {"os": "linux", "architecture": "a"}},
        tags=["v1"],
    )
    with pytest.raises(ContentError, match="which is no digest"):
        await inspect(session, at("v1"), "linux/a")


# Referrers


def signature(fake: FakeRegistry, *tags: str, subject: Json | None = None) -> Json:
    layer = fake.blob(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    config = fake.blob(b'{"architecture":""}', media_types.OCI_CONFIG)
    content: Json = {"mediaType": media_types.OCI_MANIFEST, "config": config, "layers": [layer]}
    return fake.manifest(content | ({"subject": subject} if subject else {}), *tags)


async def test_cosign_s_tags_are_found_by_their_names(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1")
    signed = signature(fake, f"{referrers_tag(Digest(image['digest']))}.sig")
    found = await referrers(session, "app", Digest(image["digest"]))
    assert [(one.descriptor.digest, one.kind, one.found) for one in found] == [
        (signed["digest"], Kind.SIGNATURE, "tag")
    ]


async def test_the_referrers_tag_stands_in_for_the_api(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1")
    sbom = fake.manifest(
        {
            "mediaType": media_types.OCI_MANIFEST,
            "artifactType": "application/spdx+json",
            "config": fake.blob(b"{}", media_types.OCI_EMPTY),
            "layers": [],
        }
    )
    listed = {**sbom, "artifactType": "application/spdx+json"}
    fake.index(listed, tags=[referrers_tag(Digest(image["digest"]))])
    found = await referrers(session, "app", Digest(image["digest"]))
    assert [(one.descriptor.digest, one.kind) for one in found] == [(sbom["digest"], Kind.SBOM)]


async def test_attestations_stand_in_the_index(fake: FakeRegistry, session: Session) -> None:
    index, amd64, arm, *_ = multi_platform(fake, "v1")
    of_index = await referrers(session, "app", Digest(index["digest"]))
    assert [(one.kind, one.found) for one in of_index] == [(Kind.ATTESTATION, "index")]
    whole = await document(session, "app", index["digest"])
    assert await referrers(session, "app", Digest(amd64["digest"]), whole) == of_index
    assert await referrers(session, "app", Digest(arm["digest"]), whole) == []


async def test_an_image_without_any_has_none(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1")
    assert await referrers(session, "app", Digest(image["digest"])) == []
