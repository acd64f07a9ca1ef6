"""A copy of an image with a 1 GB layer between two registries, beside `skopeo copy`: how long, and how much memory.

By hand: `.venv/bin/python -m tests.bench.copy [ROUNDS] [BYTES]`. Both registries are `docker-registry` on this machine,
over plain HTTP. In each round skopeo and regtui copy one after the other, who begins takes turns, each into a registry
that has nothing; what is printed are medians. Time is that of the whole command, its start included. Memory is the peak
over what the process had when its plan was made. It takes three times the layer's size in the temporary folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from regtui.config import Settings
from regtui.oci.digest import digest_of
from regtui.oci.reference import Reference
from regtui.operations.plan import Plan
from regtui.operations.runner import Finished, Runner
from regtui.operations.session import Session, open_session
from regtui.operations.transfer import plan_copy
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout

LAYER = 1_000_000_000
"""Bytes of the big layer: gzip, so that skopeo passes it on as it is."""
IMAGE = "team/big:1.0"

Figures = dict[str, float]


def main(rounds: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with docker_registry(folder / "source") as source:
            digest = push(source, folder, size)
            taken: dict[str, list[Figures]] = {"skopeo copy": [], "regtui cp": []}
            for number in range(rounds):
                for who in sorted(taken, reverse=bool(number % 2)):
                    with docker_registry(folder / "target") as target:
                        taken[who].append((by_skopeo if who == "skopeo copy" else by_regtui)(source, target))
                        assert digest_at(target) == digest
                    shutil.rmtree(folder / "target")
            show(taken, size)
            with docker_registry(folder / "target") as target:
                in_part(source, target)


def push(registry: DockerRegistry, folder: Path, size: int) -> str:
    layout = Layout(folder / "layout")
    pack = zlib.compressobj(0, wbits=31)
    block = os.urandom(1_000_000)
    layer = b"".join(pack.compress(block) for _ in range(size // len(block))) + pack.flush()
    image = layout.image({"app": b"small"}, layer)
    del layer
    layout.push(image, registry, IMAGE)
    shutil.rmtree(layout.folder)
    return str(image["digest"])


def digest_at(registry: DockerRegistry) -> str:
    repository, _, tag = IMAGE.partition(":")
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    _, _, raw = registry.request("GET", f"/v2/{repository}/manifests/{tag}", headers=accept)
    return digest_of(raw)


def by_skopeo(source: DockerRegistry, target: DockerRegistry) -> Figures:
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests", "--quiet"]
    places = [f"docker://{registry.host}/{IMAGE}" for registry in (source, target)]
    with tempfile.TemporaryDirectory() as home:
        began, used = time.perf_counter(), os.times()
        environ = {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home}
        subprocess.run(["skopeo", "--insecure-policy", "copy", *plain, *places], check=True, env=environ)
        return {"seconds": time.perf_counter() - began, "cpu": children(used)}


def by_regtui(source: DockerRegistry, target: DockerRegistry) -> Figures:
    command = [sys.executable, "-m", "tests.bench.copy", "--measure", source.host, target.host]
    began, used = time.perf_counter(), os.times()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout)
    return {"seconds": time.perf_counter() - began, "cpu": children(used), **figures}


def children(since: os.times_result) -> float:
    now = os.times()
    return now.children_user + now.children_system - since.children_user - since.children_system


async def measure(source_host: str, target_host: str) -> Figures:
    """In a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(folder / "config.toml", folder / "cache", folder / "state")
        source, target = [await open_session(host, settings) for host in (source_host, target_host)]
        plan = await planned(source, target)
        from_here_on()
        idle = status("VmRSS")
        await run(target, plan)
        peak = status("VmHWM")
        for session in (source, target):
            await session.aclose()
        return {"over idle": peak - idle, "peak": peak}


async def planned(source: Session, target: Session) -> Plan:
    repository, _, tag = IMAGE.partition(":")
    references = [Reference(session.registry, repository, tag) for session in (source, target)]
    return await plan_copy(source, references[0], target, references[1])


async def run(session: Session, plan: Plan) -> None:
    async for event in Runner(session).execute(plan):
        if isinstance(event, Finished):
            assert (event.failed, event.left) == (0, 0)


def from_here_on() -> None:
    """The peak is measured anew."""
    Path("/proc/self/clear_refs").write_text("5")


def status(name: str) -> float:
    """In MB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) / 1000


def in_part(source: DockerRegistry, target: DockerRegistry) -> None:
    """The image's tag goes, and is copied again: no blob is sent."""
    by_regtui(source, target)
    repository, _, tag = IMAGE.partition(":")
    (target.folder / f"data/docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}/current/link").unlink()
    before = len(target.requests())
    figures = by_regtui(source, target)
    writes = [each for each in target.requests()[before:] if each.split()[0] in ("POST", "PATCH", "PUT")]
    print(f"again, all blobs there: {figures['seconds']:.2f} s, writes: {writes}")


def show(taken: dict[str, list[Figures]], size: int) -> None:
    print(f"{size:,} bytes; medians of {len(taken['regtui cp'])}; {os.cpu_count()} cores")
    medians = {
        who: {name: statistics.median(each[name] for each in figures) for name in figures[0]}
        for who, figures in taken.items()
    }
    for who, figures in medians.items():
        print(f"{who:12} " + "  ".join(f"{name} {value:7.2f}" for name, value in figures.items()))
        print(f"{'':12} " + "  ".join(f"{each['seconds']:.2f}" for each in taken[who]))
    print(f"ratio {medians['regtui cp']['seconds'] / medians['skopeo copy']['seconds']:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(asyncio.run(measure(*sys.argv[2:4]))))
    else:
        numbers = [int(text) for text in sys.argv[1:3]]
        main(*[*numbers, *[3, LAYER][len(numbers) :]])
