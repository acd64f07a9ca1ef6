"""Many tags in one plan, and what is left of a removal that was begun."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from regtui.oci.digest import Digest
from regtui.operations.removal import plan_all, plan_removal, replan
from regtui.patterns import WholeNames
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Layout


async def contents(stage: Stage, tags: list[str]) -> dict[str, tuple[str, bytes]]:
    """Digest and bytes of what each tag points to."""
    async with stage.somebody() as client:
        found = {tag: await client.manifest("team/app", tag) for tag in tags}
    return {tag: (document.digest, document.raw) for tag, document in found.items()}


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
async def test_many_tags_go_and_those_that_share_digests_with_a_fifth_of_them_stay(
    real: Stage, layout: Layout, count: int
) -> None:
    going, staying = [], []
    for number in range(count):
        going.append(f"going{number}")
        tags = [going[-1]]
        if number % 5 == 0:
            staying.append(f"staying{number}")
            tags.append(staying[-1])
        await real.push(layout, layout.image({"app": b"%d" % number}), "team/app", *tags)
    before = await contents(real, staying)
    plan = await plan_removal(real.session, "team/app", going)
    assert [tag for tag, _ in plan.staying] == staying
    real.wire.requests.clear()
    assert (await real.run(plan)).counts == (count, 0, 0)
    sent = Counter(request.split()[0] for request in real.wire.requests)
    assert (sent["PUT"], sent["DELETE"]) == (count // 5, count)
    lists = real.wire.requests.count("GET /v2/team/app/tags/list")
    assert lists <= count - count // 5 + 20  # about one for each image: that after one is that before the next
    assert sorted(await real.state()) == sorted(staying)
    assert await contents(real, staying) == before


async def test_of_an_image_with_many_tags_most_of_which_stay_few_are_looked_at(real: Stage, layout: Layout) -> None:
    tags = [f"t{number}" for number in range(60)]
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", *tags)
    plan = await plan_removal(real.session, "team/app", tags[:10])
    real.wire.requests.clear()
    assert (await real.run(plan)).counts == (10, 0, 0)
    assert len(real.wire.requests) < 10 * 14
    assert await real.state() == dict.fromkeys(sorted(tags[10:]), digest)


async def test_all_tags_of_a_repository_or_those_that_match(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest", "pr-1")
    two = await either.push(layout, layout.index(layout.image({"app": b"2"})), "team/app", "2.0", "pr-2")
    matching = await plan_all(either.session, "team/app", [WholeNames("pr-*"), WholeNames("1.0")])
    assert sorted(item.tag for item in matching.going) == ["1.0", "pr-1", "pr-2"]
    assert matching.to_type == ""
    assert not (await plan_all(either.session, "team/app", [WholeNames("none")])).steps
    assert (await either.run(matching)).finished.failed == 0
    everything = await plan_all(either.session, "team/app")
    assert (everything.protected, everything.to_type) == (("latest",), "latest")
    assert (await either.run(everything)).finished.failed == 0
    assert await either.state() == {}
    assert not await either.has(two)


async def test_what_is_left_of_a_removal_is_planned_anew(either: Stage, layout: Layout) -> None:
    image, inside = layout.image({"app": b"1"}), layout.image({"app": b"2"})
    await either.push(layout, layout.index(inside), "team/app", "multi")
    one = await either.push(layout, image, "team/app", "1.0", "1", "latest")
    await either.push(layout, layout.image({"app": b"3"}), "team/app", "3.0")
    plan = await plan_removal(either.session, "team/app", ["multi", "1.0", "1", "3.0"])
    newer = await either.push(layout, layout.image({"app": b"newer"}), "team/app", "3.0")
    first = next(number for number, step in enumerate(plan.steps) if step.intent()["digest"] == plan.going[0].digest)
    assert (await either.run(replace(plan, steps=plan.steps[first : first + 1], check=None))).counts == (1, 0, 0)
    rest = await replan(either.session, plan.request, [Digest(inside["digest"])])
    assert [item.tag for item in rest.going] == ["1.0", "1"]
    assert rest.removed_digests == (inside["digest"],)
    assert rest.warnings == (f"3.0 was pushed anew since, and stays: it points to {newer[7:19]}",)
    assert rest.request == plan.request
    assert (await either.run(rest)).counts == (3, 0, 0)
    assert await either.state() == {"3.0": newer, "latest": one}
    assert not await either.has(inside["digest"])
    again = await replan(either.session, plan.request, [Digest(inside["digest"])])
    assert again.steps == ()
    assert again.lines()[0][0] == "Left"


async def test_what_is_left_of_an_image_that_got_another_tag_since_stays(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, image, "team/app", "1.0", "1")
    plan = await plan_removal(either.session, "team/app", ["1.0"], whole_digests=True)
    await either.pointing(layout, image, "new")()
    rest = await replan(either.session, plan.request, [digest])
    assert (rest.steps, rest.going) == ((), ())
    assert rest.warnings == (f"new was put on {digest[7:19]} since: that stays, with its tags",)


async def test_a_signature_that_a_removal_left_behind_goes_with_its_rest(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await either.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    await either.run(replace(plan, steps=plan.steps[:1], check=None))
    rest = await replan(either.session, plan.request, [Digest(signature["digest"])])
    assert (await either.run(rest)).finished.failed == 0
    assert await either.state() == {}
    assert not await either.has(signature["digest"])
