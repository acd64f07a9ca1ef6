"""A removal is killed (SIGKILL) at every single request of it, on a real docker-registry, and started again.

Then it is finished or put back, and every tag, digest and manifest is as it should be. In a normal run a few requests
are tried, by `tests/run --all` each.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtui.operations.plan import Plan
from regtui.operations.removal import plan_removal
from regtui.operations.resume import cut_off, leave, plan_rest
from regtui.operations.session import Session
from regtui.operations.undo import plan_undo
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import open_transport
from regtui.store.journal import Journal
from regtui.store.rows import KeptChange, State
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout
from tests.registry_servers.killing import Kill, KillingProxy, killing_proxy

FINISH, PUT_BACK = "finish", "put back"

Found = tuple[dict[str, str], set[str]]
"""Every tag of a repository with its digest, and the digests of all its manifests, with tags or without."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is in a repository, and which tags are to go."""

    fill: Callable[[Stage, Layout, str], Awaitable[object]]
    going: tuple[str, ...]


async def fill_shared(stage: Stage, layout: Layout, repository: str) -> None:
    """Two tags are to go from a digest that another one keeps: by throw-away manifests."""
    await stage.push(layout, layout.image({"app": b"1"}), repository, "1.0", "1", "latest")


async def fill_much(stage: Stage, layout: Layout, repository: str) -> None:
    """Digests with several tags, a signature, an index of which an image stays, a shared digest, and what stays."""
    image = await stage.push(layout, layout.image({"app": b"1"}), repository, "1.0", "1.0.1", "1")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await stage.push(layout, signature, repository, f"sha256-{image[7:]}.sig")
    parts = [layout.image({"app": b"%d" % n}, platform=p) for n, p in ((2, "linux/amd64"), (3, "linux/arm64"))]
    await stage.push(layout, layout.index(*parts), repository, "2.0")
    await stage.push(layout, parts[1], repository, "2.0-arm64")
    await stage.push(layout, layout.image({"app": b"4"}), repository, "4.0", "4", "latest")


SHARED = Case(fill_shared, ("1.0", "1"))
ONE = Case(fill_shared, ("1.0",))
MUCH = Case(fill_much, ("1.0", "1.0.1", "1", "2.0", "4.0", "4"))


class Theatre:
    """Every try is in a repository of its own, with a journal of its own."""

    def __init__(self, registry: DockerRegistry, proxy: KillingProxy, layout: Layout, folder: Path) -> None:
        self.registry = registry
        self.proxy = proxy
        self._layout = layout
        self._folder = folder
        self._numbers = itertools.count()

    def repository(self, case: Case) -> str:
        """A filled one, past the proxy; the journal is empty, and the cache, so that each try sends the same."""
        shutil.rmtree(self._folder, ignore_errors=True)
        repository = f"team/app{next(self._numbers)}"

        async def fill() -> None:
            stage = stage_of(self.registry, self._folder / "filling")
            await case.fill(stage, self._layout, repository)
            await stage.session.aclose()

        asyncio.run(fill())
        return repository

    def process(self, work: Callable[[Stage], Awaitable[object]]) -> Callable[[], None]:
        """What a process of its own does with a session of its own."""

        async def inside() -> None:
            endpoint = Endpoint(self.proxy.hosts[0], "http")
            stage = Stage(self._folder, endpoint.host, lambda: open_transport(endpoint, connections=8, timeout=5))
            await work(stage)
            await stage.session.aclose()

        return lambda: asyncio.run(inside())

    def found(self, repository: str) -> Found:
        async def look() -> dict[str, str]:
            stage = stage_of(self.registry, self._folder / "filling")
            return await stage.state(repository)

        kept = self.registry.folder / "data/docker/registry/v2/repositories" / repository / "_manifests/revisions"
        return asyncio.run(look()), {link.parent.name for link in kept.glob("*/*/link")}

    def change(self) -> KeptChange | None:
        """The one in the journal."""
        journal = Journal(self._folder / "state", 365)
        try:
            return next(iter(journal.changes(1)), None)
        finally:
            journal.close()


