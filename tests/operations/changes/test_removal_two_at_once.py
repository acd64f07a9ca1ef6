"""Two regtui, on machines that know nothing of each other, remove from one repository at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regtui.embedded.app import registry_app
from regtui.operations.looking import found_all
from regtui.operations.removal import plan_removal
from regtui.operations.runner import StepFailed_
from regtui.registry.asgi import StreamingASGITransport
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Done, Stage
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.slow), "embedded"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Stage, Stage]]:
    folders = [tmp_path / "one", tmp_path / "two"]
    if request.param == "real":
        registry = request.getfixturevalue("registry")
        assert isinstance(registry, DockerRegistry)
        stages = [stage_of(registry, folder) for folder in folders]
    else:
        app = registry_app(tmp_path / "embedded")
        stages = [Stage(folder, "embedded.localhost", lambda: StreamingASGITransport(app)) for folder in folders]
    yield stages[0], stages[1]
    for stage in stages:
        await stage.session.aclose()


async def remove(two: tuple[Stage, Stage], ones: list[str], others: list[str]) -> list[Done]:
    """Both plan, and then both begin."""
    plans = [
        await plan_removal(stage.session, "team/app", tags) for stage, tags in zip(two, (ones, others), strict=True)
    ]
    return list(await asyncio.gather(*(stage.run(plan) for stage, plan in zip(two, plans, strict=True))))


async def there(stage: Stage) -> dict[str, str]:
    """Tags with their digests. Two programs that write at once make 2.8.2 keep names that lead nowhere."""
    async with stage.somebody() as client:
        names = [tag async for page in client.tags("team/app") for tag in page]
        return {tag: digest for tag, digest in (await found_all(client, "team/app", names)).items() if digest}


async def test_the_same_tags(two: tuple[Stage, Stage], layout: Layout) -> None:
    for number in range(10):
        await two[0].push(layout, layout.image({"app": b"%d" % number}), "team/app", f"a{number}", f"b{number}")
    kept = await two[0].push(layout, layout.image({"app": b"1"}), "team/app", "kept")
    both = [f"a{number}" for number in range(10)] + ["b1", "b2"]
    before = await two[0].state()
    await remove(two, both, both)
    after = await there(two[0])
    assert after == {tag: digest for tag, digest in before.items() if tag not in both}
    assert after["kept"] == kept


async def test_tags_of_the_same_images(two: tuple[Stage, Stage], layout: Layout) -> None:
    for number in range(20):
        tags = [f"{which}{number}" for which in ("a", "b", "kept")]
        await two[0].push(layout, layout.image({"app": b"%d" % number}), "team/app", *tags)
    before = await two[0].state()
    done = await remove(two, [f"a{number}" for number in range(20)], [f"b{number}" for number in range(20)])
    assert [one.counts for one in done] == [(20, 0, 0)] * 2
    assert await there(two[0]) == {tag: digest for tag, digest in before.items() if tag.startswith("kept")}


async def test_images_of_their_own(two: tuple[Stage, Stage], layout: Layout) -> None:
    for number in range(40):
        await two[0].push(layout, layout.image({"app": b"%d" % number}), "team/app", f"{'ab'[number % 2]}{number}")
    kept = await two[0].push(layout, layout.image({"app": b"kept"}), "team/app", "kept")
    going = [[f"{which}{number}" for number in range(40) if "ab"[number % 2] == which] for which in "ab"]
    done = await remove(two, *going)
    assert [one.counts for one in done] == [(20, 0, 0)] * 2
    assert await there(two[0]) == {"kept": kept}


async def test_whole_images_and_tags_of_others(two: tuple[Stage, Stage], layout: Layout) -> None:
    """A tag that somebody else takes from an image that stays, just when an image is deleted, may as well have been
    moved to that: in doubt it is put back there, and said."""
    for number in range(20):
        await two[0].push(layout, layout.image({"app": b"a%d" % number}), "team/app", f"a{number}")
        await two[0].push(layout, layout.image({"app": b"b%d" % number}), "team/app", f"b{number}", f"kept{number}")
    before = await two[0].state()
    done = await remove(two, [f"a{number}" for number in range(20)], [f"b{number}" for number in range(20)])
    after = await there(two[0])
    kept = {tag: digest for tag, digest in before.items() if tag.startswith("kept")}
    said = " ".join(str(event.error) for event in done[0].events if isinstance(event, StepFailed_))
    assert {tag: digest for tag, digest in after.items() if not tag.startswith("b")} == kept
    assert all(f"had been moved to {after[tag]} meanwhile" in said for tag in after.keys() - kept.keys())
