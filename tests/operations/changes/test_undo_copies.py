"""Undo of copies and moves: tags are as before, and what was brought along is in nobody's way."""

from __future__ import annotations

from regtui.oci.reference import Reference
from regtui.operations.transfer import plan_copy, plan_move
from regtui.operations.undo import plan_undo
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Json, Layout


def reference(stage: Stage, repository: str, tag: str) -> Reference:
    return Reference(stage.session.registry, repository, tag)


async def undo(stage: Stage, change: int | None = None) -> None:
    done = await stage.run(await plan_undo(stage.session, change))
    assert (done.finished.failed, done.finished.left) == (0, 0)


def index(layout: Layout) -> Json:
    return layout.index(*(layout.image({"app": b"%d" % n}, platform=f"linux/{n}") for n in range(2)))


async def test_a_copy_into_another_registry(embedded: Stage, real: Stage, layout: Layout) -> None:
    digest = await embedded.push(layout, index(layout), "team/app", "1.0")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await embedded.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    await real.push(layout, layout.image({"app": b"before"}), "team/app", "old", "kept")
    before = await real.state()
    for number, tag in enumerate(("new", "old"), 1):
        plan = await plan_copy(
            embedded.session, reference(embedded, "team/app", "1.0"), real.session, reference(real, "team/app", tag),
            referrers=number == 1,
        )  # fmt: skip
        assert (await real.run(plan)).finished.change == number
    copied = await real.state()
    assert (copied["new"], copied["old"]) == (digest, digest)
    assert f"sha256-{digest[7:]}.sig" in copied
    await undo(real, 2)
    await undo(real, 1)
    assert await real.state() == before
    await undo(real)  # and that undone
    assert (await real.state())["new"] == digest


async def test_a_copy_into_another_repository(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, index(layout), "team/app", "1.0")
    await either.push(layout, layout.image({"app": b"before"}), "team/other", "stable")
    before = [await either.state(), await either.state("team/other")]
    for tag in ("stable", "new"):
        source, target = reference(either, "team/app", "1.0"), reference(either, "team/other", tag)
        await either.run(await plan_copy(either.session, source, either.session, target))
    assert await either.state("team/other") == {"new": digest, "stable": digest}
    await undo(either, 1)
    await undo(either, 2)
    assert [await either.state(), await either.state("team/other")] == before


async def test_a_move_is_two_changes_undone_from_the_last(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    before = await either.state()
    source, target = reference(either, "team/app", "1.0"), reference(either, "team/app", "moved")
    plan = await plan_move(either.session, source, either.session, target)
    for part in (plan.copy, plan.removal):
        assert (await either.run(part)).finished.failed == 0
    assert await either.state() == {"moved": before["1.0"], "2.0": before["2.0"]}
    await undo(either, 2)
    await undo(either, 1)
    assert await either.state() == before
