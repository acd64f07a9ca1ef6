"""Somebody pushes between any two requests of a removal. One window remains, of one request: between the last read and
its write. There, what was pushed may be lost; everywhere else it is there afterwards, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from regtui.operations.removal import plan_removal
from tests.operations.changes.stage import Action, Stage
from tests.registry_servers.images import Layout

Push = Callable[[Stage, Layout, str], Action]


def move_the_tag(stage: Stage, layout: Layout, repository: str) -> Action:
    return stage.pushing(layout, layout.image({"app": b"newer"}), "1.0", repository=repository)


def move_another_tag_to_the_image(stage: Stage, layout: Layout, repository: str) -> Action:
    return stage.pushing(layout, layout.image({"app": b"1"}), "2.0", repository=repository)


def add_a_tag_to_the_image(stage: Stage, layout: Layout, repository: str) -> Action:
    return stage.pushing(layout, layout.image({"app": b"1"}), "new", repository=repository)


def push_an_index_with_the_image(stage: Stage, layout: Layout, repository: str) -> Action:
    return stage.pushing(layout, layout.index(layout.image({"app": b"1"})), "new", repository=repository)


def move_a_tag_to_an_index_with_the_image(stage: Stage, layout: Layout, repository: str) -> Action:
    return stage.pushing(layout, layout.index(layout.image({"app": b"1"})), "2.0", repository=repository)


PUSHES: list[Push] = [
    move_the_tag,
    move_another_tag_to_the_image,
    add_a_tag_to_the_image,
    push_an_index_with_the_image,
    move_a_tag_to_an_index_with_the_image,
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("push", PUSHES)
async def test_what_is_pushed_meanwhile_stays(
    either: Stage, layout: Layout, push: Push, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.looking._PATIENCE", (0.0,))
    image = layout.image({"app": b"1"})
    number, ended = 0, False
    while not ended:
        repository = f"team/app{number}"
        await either.push(layout, image, repository, "1.0", *(["latest"] if shared else []))
        await either.push(layout, layout.image({"app": b"2"}), repository, "2.0")
        plan = await plan_removal(either.session, repository, ["1.0"])
        before = await either.state(repository)
        either.wire.requests.clear()
        pushed: dict[str, str] = {}
        either.wire.at[number] = _noting(either, repository, push(either, layout, repository), before, pushed)
        await either.run(plan)
        ended = number in either.wire.at  # fewer requests than that
        either.wire.at.clear()
        if ended:
            break
        in_window = either.wire.requests[number].split()[0] in ("PUT", "DELETE")
        after = await either.state(repository)
        if not in_window:
            assert after | pushed == after, either.wire.requests[number]
            assert await either.has(image["digest"], repository) or image["digest"] not in after.values()
            if "index" in push.__name__:
                assert await either.has(image["digest"], repository), either.wire.requests[number]
        if shared:
            assert after["latest"] == image["digest"]
        number += 1
    assert number > 5


def _noting(
    stage: Stage, repository: str, push: Action, before: dict[str, str], pushed: dict[str, str]
) -> Callable[[], Awaitable[None]]:
    """Notes which tags the push changed."""

    async def act() -> None:
        was = await stage.state(repository)
        await push()
        now = await stage.state(repository)
        pushed.update({tag: digest for tag, digest in now.items() if was.get(tag) != digest})

    return act


async def test_each_write_comes_right_after_its_read(real: Stage, layout: Layout) -> None:
    await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    await real.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    plan = replace(await plan_removal(real.session, "team/app", ["1.0", "2.0"]), at_once=1)
    real.wire.requests.clear()
    await real.run(plan)
    writes = [number for number, request in enumerate(real.wire.requests) if request.split()[0] in ("PUT", "DELETE")]
    around = [(real.wire.requests[n - 1], real.wire.requests[n].split()[0], real.wire.requests[n + 1]) for n in writes]
    tags, tag = "GET /v2/team/app/tags/list", "HEAD /v2/team/app/manifests/1.0"
    assert around == [(tags, "DELETE", tags), (tag, "PUT", tag), (tag, "DELETE", tag)]


async def test_side_by_side_too_nothing_is_written_between_a_read_and_its_write(real: Stage, layout: Layout) -> None:
    tags = [f"{number}" for number in range(30)]
    for tag in tags:
        shared = [f"{tag}-stays"] if int(tag) % 3 == 0 else []
        await real.push(layout, layout.image({"app": tag.encode()}), "team/app", tag, *shared)
    plan = await plan_removal(real.session, "team/app", tags)
    by_digest = {f"DELETE /v2/team/app/manifests/{digest}" for digest in plan.removed_digests}
    real.wire.requests.clear()
    assert (await real.run(plan)).counts == (30, 0, 0)
    last_list = last_write = -1
    for number, request in enumerate(real.wire.requests):
        if request.endswith("/tags/list"):
            last_list = number
        elif request.split()[0] in ("PUT", "DELETE"):
            assert request not in by_digest or last_list > last_write
            last_write = number
