"""Removing tags: siblings never go along, on a registry with DELETE by tag and on one without."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.oci.kinds import THROW_AWAY_DIGEST
from regtui.oci.manifest import decode_document
from regtui.operations.removal import plan_removal
from regtui.operations.throw_away import throw_away_manifests
from regtui.store.rows import Outcome, Saved, State
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout


async def remove(stage: Stage, *tags: str, whole_digests: bool = False) -> None:
    done = await stage.run(await plan_removal(stage.session, "team/app", tags, whole_digests=whole_digests))
    assert done.finished.failed == done.finished.left == 0


async def test_of_three_tags_that_share_a_digest_two_stay(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "1", "latest")
    await remove(either, "1.0")
    assert await either.state() == {"1": digest, "latest": digest}


async def test_an_index_that_shares_its_digest(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, layout.index(image), "team/app", "1.0", "latest")
    await remove(either, "1.0")
    assert await either.state() == {"latest": digest}
    assert await either.has(image["digest"])


@pytest.mark.parametrize("as_docker", [True, False])
async def test_what_skopeo_pushed(real: Stage, registry: DockerRegistry, layout: Layout, as_docker: bool) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0", as_docker=as_docker)
    registry.tag("team/app", "1.0", "latest")
    await remove(real, "1.0")
    assert await real.state() == {"latest": digest}


@pytest.mark.parametrize("as_docker", [True, False])
async def test_an_index_that_skopeo_pushed(
    real: Stage, registry: DockerRegistry, layout: Layout, as_docker: bool
) -> None:
    index = layout.index(layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64"))
    digest = layout.push(index, registry, "team/app:1.0", as_docker=as_docker)
    registry.tag("team/app", "1.0", "latest")
    await remove(real, "1.0")
    assert await real.state() == {"latest": digest}
    await remove(real, "latest")
    assert await real.state() == {}


async def test_an_image_with_its_last_tag(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    other = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    await remove(either, "1.0")
    assert await either.state() == {"2.0": other}
    assert not await either.has(digest)


async def test_a_whole_digest_with_all_its_tags(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "1", "latest")
    other = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    await remove(either, "1", whole_digests=True)
    assert await either.state() == {"2.0": other}


async def test_an_index_with_those_images_that_nothing_else_uses(either: Stage, layout: Layout) -> None:
    own, shared = layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64")
    await either.push(layout, layout.index(own, shared), "team/app", "1.0")
    other = await either.push(layout, layout.index(shared), "team/app", "2.0")
    await remove(either, "1.0")
    assert await either.state() == {"2.0": other}
    assert (await either.has(own["digest"]), await either.has(shared["digest"])) == (False, True)


async def test_an_image_that_an_index_has_only_loses_its_tag(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    index = await either.push(layout, layout.index(image), "team/app", "multi")
    await either.push(layout, image, "team/app", "amd64")
    await remove(either, "amd64")
    assert await either.state() == {"multi": index}
    assert await either.has(image["digest"])


async def test_several_tags_at_once_some_of_which_share_digests(either: Stage, layout: Layout) -> None:
    one = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "1.1", "one")
    await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0", "two")
    await either.push(layout, layout.image({"app": b"3"}), "team/app", "3.0")
    await remove(either, "1.0", "1.1", "2.0", "two", "3.0")
    assert await either.state() == {"one": one}


async def test_signatures_by_tag_go_along(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await either.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    await remove(either, "1.0")
    assert await either.state() == {}
    assert not await either.has(signature["digest"])


async def test_a_signature_that_two_images_share_only_loses_its_tag(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    other = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    tags = [f"sha256-{signed[7:]}.sig" for signed in (digest, other)]
    await either.push(layout, signature, "team/app", *tags)
    await remove(either, "1.0")
    assert await either.state() == {"2.0": other, tags[1]: signature["digest"]}


async def test_an_image_whose_config_is_gone_can_lose_a_tag_too(
    real: Stage, registry: DockerRegistry, layout: Layout
) -> None:
    image = layout.image({"app": b"1"})
    digest = await real.push(layout, image, "team/app", "1.0", "latest")
    config = decode_document((layout.folder / "blobs" / digest.replace(":", "/")).read_bytes(), digest).blobs[0].digest
    links = registry.folder / "data/docker/registry/v2/repositories/team/app/_layers/sha256"
    (links / config[7:] / "link").unlink()
    await remove(real, "1.0")
    assert await real.state() == {"latest": digest}


async def test_what_is_promised_is_what_garbage_collection_gives_back(
    real: Stage, registry: DockerRegistry, layout: Layout
) -> None:
    common = {"base": b"b" * 3000}
    images = [layout.image(common, {"app": bytes([n]) * 2000}, labels={"n": str(n)}) for n in range(3)]
    await real.push(layout, layout.index(*images[:2]), "team/app", "1.0", "latest")
    await real.push(layout, images[2], "team/app", "2.0")
    blobs = registry.folder / "data/docker/registry/v2/blobs"

    def stored() -> int:
        return sum(path.stat().st_size for path in blobs.rglob("data"))

    before = stored()
    plan = await plan_removal(real.session, "team/app", ["1.0", "latest"])
    assert (await real.run(plan)).counts == (3, 0, 0)
    registry.garbage_collect()
    assert before - stored() == plan.reclaimable
    assert list(await real.state()) == ["2.0"]


async def test_each_step_is_journalled_with_what_undoes_it(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, image, "team/app", "1.0", "latest")
    raw = (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    done = await either.run(plan)
    assert done.finished.change is not None
    journal = either.session.journal
    assert journal.change(done.finished.change).state == State.DONE
    assert journal.change(done.finished.change).title == "Delete 1 tag from team/app"
    (step,) = journal.steps(done.finished.change)
    assert step.outcome == Outcome.DONE
    assert (step.intent["verb"], step.intent["tag"], step.intent["digest"]) == ("remove tag", "1.0", digest)
    assert journal.saved(done.finished.change, 0) == [
        Saved("team/app", digest, media_types.OCI_MANIFEST, raw, ("1.0",))
    ]


def test_a_throw_away_manifest_says_what_it_stands_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    for described, media_type in (
        (layout.image({"app": b"1"}), media_types.OCI_MANIFEST),
        (layout.index(layout.image({"app": b"1"})), media_types.OCI_INDEX),
    ):
        digest = Digest(described["digest"])
        raw = (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()
        original = Saved("team/app", digest, media_type, raw, ("1.0",))
        made = [throw_away_manifests(original, nonce)[0] for nonce in ("1", "2")]
        assert made[0] != made[1]
        assert made[0][1] == media_type
        document = decode_document(made[0][0], digest, media_type)
        assert document.annotations[THROW_AWAY_DIGEST] == digest
        assert [blob.media_type for blob in document.blobs] == [media_types.OCI_CONFIG] * (
            media_type == media_types.OCI_MANIFEST
        )
        assert throw_away_manifests(original, "1")[-1][1] == media_types.OCI_INDEX
