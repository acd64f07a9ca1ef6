"""Undo of much, of what was taken up again, and of what lies in several repositories."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from regtui.errors import NotFound
from regtui.operations.removal import plan_removal
from regtui.operations.undo import plan_undo
from regtui.store.rows import Outcome, Saved, StepRow
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import docker_registry
from tests.registry_servers.images import Json, Layout


async def push_many(stage: Stage, layout: Layout, images: int, tags: int) -> None:
    """Images with a layer that all have, each with so many tags: 0-0, 0-1, …; the last of each ends in -stays."""
    for number in range(images):
        image = layout.image({"base": b"the same"}, {"app": b"%d" % number})
        names = [f"{number}-{tag}" for tag in range(tags)]
        await stage.push(layout, image, "team/app", *names, *([f"{number}-stays"] if number % 2 else []))


async def remove_all(stage: Stage) -> None:
    going = [tag for tag in await stage.state() if not tag.endswith("-stays")]
    assert (await stage.run(await plan_removal(stage.session, "team/app", going))).finished.failed == 0


@pytest.mark.parametrize("images", [5, pytest.param(50, marks=pytest.mark.slow)])
async def test_500_tags_come_back(real: Stage, layout: Layout, images: int) -> None:
    await push_many(real, layout, images, tags=10)
    before = await real.state()
    assert len(before) == 10 * images + images // 2
    await remove_all(real)
    assert len(await real.state()) == images // 2
    real.wire.requests.clear()
    plan = await plan_undo(real.session)
    read = Counter(request for request in real.wire.requests if "/blobs/" in request)
    assert len(read) == 2 * images + 1  # a layer and a config of each, and the layer that all have
    assert set(read.values()) == {1}
    assert not real.wire.writes
    assert (await real.run(plan)).counts == (images, 0, 0)
    assert await real.state() == before


async def test_an_index_comes_back_after_its_images_though_they_went_by_digest(real: Stage, layout: Layout) -> None:
    images = [layout.image({"app": b"%d" % n}, platform=p) for n, p in enumerate(("linux/amd64", "linux/arm64"))]
    inner = layout.index(images[0])
    await real.push(layout, layout.index(inner, images[1]), "team/app", "1.0", "latest")
    before = await real.state()
    await real.run(await plan_removal(real.session, "team/app", ["1.0", "latest"]))
    real.wire.requests.clear()
    await real.run(await plan_undo(real.session))
    put = [request.rpartition("/")[2] for request in real.wire.requests if request.startswith("PUT")]
    assert put.index(images[0]["digest"]) < put.index(inner["digest"]) < put.index("1.0")
    assert put.index(images[1]["digest"]) < put.index("1.0")
    assert await real.state() == before


@pytest.mark.parametrize("packaged_config", [False, True])
async def test_an_index_is_not_put_back_over_images_that_were_collected(
    tmp_path: Path, layout: Layout, packaged_config: bool
) -> None:
    with docker_registry(tmp_path / "server", packaged_config=packaged_config) as registry:
        stage = stage_of(registry, tmp_path)
        index = layout.index(*(layout.image({"app": b"%d" % number}) for number in range(3)))
        await stage.push(layout, index, "team/app", "1.0")
        await stage.push(layout, layout.image({"app": b"stays"}), "team/app", "2.0")
        await stage.run(await plan_removal(stage.session, "team/app", ["1.0"]))
        registry.garbage_collect()
        before = await stage.state()
        stage.wire.requests.clear()
        with pytest.raises(NotFound, match=r"can.t give sha256:.*\(and 3 others\).*Nothing was changed"):
            await plan_undo(stage.session)
        assert not stage.wire.writes
        assert await stage.state() == before == {"2.0": before["2.0"]}
        await stage.session.aclose()


async def test_what_was_pushed_anew_since_stays_and_the_rest_comes_back(either: Stage, layout: Layout) -> None:
    await push_many(either, layout, images=3, tags=2)
    before = await either.state()
    await remove_all(either)
    newer = await either.push(layout, layout.image({"app": b"newer"}), "team/app", "1-0")
    plan = await plan_undo(either.session)
    assert plan.warnings == (f"team/app:1-0 was pushed anew since, and stays on {newer}",)
    await either.run(plan)
    assert await either.state() == before | {"1-0": newer}


async def test_a_step_that_took_up_another_one_is_undone_once(real: Stage, layout: Layout) -> None:
    """As after a resume: both steps were sent, and what the first had put was found by the second."""
    first, second = layout.image({"app": b"1"}), layout.image({"app": b"2"})
    await real.push(layout, first, "team/app", "stable")
    before = await real.state()
    put = real.session.journal.begin(real.session.registry, "Point stable", [pointing(layout, first, second)])
    put.start(0)
    put.close()
    again = real.session.journal.resume(put.id, [pointing(layout, second, second)])
    again.start(0)
    again.finish(0, Outcome.DONE)
    again.close()
    await real.push(layout, second, "team/app", "stable")
    plan = await plan_undo(real.session)
    assert plan.restored == (("team/app:stable", first["digest"]),)
    await real.run(plan)
    assert await real.state() == before


async def test_a_change_in_several_repositories_is_undone_in_one(either: Stage, layout: Layout) -> None:
    """A tag was made in each of two repositories, and one was taken from a third."""
    image = layout.image({"app": b"1"})
    rows = []
    for repository in ("team/a", "team/b"):
        await either.push(layout, image, repository, "old")
        await either.push(layout, image, repository, "new")
        rows.append(
            StepRow(
                {"verb": "point tag", "repository": repository, "tag": "new", "digest": image["digest"], "made": "new"}
            )
        )
    taken = saved(layout, image, "team/c", "1.0")
    await either.push(layout, image, "team/c", "other")
    rows.append(
        StepRow({"verb": "remove tag", "repository": "team/c", "tag": "1.0", "digest": image["digest"]}, (taken,))
    )
    change = either.session.journal.begin(either.session.registry, "Much", rows)
    for number in range(3):
        change.finish(number, Outcome.DONE)
    change.close()
    plan = await plan_undo(either.session)
    assert sorted(plan.removed) == ["team/a:new", "team/b:new"]
    assert plan.restored == (("team/c:1.0", image["digest"]),)
    done = await either.run(plan)
    assert (done.finished.failed, done.finished.left) == (0, 0)
    assert [set(await either.state(f"team/{name}")) for name in "abc"] == [{"old"}, {"old"}, {"1.0", "other"}]


def pointing(layout: Layout, before: Json, now: Json) -> StepRow:
    intent = {"verb": "point tag", "repository": "team/app", "tag": "stable", "digest": now["digest"], "made": ""}
    return StepRow(intent, (saved(layout, before, "team/app", "stable"),))


def saved(layout: Layout, described: Json, repository: str, *tags: str) -> Saved:
    raw = (layout.folder / "blobs" / described["digest"].replace(":", "/")).read_bytes()
    return Saved(repository, described["digest"], described["mediaType"], raw, tags)
