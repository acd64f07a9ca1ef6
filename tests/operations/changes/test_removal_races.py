"""Somebody else pushes between any two requests, or the connection is lost: what should stay, stays."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import httpx
import pytest

from regtui.operations.looking import names
from regtui.operations.removal import plan_removal
from regtui.operations.removal_plan import RemovalPlan
from regtui.operations.runner import StepFailed_
from regtui.operations.undo import plan_undo
from tests.operations.changes.stage import Stage, cut_off, refusing
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout

MANIFESTS = "/v2/team/app/manifests"


async def planned(stage: Stage, layout: Layout, *tags: str, shared: bool = True) -> tuple[RemovalPlan, str, str]:
    """`1.0`, shared with `latest` or not, is to go; the digest of it, and of the other image `2.0`."""
    names = ("1.0", "latest") if shared else ("1.0",)
    digest = await stage.push(layout, layout.image({"app": b"1"}), "team/app", *names)
    other = await stage.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    plan = await plan_removal(stage.session, "team/app", tags or ["1.0"])
    stage.wire.requests.clear()
    return plan, digest, other


@pytest.mark.parametrize("shared", [True, False])
async def test_a_tag_that_was_moved_since_the_plan_is_left_alone(either: Stage, layout: Layout, shared: bool) -> None:
    plan, digest, other = await planned(either, layout, shared=shared)
    await either.pointing(layout, layout.image({"app": b"2"}), "1.0")()
    done = await either.run(plan)
    assert "team/app:1.0 points to" in done.error
    assert not either.wire.writes
    assert await either.state() == {"1.0": other, "2.0": other} | ({"latest": digest} if shared else {})


@pytest.mark.parametrize("shared", [True, False])
async def test_a_tag_that_somebody_else_deleted_is_gone(either: Stage, layout: Layout, shared: bool) -> None:
    plan, digest, other = await planned(either, layout, shared=shared)
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert (await either.run(plan)).counts == (1, 0, 0)  # the same plan once more
    assert await either.state() == {"2.0": other} | ({"latest": digest} if shared else {})


async def test_a_tag_that_is_moved_while_the_throw_away_is_on_it_keeps_its_new_image(
    real: Stage, layout: Layout
) -> None:
    plan, digest, other = await planned(real, layout)
    real.wire.after(rf"PUT {MANIFESTS}/1\.0", real.pointing(layout, layout.image({"app": b"2"}), "1.0"))
    done = await real.run(plan)
    assert "was pushed anew meanwhile" in done.error
    assert await real.state() == {"1.0": other, "2.0": other, "latest": digest}


async def test_a_tag_that_is_moved_just_before_the_throw_away_is_deleted_keeps_its_new_image(
    real: Stage, layout: Layout
) -> None:
    plan, digest, other = await planned(real, layout)
    real.wire.before(rf"DELETE {MANIFESTS}/sha256:.*", real.pointing(layout, layout.image({"app": b"2"}), "1.0"))
    done = await real.run(plan)
    assert "was pushed anew meanwhile" in done.error
    assert await real.state() == {"1.0": other, "2.0": other, "latest": digest}


@pytest.mark.parametrize("answer", [405, 403, 500, 404])
async def test_when_the_throw_away_cannot_be_deleted_the_tag_is_put_back(
    real: Stage, layout: Layout, answer: int
) -> None:
    plan, digest, other = await planned(real, layout)
    real.wire.before(rf"DELETE {MANIFESTS}/sha256:.*", refusing(answer))
    done = await real.run(plan)
    assert "was put back as it was" in done.error
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


async def test_a_long_pause_that_begins_on_the_way_doesn_t_leave_the_throw_away_there(
    real: Stage, layout: Layout
) -> None:
    plan, digest, other = await planned(real, layout)

    async def ask_for_an_hour() -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "3600"})

    real.wire.before(rf"DELETE {MANIFESTS}/sha256:.*", ask_for_an_hour)
    done = await real.run(plan)
    assert "could not be deleted, and was put back as it was" in done.error
    assert "takes no more requests until" in done.error
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


async def test_a_short_pause_on_the_way_is_waited_out(real: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(real, layout)

    async def ask_for_a_moment() -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "0"})

    for request in (rf"PUT {MANIFESTS}/1\.0", rf"DELETE {MANIFESTS}/sha256:.*"):
        real.wire.before(request, ask_for_a_moment)
    assert (await real.run(plan)).counts == (1, 0, 0)
    assert await real.state() == {"latest": digest, "2.0": other}


async def test_when_the_throw_away_is_refused_nothing_was_changed(real: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(real, layout)
    for _ in range(2):
        real.wire.before(rf"PUT {MANIFESTS}/1\.0", refusing(400, "MANIFEST_INVALID"))
    done = await real.run(plan)
    assert done.counts == (0, 1, 0)
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


async def test_a_connection_lost_after_the_throw_away_was_put(real: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(real, layout)
    real.wire.after(rf"PUT {MANIFESTS}/1\.0", cut_off)
    done = await real.run(plan)
    assert "was put back as it was" in done.error
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


async def test_a_connection_that_stays_lost_is_waited_for(
    real: Stage, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, digest, other = await planned(real, layout)

    async def go_down() -> None:
        real.wire.is_down = True
        asyncio.get_running_loop().call_later(0.3, come_back)

    def come_back() -> None:
        real.wire.is_down = False

    monkeypatch.setattr("regtui.operations.throw_away._PAUSES", (0.1,) * 10)
    real.wire.after(rf"PUT {MANIFESTS}/1\.0", go_down)
    done = await real.run(plan)
    assert "was put back as it was" in done.error
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


async def test_a_connection_that_never_comes_back_is_told_and_can_be_undone(
    real: Stage, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, digest, other = await planned(real, layout)

    async def go_down() -> None:
        real.wire.is_down = True

    monkeypatch.setattr("regtui.operations.throw_away._PAUSES", (0.0, 0.0))
    real.wire.after(rf"PUT {MANIFESTS}/1\.0", go_down)
    done = await real.run(plan)
    assert "may hold a throw-away manifest" in done.error
    assert (await real.state())["1.0"] not in (digest, other)
    real.wire.is_down = False
    again = await plan_removal(real.session, "team/app", ["2.0"])
    assert again.warnings == (
        f"1.0 holds a throw-away manifest that a removal left over; before, it was {digest[7:19]}",
    )
    assert (await real.run(await plan_undo(real.session))).counts == (1, 0, 0)
    assert await real.state() == {"1.0": digest, "latest": digest, "2.0": other}


@pytest.mark.parametrize("shared", [True, False])
async def test_an_answer_to_the_deletion_that_is_lost_may_have_been_a_yes(
    either: Stage, layout: Layout, shared: bool
) -> None:
    plan, digest, other = await planned(either, layout, shared=shared)
    either.wire.after(rf"DELETE {MANIFESTS}/.*", cut_off)
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert await either.state() == {"2.0": other} | ({"latest": digest} if shared else {})


async def test_a_registry_that_takes_siblings_along_gets_them_back(embedded: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(embedded, layout)

    async def as_digest() -> None:
        async with embedded.somebody() as client:
            await client.delete_manifest("team/app", digest)

    embedded.wire.after(rf"DELETE {MANIFESTS}/1\.0", as_digest)
    done = await embedded.run(plan)
    assert "That was put back" in done.error
    assert await embedded.state() == {"latest": digest, "2.0": other}


async def test_an_image_that_should_stay_without_a_tag_is_put_back(embedded: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    index = await embedded.push(layout, layout.index(image), "team/app", "multi")
    digest = await embedded.push(layout, image, "team/app", "1.0")
    plan = await plan_removal(embedded.session, "team/app", ["1.0"])

    async def clean() -> None:
        async with embedded.somebody() as client:
            await client.delete_manifest("team/app", digest)

    embedded.wire.after(rf"DELETE {MANIFESTS}/1\.0", clean)
    assert "That was put back" in (await embedded.run(plan)).error
    assert await embedded.has(digest)
    assert await embedded.state() == {"multi": index}


async def test_a_tag_added_to_the_digest_since_the_plan_makes_it_stale(either: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(either, layout, shared=False)
    await either.pointing(layout, layout.image({"app": b"1"}), "new")()
    done = await either.run(plan)
    assert "team/app:new was pushed meanwhile" in done.error
    assert not either.wire.writes
    assert await either.state() == {"1.0": digest, "2.0": other, "new": digest}


async def test_a_tag_moved_to_the_digest_just_before_its_deletion_is_put_back(either: Stage, layout: Layout) -> None:
    plan, digest, _ = await planned(either, layout, shared=False)
    either.wire.before(rf"DELETE {MANIFESTS}/sha256:.*", either.pointing(layout, layout.image({"app": b"1"}), "2.0"))
    done = await either.run(plan)
    assert "2.0 had been moved" in done.error
    assert await either.state() == {"2.0": digest}


async def test_an_index_pushed_since_the_plan_keeps_its_images(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, image, "team/app", "1.0")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    index = await either.push(layout, layout.index(image), "team/app", "multi")
    done = await either.run(plan)
    assert "team/app:multi was pushed meanwhile" in done.error
    assert await either.state() == {"1.0": digest, "multi": index}


async def test_a_tag_moved_to_an_index_since_the_plan_gets_its_images_back(either: Stage, layout: Layout) -> None:
    one, two = layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64")
    await either.push(layout, layout.index(one, two), "team/app", "1.0")
    await either.push(layout, layout.image({"app": b"3"}), "team/app", "latest")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    newer = await either.push(layout, layout.index(two), "team/app", "latest")  # a name that the plan knew
    done = await either.run(plan)
    assert done.counts == (3, 1, 0)
    assert "latest came to need what was being deleted" in done.error
    assert await either.state() == {"latest": newer}
    assert (await either.has(one["digest"]), await either.has(two["digest"])) == (False, True)


async def test_when_an_index_stays_after_all_so_do_its_images(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, layout.index(image), "team/app", "1.0")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    either.wire.before(rf"DELETE {MANIFESTS}/sha256:.*", refusing(403, "DENIED"))
    assert (await either.run(plan)).counts == (0, 1, 1)
    assert await either.state() == {"1.0": digest}
    assert await either.has(image["digest"])


async def test_a_tag_that_goes_and_is_moved_to_another_image_that_goes_stays(either: Stage, layout: Layout) -> None:
    plan, digest, other = await planned(either, layout, "1.0", "2.0", shared=False)
    await either.pointing(layout, layout.image({"app": b"1"}), "2.0")()
    done = await either.run(plan)
    errors = [str(event.error) for event in done.events if isinstance(event, StepFailed_)]
    assert len(errors) == 2
    assert all("team/app:2.0" in error and digest in error for error in errors)
    assert not either.wire.writes
    assert await either.state() == {"1.0": digest, "2.0": digest}
    assert await either.has(other)


async def test_of_many_that_go_one_that_is_moved_to_another_is_told(either: Stage, layout: Layout) -> None:
    for number in range(20):
        await either.push(layout, layout.image({"app": b"%d" % number}), "team/app", f"{number}")
    plan = await plan_removal(either.session, "team/app", [f"{number}" for number in range(20)])
    await either.pointing(layout, layout.image({"app": b"0"}), "19")()
    done = await either.run(replace(plan, at_once=1))
    errors = [str(event.error) for event in done.events if isinstance(event, StepFailed_)]
    assert errors[0].startswith("19, to be deleted as well, went at the same time as ")
    assert await either.state() == {}


@pytest.mark.parametrize("shared", [True, False])
async def test_a_name_that_leads_nowhere_after_a_deletion_that_failed_half_way_goes_too(
    real: Stage, registry: DockerRegistry, layout: Layout, shared: bool
) -> None:
    """2.8.2 answers 500 and keeps the name, when it deletes a manifest while somebody puts another one."""
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", *(["latest"] if shared else []))
    await real.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    name = registry.folder / "data/docker/registry/v2/repositories/team/app/_manifests/tags/1.0"
    kept = registry.folder / "kept"

    async def keep() -> None:
        shutil.copytree(name, kept)

    async def half_way() -> httpx.Response:
        shutil.copytree(kept, name)
        return httpx.Response(500, json={"errors": [{"code": "UNKNOWN", "message": "unknown error"}]})

    plan = await plan_removal(real.session, "team/app", ["1.0"])
    real.wire.before("DELETE /v2/team/app/manifests/sha256:.*", keep)
    real.wire.after("DELETE /v2/team/app/manifests/sha256:.*", half_way)
    done = await real.run(plan)
    assert done.counts == (1, 0, 0)
    assert "1.0" not in await names(real.session.client, "team/app")
    assert set(await real.state()) == ({"latest", "2.0"} if shared else {"2.0"})
    if shared:
        assert (await real.state())["latest"] == digest
