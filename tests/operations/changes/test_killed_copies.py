"""A copy between two docker-registries is killed (SIGKILL) at every single request of it, and started again.

Then it is finished or put back, and the target's tags are as they should be. In a normal run a few requests are tried,
by `tests/run --all` each.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from regtui.oci.reference import Reference
from regtui.operations.plan import Plan
from regtui.operations.resume import cut_off, leave, plan_rest
from regtui.operations.session import Session
from regtui.operations.transfer import plan_copy
from regtui.operations.undo import plan_undo
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import open_transport
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Json, Layout
from tests.registry_servers.killing import Kill, KillingProxy, killing_proxy

Work = Callable[[Stage, Stage], Awaitable[object]]


def process(proxy: KillingProxy, folder: Path, work: Work) -> Callable[[], None]:
    """What a process of its own does with the source and the target."""

    async def inside() -> None:
        stages = []
        for number, host in enumerate(proxy.hosts):
            connect = partial(open_transport, Endpoint(host, "http"), connections=8, timeout=5)
            stages.append(Stage(folder / str(number), host, connect))
        await work(stages[0], stages[1])
        for stage in stages:
            await stage.session.aclose()

    return lambda: asyncio.run(inside())


def copying(repository: str, *, only_plan: bool = False) -> Work:
    async def copy(source: Stage, target: Stage) -> None:
        references = [
            Reference(stage.session.registry, name, "1.0")
            for stage, name in ((source, "team/app"), (target, repository))
        ]
        plan = await plan_copy(source.session, references[0], target.session, references[1], referrers=True)
        if not only_plan:
            await target.run(plan)

    return copy


def resuming(*, finish: bool) -> Work:
    """What a user does at the next start: until nothing is left that was cut off."""

    async def resume(source: Stage, target: Stage) -> None:
        async def open_other(registry: str) -> Session:
            assert registry == source.session.registry
            return source.session

        session = target.session
        while waiting := cut_off(session):
            change = waiting[0]
            if finish:
                plan: Plan = await plan_rest(session, change, open_other)
                done = await target.run(plan, continues=change.id)
            else:
                plan = await plan_undo(session, change.id)
                if not plan.steps:
                    leave(session, change)
                done = await target.run(plan)
            assert (done.finished.failed, done.finished.left) == (0, 0), done.events

    return resume


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("finish", [True, False], ids=["finished", "put back"])
def test_a_copy_that_was_killed(
    registry: DockerRegistry, layout: Layout, tmp_path: Path, every: int, finish: bool
) -> None:
    parts = [layout.image({"app": b"%d" % n}, platform=f"linux/{n}") for n in range(2)]
    old = layout.image({"app": b"old"})
    folder = tmp_path / "process"
    with docker_registry(tmp_path / "target") as target, killing_proxy(registry, target) as proxy:

        async def fill(stage: Stage, *filling: tuple[Json, str, list[str]]) -> None:
            for described, repository, tags in filling:
                await stage.push(layout, described, repository, *tags)
            await stage.session.aclose()

        index = layout.index(*parts)
        signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
        signed = f"sha256-{index['digest'][7:]}.sig"
        source = stage_of(registry, tmp_path / "source")
        asyncio.run(fill(source, (index, "team/app", ["1.0"]), (signature, "team/app", [signed])))

        def begin(number: int) -> str:
            """A target in which the tag is taken, and an empty journal."""
            shutil.rmtree(folder, ignore_errors=True)
            stage = stage_of(target, tmp_path / "filling")
            asyncio.run(fill(stage, (old, repository := f"team/copy{number}", ["1.0", "kept"])))
            return repository

        def state(repository: str) -> dict[str, str]:
            async def look() -> dict[str, str]:
                stage = stage_of(target, tmp_path / "filling")
                try:
                    return await stage.state(repository)
                finally:
                    await stage.session.aclose()

            return asyncio.run(look())

        planning = len(proxy.run(process(proxy, folder, copying(begin(0), only_plan=True))).requests)
        before = state("team/copy0")
        total = len(proxy.run(process(proxy, folder, copying(repository := begin(1)))).requests)
        after = state(repository)
        assert after == {"1.0": index["digest"], "kept": old["digest"], signed: signature["digest"]}
        tries = [(number, when) for number in range(planning + 1, total + 1) for when in Kill]
        assert len(tries) > 40
        for case, (number, when) in enumerate(tries[::every], 2):
            repository = begin(case)
            ran = proxy.run(process(proxy, folder, copying(repository)), kill_at=number, when=when)
            proxy.run(process(proxy, folder, resuming(finish=finish)))
            found = state(repository)
            # Killed before the journal had it, or after its last word, there is nothing to take up.
            assert found in (before, after), (number, when, ran)
            assert found == (after if finish else before) or number in (planning + 1, total), (number, when, ran)
