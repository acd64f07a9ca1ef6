"""A new tag has the same digest, in the same repository and in another one of the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.errors import NotFound, PlanStale, ReadOnly, UsageError
from regtui.oci.digest import Digest, digest_of
from regtui.oci.reference import Reference
from regtui.operations.transfer import plan_copy
from regtui.operations.transfer_steps import CopyBlob
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage, cut_off, refusing
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, skopeo_digest


def at(stage: Stage, tag: str = "", repository: str = "team/app", digest: Digest | None = None) -> Reference:
    return Reference(stage.session.registry, repository, tag, digest)


async def test_a_new_tag_in_the_same_repository(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "stable"))
    assert (plan.title, plan.action) == ("Point team/app:stable to team/app:1.0", "Make the tag")
    assert (plan.digest, plan.replaces, plan.same, len(plan.steps)) == (digest, None, False, 1)
    assert not either.wire.writes
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert await either.state() == {"1.0": digest, "stable": digest}


async def test_skopeo_sees_the_same_digest(real: Stage, registry: DockerRegistry, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    for as_docker in (True, False):
        digest = layout.push(image, registry, "team/app:1.0", as_docker=as_docker)
        await real.run(await plan_copy(real.session, at(real, "1.0"), real.session, at(real, "copied")))
        await real.run(await plan_copy(real.session, at(real, "1.0"), real.session, at(real, "copied", "other/place")))
        assert skopeo_digest(registry, "team/app:copied") == digest
        assert skopeo_digest(registry, "other/place:copied") == digest


async def test_an_index_is_tagged_as_it_is(either: Stage, layout: Layout) -> None:
    index = layout.index(layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64"))
    digest = await either.push(layout, index, "team/app", "1.0")
    await either.run(await plan_copy(either.session, at(either, digest=digest), either.session, at(either, "stable")))
    assert await either.state() == {"1.0": digest, "stable": digest}


async def test_a_tag_that_exists_is_moved_and_what_it_had_is_journalled(either: Stage, layout: Layout) -> None:
    old = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "stable")
    new = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    plan = await plan_copy(either.session, at(either, "2.0"), either.session, at(either, "stable"))
    assert (plan.replaces, plan.same, plan.action) == (old, False, "Move the tag")
    done = await either.run(plan)
    assert await either.state() == {"1.0": old, "2.0": new, "stable": new}
    assert done.finished.change is not None
    (saved,) = either.session.journal.saved(done.finished.change, 0)
    assert (saved.digest, saved.tags) == (old, ("stable",))


async def test_a_tag_that_points_there_already_needs_nothing(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "stable")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "stable"))
    assert (plan.same, plan.replaces, plan.steps) == (True, digest, ())
    done = await either.run(plan)
    assert (done.counts, done.finished.change) == ((0, 0, 0), None)
    assert not either.wire.writes
    assert either.session.journal.changes(1) == []


async def test_another_repository_gets_the_whole_index_its_images_first(either: Stage, layout: Layout) -> None:
    one, two = layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64")
    inner = layout.index(two)
    digest = await either.push(layout, layout.index(one, inner), "team/app", "1.0")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "1.0", "team/copy"))
    assert [step.describe() for step in plan.steps if not isinstance(step, CopyBlob)] == [
        f"Copy team/copy@{one['digest'][7:19]}",
        f"Copy team/copy@{two['digest'][7:19]}",
        f"Copy team/copy@{inner['digest'][7:19]}",
        f"Point team/copy:1.0 to {digest[7:19]}",
    ]
    assert (plan.mounted, plan.present, plan.to_send) == (plan.size, 0, 0)
    assert (await either.run(plan)).counts == (len(plan.steps), 0, 0)
    assert await either.state("team/copy") == {"1.0": digest}
    assert not [request for request in either.wire.requests if "/blobs/" in request and request.startswith("GET")]


async def test_blobs_that_the_registry_does_not_mount_are_uploaded(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1" * 100_000}), "team/app", "1.0")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "1.0", "team/copy"))
    either.wire.before("POST /v2/team/copy/blobs/uploads/", refusing(404))
    either.wire.before("POST /v2/team/copy/blobs/uploads/", refusing(404))
    done = await either.run(plan)
    assert done.counts == (3, 0, 0)  # config, layer, and the tag
    assert await either.state("team/copy") == {"1.0": digest}


async def test_a_missing_layer_is_told_before_anything_is_written(
    real: Stage, registry: DockerRegistry, layout: Layout
) -> None:
    await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    links = registry.folder / "data/docker/registry/v2/repositories/team/app/_layers/sha256"
    lost = next(link for link in links.iterdir())
    (lost / "link").unlink()
    with pytest.raises(NotFound, match=rf"blob sha256:{lost.name} is missing in team/app.*nothing was written"):
        await plan_copy(real.session, at(real, "1.0"), real.session, at(real, "1.0", "team/copy"))
    await real.run(await plan_copy(real.session, at(real, "1.0"), real.session, at(real, "same")))  # refused or not
    assert not [write for write in real.wire.writes if "team/copy" in write]


async def test_when_an_image_cannot_be_copied_the_rest_is_left(either: Stage, layout: Layout) -> None:
    index = layout.index(layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64"))
    await either.push(layout, index, "team/app", "1.0")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "1.0", "team/copy"))
    either.wire.before("PUT /v2/team/copy/manifests/sha256:.*", refusing(403, "DENIED"))
    assert (await either.run(plan)).counts == (5, 1, 1)
    assert "PUT /v2/team/copy/manifests/1.0" not in either.wire.requests


@pytest.mark.parametrize("existed", [True, False])
async def test_a_target_that_somebody_else_pushes_meanwhile_is_left_alone(
    either: Stage, layout: Layout, existed: bool
) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    if existed:
        await either.push(layout, layout.image({"app": b"0"}), "team/app", "stable")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "stable"))
    theirs = await either.push(layout, layout.image({"app": b"2"}), "team/app", "stable")
    done = await either.run(plan)
    assert f"team/app:stable points to {theirs} now" in done.error
    assert not either.wire.writes
    assert await either.state() == {"1.0": digest, "stable": theirs}


async def test_an_answer_that_was_lost_may_have_been_a_yes(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    plan = await plan_copy(either.session, at(either, "1.0"), either.session, at(either, "stable"))
    either.wire.after("PUT .*/stable", cut_off)
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert await either.state() == {"1.0": digest, "stable": digest}


async def test_what_cannot_be_tagged(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    with pytest.raises(NotFound):
        await plan_copy(either.session, at(either, "2.0"), either.session, at(either, "stable"))
    with pytest.raises(NotFound):
        await plan_copy(either.session, at(either, digest=digest_of(b"none")), either.session, at(either, "stable"))
    with pytest.raises(PlanStale):
        await plan_copy(
            either.session, at(either, "1.0", digest=digest_of(b"none")), either.session, at(either, "stable")
        )
    for target in (at(either), at(either, digest=digest), Reference("elsewhere.example", "team/app", "1.0")):
        with pytest.raises(UsageError):
            await plan_copy(either.session, at(either, "1.0"), either.session, target)
    assert not either.wire.writes


async def test_read_only_plans_nothing(registry: DockerRegistry, tmp_path: Path) -> None:
    stage = stage_of(registry, tmp_path, read_only=True)
    with pytest.raises(ReadOnly):
        await plan_copy(stage.session, at(stage, "1.0"), stage.session, at(stage, "stable"))
    assert stage.wire.requests == []
    await stage.session.aclose()
