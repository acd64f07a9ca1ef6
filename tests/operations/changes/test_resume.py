"""A change that was cut off is known at the next start, and is finished, put back or left."""

from __future__ import annotations

import json

import pytest

from regtui.errors import NotFound, StoreError, UsageError
from regtui.oci.kinds import THROW_AWAY, THROW_AWAY_DIGEST
from regtui.operations.plan import Plan
from regtui.operations.removal import plan_removal
from regtui.operations.resume import cut_off, leave, plan_left_over, plan_rest
from regtui.operations.session import Session
from regtui.operations.undo import plan_undo
from regtui.store.journal import Change
from regtui.store.rows import KeptChange, Outcome, State, StepRow
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Json, Layout


class Killed(BaseException):
    pass


async def kill() -> None:
    raise Killed


async def cut(stage: Stage, plan: Plan, request: str) -> KeptChange:
    """Executes a plan until the registry has answered this request; then the process is gone."""
    stage.wire.after(request, kill)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Change, "close", lambda change: change._lock.release())
        with pytest.raises(Killed):
            await stage.run(plan)
    (change,) = cut_off(stage.session)
    return change


async def no_other(registry: str) -> Session:
    raise AssertionError(registry)


@pytest.fixture
async def left(real: Stage, layout: Layout) -> tuple[Stage, KeptChange, dict[str, str]]:
    """A removal of two tags was cut off with a throw-away manifest on 1.0; and how it was before."""
    await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "1", "latest")
    before = await real.state()
    plan = await plan_removal(real.session, "team/app", ["1.0", "1"])
    change = await cut(real, plan, "PUT /v2/team/app/manifests/1.0")
    assert (await real.state())["1.0"] != before["1.0"]
    return real, change, before


Left = tuple[Stage, KeptChange, dict[str, str]]


async def test_it_is_finished_and_one_undo_covers_all_of_it(left: Left) -> None:
    stage, change, before = left
    plan = await plan_rest(stage.session, change, no_other)
    assert plan.title == "Finish: Delete 2 tags from team/app"
    assert ("Left over", "team/app:1.0 holds a throw-away manifest: deleted first") in plan.lines()
    done = await stage.run(plan, continues=change.id)
    assert done.finished.change == change.id
    assert (done.finished.failed, done.finished.left) == (0, 0)
    assert await stage.state() == {"latest": before["latest"]}
    assert cut_off(stage.session) == []
    assert stage.session.journal.change(change.id).state is State.DONE
    await stage.run(await plan_undo(stage.session, change.id))
    assert await stage.state() == before


async def test_it_is_put_back_with_nothing_left_over(left: Left) -> None:
    stage, change, before = left
    throw_away = (await stage.state())["1.0"]
    await stage.run(await plan_undo(stage.session, change.id))
    assert await stage.state() == before
    assert not await stage.has(throw_away)
    assert cut_off(stage.session) == []
    assert stage.session.journal.change(change.id).state is not State.RUNNING


async def test_a_tag_that_was_moved_since_stays(left: Left, layout: Layout) -> None:
    stage, change, before = left
    newer = await stage.push(layout, layout.image({"app": b"newer"}), "team/app", "1.0", "1")
    plan = await plan_rest(stage.session, change, no_other)
    assert [warning for warning in plan.warnings if "1.0" in warning]
    await stage.run(plan, continues=change.id)
    assert await stage.state() == {"1.0": newer, "1": newer, "latest": before["latest"]}


async def test_it_is_left_as_it_is_and_can_still_be_undone(left: Left) -> None:
    stage, change, before = left
    leave(stage.session, change)
    assert cut_off(stage.session) == []
    await stage.run(await plan_undo(stage.session, change.id))
    assert await stage.state() == before


