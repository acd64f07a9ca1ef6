"""How long the listing of a layer takes beside GNU tar, what its index weighs, the memory, how long the loop is held.

By hand: `.venv/bin/python -m tests.bench.layers [FOLDER | FILE.tgz] [ROUNDS]`. The folder is packed as a layer, best a
`debootstrap --variant=minbase` root; without one, some of this machine's /usr is. Each measure runs in a process of its
own, one after the other in each round; what is printed are medians. tar and the first rows read a local file, the last
ones a `docker-registry` on this machine, over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

from regtui.config import Settings
from regtui.layers import deflate
from regtui.layers.decompress import Inflater
from regtui.layers.points import Points, PointsMaker
from regtui.layers.tar import TarWalker
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.operations.files import Done, layer_files
from regtui.operations.session import open_session
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import LAYER

PACKED = 100_000_000
"""Bytes of the layer that is made of /usr, about."""

STEP = 256 * 1024  # as operations.layer_stream takes a layer

LIBRARIES: dict[str, Callable[[], deflate.Library | None]] = {
    "zlib-ng": deflate.next_gen,
    "the system's zlib": deflate.system,
    "isal": lambda: None,
}
FILE = ["file, zlib-ng, no index", "file, zlib-ng", "file, the system's zlib", "file, isal, no index"]
HTTP = ["HTTP", "HTTP, diff_id"]

Figures = dict[str, float]


def main(source: Path | None, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = source if source and source.is_file() else packed(source, folder)
        unpacked = sum(map(len, unpack(file)))
        print(f"{file.stat().st_size:,} bytes, {unpacked:,} unpacked; medians of {rounds}; {os.cpu_count()} cores")
        with docker_registry(folder / "registry") as registry:
            digest = push(registry, file)
            diff_id = diff_id_of(file)
            taken: dict[str, list[Figures]] = {}
            for _ in range(rounds):
                taken.setdefault("tar -tzf", []).append(peer(file))
                for measure in FILE + HTTP:
                    taken.setdefault(measure, []).append(child(measure, str(file), registry.host, digest, diff_id))
        show(taken, file.stat().st_size)


def packed(source: Path | None, folder: Path) -> Path:
    file = folder / "layer.tgz"
    if source:
        subprocess.run(["tar", "-czf", file, "-C", source, "."], check=True)
        return file
    names, size = [], 0
    for path in sorted(Path("/usr").rglob("*")):
        if path.is_file() and not path.is_symlink():
            size += path.stat().st_size
        names.append(str(path.relative_to("/")))
        if size > 2.7 * PACKED:
            break
    command = ["tar", "-czf", str(file), "-C", "/", "--no-recursion", "--null", "-T", "-"]
    subprocess.run(command, input="\0".join(names), text=True, check=True)
    return file


def unpack(file: Path) -> Iterator[bytes]:
    inflater = Inflater()
    with file.open("rb") as layer:
        while step := layer.read(STEP):
            yield from inflater.feed(step)


def push(registry: DockerRegistry, file: Path) -> str:
    data = file.read_bytes()
    digest = digest_of(data)
    _, headers, _ = registry.request("POST", "/v2/bench/blobs/uploads/")
    upload = f"{headers['location'].removeprefix(registry.base)}&digest={digest}"
    status, _, answer = registry.request("PUT", upload, data, {"Content-Type": "application/octet-stream"})
    assert status == 201, answer
    return digest


def diff_id_of(file: Path) -> str:
    return digest_of(b"".join(unpack(file)))


def peer(file: Path) -> Figures:
    began, used = time.perf_counter(), cpu(resource.RUSAGE_CHILDREN)
    subprocess.run(["tar", "-tzf", file], check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - began, "cpu": cpu(resource.RUSAGE_CHILDREN) - used}


def child(*arguments: str) -> Figures:
    command = [sys.executable, "-m", "tests.bench.layers", "--measure", *arguments]
    figures: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures


async def measure(what: str, file: Path, host: str, digest: str, diff_id: str) -> Figures:
    """In a process of its own."""
    layer = Descriptor(LAYER, digest, os.stat(file).st_size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = await open_session(host, Settings(folder / "config.toml", folder / "cache", folder / "state"))
        await session.cache.get(layer.digest)
        await asyncio.to_thread(from_file, file, Inflater(), 1)  # everything is imported and warm
        before = status("VmRSS")
        lags: list[float] = [0.0]
        watch = asyncio.create_task(look(lags))
        await asyncio.sleep(0.05)
        began, used, index = time.perf_counter(), cpu(resource.RUSAGE_SELF), None
        if what.startswith("file"):
            library = LIBRARIES[what.split(", ")[1]]()
            deflate.best = lambda: library  # type: ignore[assignment]
            points = None if what.endswith("no index") else PointsMaker()
            await asyncio.to_thread(from_file, file, Inflater(points=points))
            index = points.finish() if points else None
        else:
            wanted = diff_id if what.endswith("diff_id") else ""
            async with aclosing(layer_files(session, "bench", layer, diff_id=wanted)) as events:
                assert [event async for event in events if isinstance(event, Done)]
        figures: Figures = {"seconds": time.perf_counter() - began, "cpu": cpu(resource.RUSAGE_SELF) - used}
        figures["memory"] = status("VmHWM") - before
        watch.cancel()
        await session.aclose()
    figures |= {"held": max(lags), "index": 0, "gap": 0}
    return figures | ({"index": len(index.encode()), "gap": widest(index)} if index else {})


def from_file(file: Path, inflater: Inflater, steps: int = 2**40) -> None:
    walker = TarWalker()
    with file.open("rb") as layer:
        while steps and (step := layer.read(STEP)):
            steps -= 1
            for piece in inflater.feed(step):
                walker.feed(piece, [])
        if not step:
            for piece in inflater.close():
                walker.feed(piece, [])
            walker.close()


def widest(index: Points) -> int:
    """Bytes of the layer that a byte of the archive costs at most."""
    ends = [point.packed for point in index.points[1:]] + [index.packed]
    return max(end - point.start for point, end in zip(index.points, ends, strict=True))


async def look(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - before - 0.001)


def cpu(who: int) -> float:
    """Seconds."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def status(line: str) -> float:
    """Bytes, of this process."""
    found = re.search(rf"{line}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def show(taken: dict[str, list[Figures]], size: int) -> None:
    medians = {
        name: {key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]}
        for name, rounds in taken.items()
    }
    tar = medians["tar -tzf"]
    print(f"{'':28} {'s':>6} {'× tar':>6} {'CPU s':>6} {'× tar':>6} {'MB more':>8} {'held ms':>8}  index")
    for name, median in medians.items():
        line = f"{name:28} {median['seconds']:6.2f} {median['seconds'] / tar['seconds']:6.2f}"
        line += f" {median['cpu']:6.2f} {median['cpu'] / tar['cpu']:6.2f}"
        if "memory" in median:
            line += f" {median['memory'] / 1e6:8.1f} {median['held'] * 1000:8.1f}"
        if median.get("index"):
            line += f"  {median['index']:,.0f} bytes, {median['index'] / size:.2%}"
            line += f"; a file costs {median['gap'] / size:.2%}"
        print(line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        _, _, what, file, host, digest, diff_id = sys.argv
        print(json.dumps(asyncio.run(measure(what, Path(file), host, digest, diff_id))))
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
