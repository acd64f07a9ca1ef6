"""100,000 tags in one repository: how long the loop is held, how long the list takes, how much memory it brings.

By hand: `.venv/bin/python -m tests.bench.many_tags [TAGS]`. The registry is a fake in the same process and loop, so
that its own work is in the figures; it sends all names in one page, as Docker's registry 2.8.2 does.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from regtui.operations.inventory import Attention, Listed, Read, tags
from tests.operations.fake_registry import FakeRegistry

SECONDS = 10.0
"""How long details are read."""


async def main(count: int) -> None:
    fake = FakeRegistry()
    fake.image("latest")
    digest = fake.tags["latest"]
    fake.tags |= {f"v{number // 1000}.{number // 10 % 100}.{number % 10}-{number}": digest for number in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        session = fake.session(Path(folder), concurrency=16)
        memory = _memory()
        attention = Attention()
        lags: list[float] = []
        watch = asyncio.create_task(_watch(lags))
        started = time.perf_counter()
        listed = read = 0
        async with aclosing(tags(session, "app", attention)) as events:
            async for event in events:
                if isinstance(event, Listed):
                    listed += len(event.tags)
                    if event.complete:
                        print(
                            f"{listed:,} names in {time.perf_counter() - started:.2f} s, longest hold {max(lags):.3f} s"
                        )
                elif isinstance(event, Read):
                    read += 1
                if time.perf_counter() - started > SECONDS:
                    break
        watch.cancel()
        lags.sort()
        print(f"{read:,} tags read, {read / SECONDS:,.0f} a second")
        print(f"loop held: {lags[-1]:.3f} s at most, {lags[len(lags) * 99 // 100]:.4f} s in 99 of 100 looks")
        print(f"memory: {_memory() - memory:.0f} MB more at its peak")
        await session.aclose()


async def _watch(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - before - 0.001)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