async def test_an_undo_that_was_cut_off_stands_for_what_it_undoes(left: Left) -> None:
    stage, change, before = left
    undo = await cut(stage, await plan_undo(stage.session, change.id), "PUT /v2/team/app/manifests/1.0")
    assert undo.id != change.id
    await stage.run(await plan_rest(stage.session, undo, no_other), continues=undo.id)
    assert await stage.state() == before
    assert cut_off(stage.session) == []


async def test_what_failed_can_be_finished_too(real: Stage, layout: Layout) -> None:
    await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    plan = await plan_removal(real.session, "team/app", ["1.0"])

    async def down() -> None:
        real.wire.is_down = True

    real.wire.before("PUT /v2/team/app/manifests/1.0", down)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("regtui.operations.throw_away._PAUSES", (0.0,))
        assert (await real.run(plan)).finished.failed == 1
    real.wire.is_down = False
    change = real.session.journal.changes(1)[0]
    assert cut_off(real.session) == []
    await real.run(await plan_rest(real.session, change, no_other), continues=change.id)
    assert set(await real.state()) == {"latest"}
    assert real.session.journal.change(change.id).state is State.DONE


async def test_what_is_running_and_what_is_older_cannot_be_finished(real: Stage) -> None:
    running = real.session.journal.begin(real.session.registry, "Delete 1 tag", [])
    change = real.session.journal.change(running.id)
    with pytest.raises(StoreError, match="still running"):
        await plan_rest(real.session, change, no_other)
    running.close()
    with pytest.raises(UsageError, match="didn't write down what was asked for"):
        await plan_rest(real.session, real.session.journal.change(running.id), no_other)


async def put_throw_away(stage: Stage, layout: Layout, tag: str, original: str) -> str:
    """What a removal on another machine left: this machine's journal knows nothing of it."""
    annotations = {THROW_AWAY: "nonce", THROW_AWAY_DIGEST: original}
    content: Json = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    raw = json.dumps(content | {"annotations": annotations}).encode()
    async with stage.somebody() as client:
        return await client.put_manifest("team/app", tag, raw, content["mediaType"])


async def test_what_another_machine_left_on_a_tag_is_put_back(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    before = await either.state()
    throw_away = await put_throw_away(either, layout, "1.0", digest)
    plan = await plan_left_over(either.session, "team/app", "1.0")
    assert plan.title == f"Put team/app:1.0 back to {digest[7:19]}"
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert await either.state() == before
    assert not await either.has(throw_away)
    with pytest.raises(UsageError, match="holds no throw-away manifest"):
        await plan_left_over(either.session, "team/app", "1.0")


async def test_what_the_registry_does_not_have_any_more_is_said(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "latest")
    await put_throw_away(either, layout, "1.0", f"sha256:{'1' * 64}")
    before = await either.state()
    with pytest.raises(NotFound, match=r"team/app:1\.0 was sha256:1+, which .* doesn't have any more"):
        await plan_left_over(either.session, "team/app", "1.0")
    assert await either.state() == before


async def test_putting_a_left_over_back_can_be_cut_off_itself(real: Stage, layout: Layout) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    await put_throw_away(real, layout, "1.0", digest)
    for request in ("HEAD /v2/team/app/manifests/1.0", "PUT /v2/team/app/manifests/1.0"):
        change = await cut(real, await plan_left_over(real.session, "team/app", "1.0"), request)
        await real.run(await plan_rest(real.session, change, no_other), continues=change.id)
        assert cut_off(real.session) == []
        assert (await real.state())["1.0"] == digest
        await put_throw_away(real, layout, "1.0", digest)


async def test_other_registries_changes_are_known_too(real: Stage) -> None:
    change = real.session.journal.begin("elsewhere.example", "Delete 1 tag", [StepRow({"verb": "check"})])
    change.start(0)
    change._lock.release()
    (found,) = cut_off(real.session)
    assert (found.registry, found.is_cut_off) == ("elsewhere.example", True)
    assert real.session.journal.steps(found.id)[0].outcome is Outcome.STARTED