@pytest.fixture
def theatre(registry: DockerRegistry, layout: Layout, tmp_path: Path) -> Iterator[Theatre]:
    with killing_proxy(registry) as proxy:
        yield Theatre(registry, proxy, layout, tmp_path / "theatre")


def removing(case: Case, repository: str, *, only_plan: bool = False) -> Callable[[Stage], Awaitable[object]]:
    async def remove(stage: Stage) -> None:
        plan = await plan_removal(stage.session, repository, case.going)
        if not only_plan:
            await stage.run(plan)

    return remove


def resuming(how: str) -> Callable[[Stage], Awaitable[object]]:
    """What a user does at the next start: until nothing is left that was cut off."""

    async def resume(stage: Stage) -> None:
        session = stage.session
        while waiting := cut_off(session):
            change = waiting[0]
            if how == FINISH or change.request["verb"] == "undo":
                plan: Plan = await plan_rest(session, change, no_other)
                done = await stage.run(plan, continues=change.id)
            else:
                plan = await plan_undo(session, change.id)
                if not plan.steps:
                    leave(session, change)
                done = await stage.run(plan)
            assert (done.finished.failed, done.finished.left) == (0, 0), done.events

    return resume


async def no_other(registry: str) -> Session:
    raise AssertionError(registry)


def expected(theatre: Theatre, how: str, before: Found, after: Found) -> Found:
    """By what the journal says: what was not begun is not finished, what was done before the end is not put back."""
    change = theatre.change()
    if change is None:
        return before
    return after if how == FINISH or change.state is State.DONE else before


@pytest.mark.parametrize("how", [FINISH, PUT_BACK])
@pytest.mark.parametrize(
    ("case", "every"),
    [
        pytest.param(SHARED, 13, id="throw-away-sample"),
        pytest.param(MUCH, 61, id="bulk-sample", marks=pytest.mark.slow),
        pytest.param(SHARED, 1, id="throw-away", marks=pytest.mark.slow),
        pytest.param(MUCH, 1, id="bulk", marks=pytest.mark.slow),
    ],
)
def test_a_removal_that_was_killed_is_finished_or_put_back(theatre: Theatre, case: Case, every: int, how: str) -> None:
    repository = theatre.repository(case)
    planning = len(theatre.proxy.run(theatre.process(removing(case, repository, only_plan=True))).requests)
    repository = theatre.repository(case)
    before = theatre.found(repository)
    total = len(theatre.proxy.run(theatre.process(removing(case, repository))).requests)
    after = theatre.found(repository)
    assert set(before[0]) - set(after[0]) >= set(case.going)
    tries = [(number, when) for number in range(planning, total + 1) for when in Kill]
    assert len(tries) > 40
    for number, when in tries[::every]:
        repository = theatre.repository(case)
        ran = theatre.proxy.run(theatre.process(removing(case, repository)), kill_at=number, when=when)
        right = expected(theatre, how, before, after)
        theatre.proxy.run(theatre.process(resuming(how)))
        assert theatre.found(repository) == right, (number, when, ran.requests[-3:])


@pytest.mark.parametrize("how", [FINISH, PUT_BACK])
@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_what_is_killed_again_when_it_is_resumed(theatre: Theatre, how: str, every: int) -> None:
    """The first time with a throw-away manifest on a tag; then at every request of the resume."""
    repository = theatre.repository(ONE)
    before = theatre.found(repository)
    removal = theatre.proxy.run(theatre.process(removing(ONE, repository)))
    after = theatre.found(repository)
    put = next(n for n, request in enumerate(removal.requests, 1) if request.startswith("PUT"))
    tries = [(number, when) for number in range(1, 20) for when in Kill]
    for number, when in tries[::every]:
        repository = theatre.repository(ONE)
        theatre.proxy.run(theatre.process(removing(ONE, repository)), kill_at=put)
        left = theatre.found(repository)[0]
        assert {tag for tag in before[0] if left[tag] != before[0][tag]} == {"1.0"}
        theatre.proxy.run(theatre.process(resuming(how)), kill_at=number, when=when)
        theatre.proxy.run(theatre.process(resuming(how)))
        assert theatre.found(repository)[0] == (after if how == FINISH else before)[0], (number, when)
