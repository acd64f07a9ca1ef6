"""100,000 tags, 100,000 files, 20,000 repositories in their panes: how long the loop is held, and the memory.

By hand: `.venv/bin/python -m tests.bench.panes`. No registry is in it: what arrives is made before the clock starts.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from textual.pilot import Pilot

from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind
from regtui.operations.files import Entry
from regtui.operations.inventory import Listed, Read, TagFacts
from regtui.tui.widgets.files.files import Files
from regtui.tui.widgets.repositories import Repositories
from regtui.tui.widgets.tags import Tags
from tests.tui.stage import on_stage

MANY = 100_000


class Clock:
    """Looks at the loop every millisecond."""

    def __init__(self) -> None:
        self.held = 0.0

    async def watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.held = max(self.held, time.perf_counter() - before - 0.001)

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        self.held, began = 0.0, time.perf_counter()
        yield
        took = time.perf_counter() - began
        print(f"{what:44} {took * 1000:7.0f} ms, loop held {self.held * 1000:4.0f} ms at most")


async def main() -> None:
    tags, files, repositories = Tags(), Files(), Repositories()
    clock = Clock()
    async with on_stage(tags, files, repositories, size=(160, 45)) as (_, pilot):
        watch = asyncio.create_task(clock.watch())
        await bench_tags(tags, clock, pilot)
        await bench_files(files, clock, pilot)
        await bench_repositories(repositories, clock, pilot)
        watch.cancel()


async def bench_tags(pane: Tags, clock: Clock, pilot: Pilot[None]) -> None:
    names = [f"v{n // 1000}.{n // 10 % 100}.{n % 10}-b{n}" for n in range(MANY)]
    random.Random(1).shuffle(names)
    reads = [Read(name, facts(n)) for n, name in enumerate(names)]
    memory = resident()
    pane.start("team/app", lambda tag: False)
    with clock.measure("tags: names in order"):
        pane.apply([Listed(tuple(names), True)])
        while pane.row_count < MANY:
            await pilot.pause(0.005)
    print(f"tags: memory {resident() - memory:.0f} MB more than the names and facts themselves")
    await filters(pane.set_filter, ("1", "12", "*77", "re:9$", ""), clock, pilot)
    for order in ("name", "created"):
        half, reads = reads[: MANY // 2], reads[MANY // 2 :] or reads
        with clock.measure(f"tags: 50,000 facts, by {order}"):
            for start in range(0, len(half), 500):
                pane.apply(half[start : start + 500])
                await asyncio.sleep(0.01)
        await pilot.press("s")
    for key in ("j", "pagedown", "G", "A", "S"):
        with clock.measure(f"tags: key {key}"):
            await pilot.press(key)


async def bench_files(pane: Files, clock: Clock, pilot: Pilot[None]) -> None:
    entries = [
        Entry(path=f"usr/d{n % 100}/e{n // 100 % 10}/file{n}", type="file", size=n, mode=0o644, uid=0, gid=0, mtime=0)
        for n in range(MANY)
    ]
    pane.start("layer 1")
    with clock.measure("files: entries"):
        for start in range(0, MANY, 1000):
            pane.add(entries[start : start + 1000])
            await asyncio.sleep(0.005)
        pane.finish("all of it")
    await filters(pane.set_filter, ("f", "file99", ""), clock, pilot, lambda: pane._portions.busy)


async def bench_repositories(pane: Repositories, clock: Clock, pilot: Pilot[None]) -> None:
    names = [f"ns{n % 50}/team{n % 7}/r{n}" for n in range(20_000)]
    pane.start()
    with clock.measure("repositories: 20 pages"):
        for start in range(0, len(names), 1000):
            pane.add(names[start : start + 1000])
            await asyncio.sleep(0.005)
        pane.finish()
    await filters(pane.set_filter, ("r", "ns4", ""), clock, pilot, lambda: pane._portions.busy)


async def filters(
    set_filter: Callable[[str], str],
    texts: tuple[str, ...],
    clock: Clock,
    pilot: Pilot[None],
    is_busy: Callable[[], bool] = lambda: False,
) -> None:
    for text in texts:
        with clock.measure(f"  filter {text!r}"):
            set_filter(text)
            await pilot.pause()
            while is_busy():
                await pilot.pause(0.005)


def facts(number: int) -> TagFacts:
    return TagFacts(
        digest=Digest(f"sha256:{hashlib.sha256(str(number // 2).encode()).hexdigest()}"),
        media_type="application/vnd.oci.image.manifest.v1+json",
        kind=Kind.IMAGE,
        created=datetime.fromtimestamp(1_700_000_000 + number * 60, UTC),
        created_source="config",
        size=number * 1000,
        platforms=("linux/amd64",),
    )


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    asyncio.run(main())
