"""Somebody pushes before any request of a removal of several tags, while it is planned and while it is done.

What was pushed is there afterwards, whole, but for one window: between the last read before a write and that write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from regtui.errors import RegtuiError
from regtui.operations.removal import plan_removal
from regtui.operations.runner import StepFailed_
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Json, Layout

GOING = ["1.0", "shared", "multi"]


@dataclass(frozen=True, slots=True)
class Push:
    """What somebody does: `tag` gets another image, or an index, which needs `needed`."""

    name: str
    tag: str
    image: Callable[[Layout], Json]
    needed: str


def first(layout: Layout) -> Json:
    return layout.image({"app": b"1"})


def second(layout: Layout) -> Json:
    return layout.image({"app": b"2"})


def inside(layout: Layout) -> Json:
    return layout.image({"app": b"inside"}, platform="linux/arm64")


PUSHES = [
    Push("a tag that goes is moved", "1.0", lambda layout: layout.image({"app": b"newer"}), ""),
    Push("a shared tag that goes is moved", "shared", lambda layout: layout.image({"app": b"newer"}), ""),
    Push("a tag that stays is moved to an image that goes", "2.0", first, ""),
    Push("a new tag on an image that goes", "new", first, ""),
    Push("a new index with an image that goes", "new", lambda layout: layout.index(first(layout)), "first"),
    Push("a tag that stays is moved to such an index", "2.0", lambda layout: layout.index(inside(layout)), "inside"),
]


def in_window(requests: list[str], number: int, digests: set[str]) -> bool:
    """Whether what comes before this request comes between the list of tags and the deletion of one of these digests,
    or between the look at a tag and what is written to it."""
    for at, request in enumerate(requests[number:], number):
        method, _, path = request.partition(" ")
        if method == "DELETE" and path.rpartition("/")[2] in digests:
            read = max(n for n in range(at) if requests[n].endswith("/tags/list"))
        elif method in ("PUT", "DELETE"):
            read = at - 1
        else:
            continue
        return read < number
    return False


@pytest.mark.parametrize("push", PUSHES, ids=lambda push: push.name)
@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_push_before_any_request(
    either: Stage, layout: Layout, push: Push, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.looking._PATIENCE", (0.0,))
    number, told = 0, 0
    while True:
        repository = f"team/app{number}"
        await either.push(layout, first(layout), repository, "1.0")
        shared = await either.push(layout, layout.image({"app": b"s"}), repository, "shared", "stays")
        await either.push(layout, second(layout), repository, "2.0")
        await either.push(layout, layout.index(inside(layout)), repository, "multi")
        either.wire.requests.clear()
        pushed = push.image(layout)
        either.wire.at[number] = either.pushing(layout, pushed, push.tag, repository=repository)
        planned, error = await remove(either, repository)
        if number in either.wire.at:
            break  # fewer requests than that
        after = await either.state(repository)
        where = f"before {number}: {either.wire.requests[number]}; {error}; {either.wire.requests}"
        digests = {pushed["digest"], first(layout)["digest"], inside(layout)["digest"]}
        assert after["stays"] == shared, where
        if planned.get(push.tag) != pushed["digest"] and not in_window(either.wire.requests, number, digests):
            assert after.get(push.tag) == pushed["digest"], where
            needed = {"first": first, "inside": inside}.get(push.needed)
            assert not needed or await either.has(needed(layout)["digest"], repository), where
        told += push.tag in error
        number += stride
    assert told or stride > 1, "nobody was told of the push"


async def remove(stage: Stage, repository: str) -> tuple[Mapping[str, str], str]:
    """What was planned to go, by tag, and what went wrong."""
    try:
        plan = replace(await plan_removal(stage.session, repository, GOING), at_once=1)
    except RegtuiError as error:
        return {}, str(error)
    done = await stage.run(plan)
    errors = [str(event.error) for event in done.events if isinstance(event, StepFailed_)]
    return {item.tag: item.digest for item in plan.going}, " ".join(errors)
