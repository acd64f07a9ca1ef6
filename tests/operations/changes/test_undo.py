"""A change that was made can be unmade: every tag and every digest as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.errors import NotFound, PlanStale, StoreError, UsageError
from regtui.oci.reference import Reference
from regtui.operations.removal import plan_removal
from regtui.operations.transfer import plan_copy
from regtui.operations.undo import plan_undo
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import docker_registry
from tests.registry_servers.images import Layout


async def remove(stage: Stage, *tags: str, whole_digests: bool = False) -> None:
    plan = await plan_removal(stage.session, "team/app", tags, whole_digests=whole_digests)
    assert (await stage.run(plan)).finished.failed == 0


async def undo(stage: Stage, change: int | None = None, *, force: bool = False) -> None:
    done = await stage.run(await plan_undo(stage.session, change, force=force))
    assert (done.finished.failed, done.finished.left) == (0, 0)


async def test_a_tag_comes_back(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    before = await either.state()
    await remove(either, "1.0")
    plan = await plan_undo(either.session)
    assert (plan.title, plan.action) == ("Undo: Delete 1 tag from team/app", "Undo")
    assert plan.restored == (("team/app:1.0", before["1.0"]),)
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert await either.state() == before


async def test_a_digest_with_five_tags_comes_back(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", *"abcde")
    before = await either.state()
    await remove(either, "a", whole_digests=True)
    assert await either.state() == {}
    await undo(either)
    assert await either.state() == before


async def test_an_index_comes_back_with_its_images_and_signatures(either: Stage, layout: Layout) -> None:
    images = [layout.image({"app": b"%d" % n}, platform=p) for n, p in enumerate(("linux/amd64", "linux/arm64"))]
    digest = await either.push(layout, layout.index(*images), "team/app", "1.0", "latest")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await either.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    before = await either.state()
    await remove(either, "1.0", "latest")
    assert await either.state() == {}
    await undo(either)
    assert await either.state() == before
    assert [await either.has(image["digest"]) for image in images] == [True, True]


async def test_many_tags_come_back(either: Stage, layout: Layout) -> None:
    for number in range(5):
        await either.push(layout, layout.image({"app": b"%d" % number}), "team/app", f"1.{number}", f"2.{number}")
    before = await either.state()
    await remove(either, *(f"1.{number}" for number in range(5)), "2.0", "2.1")
    await undo(either)
    assert await either.state() == before


async def test_an_undone_change_can_be_done_again(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    await either.push(layout, layout.index(image), "team/app", "1.0")
    before = await either.state()
    await remove(either, "1.0")
    await undo(either)
    plan = await plan_undo(either.session)
    assert (plan.removed, plan.along) == (("team/app:1.0",), ("1 image",))
    await either.run(plan)
    assert await either.state() == {}
    assert not await either.has(image["digest"])
    await undo(either)
    assert await either.state() == before


async def test_a_new_tag_goes_again_and_a_moved_one_moves_back(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "stable")
    await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    before = await either.state()
    for target in ("new", "stable"):
        registry = either.session.registry
        of = Reference(registry, "team/app")
        plan = await plan_copy(either.session, of.at("2.0"), either.session, of.at(target))
        await either.run(plan)
    await undo(either, 2)
    await undo(either, 1)
    assert await either.state() == before


async def test_undoing_a_new_tag_never_takes_the_image(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    registry = either.session.registry
    await either.run(
        await plan_copy(
            either.session,
            Reference(registry, "team/app", "1.0"),
            either.session,
            Reference(registry, "team/app", "new"),
        )
    )
    await remove(either, "1.0")
    await undo(either, 1)
    assert await either.state() == {}
    assert await either.has(digest)


async def test_what_is_as_before_needs_nothing(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    await either.push(layout, image, "team/app", "1.0", "latest")
    await remove(either, "1.0")
    await either.pointing(layout, image, "1.0")()
    assert (await plan_undo(either.session)).steps == ()


async def test_a_tag_that_was_pushed_anew_since_is_left_alone_unless_forced(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    before = await either.state()
    await remove(either, "1.0")
    newer = await either.push(layout, layout.image({"app": b"2"}), "team/app", "1.0")
    with pytest.raises(PlanStale, match=rf"team/app:1\.0 was pushed anew since: it points to {newer}"):
        await plan_undo(either.session)
    await undo(either, force=True)
    assert await either.state() == before
    await undo(either)  # and that can be undone
    assert (await either.state())["1.0"] == newer


async def test_a_tag_that_is_pushed_while_it_is_undone_is_left_alone(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    await remove(either, "1.0")
    plan = await plan_undo(either.session)
    newer = await either.push(layout, layout.image({"app": b"2"}), "team/app", "1.0")
    assert "points to" in (await either.run(plan)).error
    assert await either.state() == {"1.0": newer, "latest": digest}


@pytest.mark.parametrize("packaged_config", [False, True])
async def test_after_garbage_collection_it_is_refused_before_anything_is_written(
    tmp_path: Path, layout: Layout, packaged_config: bool
) -> None:
    with docker_registry(tmp_path / "server", packaged_config=packaged_config) as registry:
        stage = stage_of(registry, tmp_path)
        await stage.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
        await remove(stage, "1.0")
        registry.garbage_collect()
        stage.wire.requests.clear()
        with pytest.raises(NotFound, match=r"can.t give sha256:"):
            await plan_undo(stage.session)
        assert not stage.wire.writes
        await stage.session.aclose()


async def test_what_cannot_be_undone(either: Stage) -> None:
    with pytest.raises(StoreError, match="no change"):
        await plan_undo(either.session)
    journal = either.session.journal
    elsewhere = journal.begin("elsewhere.example", "Delete 1 tag", [])
    elsewhere.close()
    running = journal.begin(either.session.registry, "Delete 1 tag", [])
    with pytest.raises(UsageError, match=r"elsewhere\.example"):
        await plan_undo(either.session, elsewhere.id)
    with pytest.raises(StoreError, match="still running"):
        await plan_undo(either.session, running.id)
    running.close()
