"""Real root file systems as images: what regtui says of them beside `tar -tvzf` and `umoci`."""

from __future__ import annotations

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from regtui.config import Settings
from regtui.layers.merged import MergedTree
from regtui.layers.tree import FileTree, Node
from regtui.oci.reference import parse_reference
from regtui.operations.files import Entries, Entry, layer_files
from regtui.operations.image_files import find_layers, image_files
from regtui.operations.session import Session, open_session
from tests.cli.conftest import regtui
from tests.layers.unpacked import AS_ROOT, ROOTLESS, Facts, different, facts_of, lying_in, umoci
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, access, skopeo

ENOUGH = 10_000
"""Paths of a root file system that deserves the name."""


class Row(NamedTuple):
    """A line of `tar -tv`."""

    mode: str  # `-rw-r--r--`, with an `h` for a hard link
    owner: str
    size: int
    mtime: str
    path: str
    link: str


def tar_tv(archive: Path) -> list[Row]:
    """What GNU tar lists, its names without what regtui leaves off them: a leading `./`, a trailing slash."""
    command = ["tar", "--full-time", "--numeric-owner", "--quoting-style=c", "-tvzf", str(archive)]
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    listed = subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout
    quoted = r'"((?:[^"\\]|\\.)*)"'
    pattern = re.compile(rf"(\S+) (\d+/\d+) +([\d,]+) (\S+) (\S+?)(?:\.\d+)? {quoted}(?: (?:->|link to) {quoted})?")
    rows = []
    for line in listed.splitlines():
        found = pattern.fullmatch(line)
        assert found, line
        mode, owner, size, day, time, path, link = found.groups("")
        is_device = "," in size
        rows.append(
            Row(
                mode,
                owner,
                0 if is_device else int(size),
                f"{day}T{time}Z",
                plain(unquoted(path)),
                plain(unquoted(link)) if mode[0] == "h" else unquoted(link),
            )
        )
    return rows


def unquoted(text: str) -> str:
    raw: bytes = ast.literal_eval(f'b"{text}"')
    return os.fsdecode(raw)


def plain(path: str) -> str:
    path = path.removeprefix("./").strip("/")
    return "" if path == "." else path


def row_of(entry: Entry) -> Row:
    mode = f"h{entry.mode_text[1:]}" if entry.type == "hardlink" else entry.mode_text
    time = f"{datetime.fromtimestamp(entry.mtime, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Row(mode, f"{entry.uid}/{entry.gid}", entry.size, time, entry.path, entry.link)


def row_of_json(line: dict[str, Any]) -> Row:
    """As `regtui files --layer --json` tells it."""
    facts = {name: line[name] for name in ("type", "uid", "gid")}
    seconds = int(datetime.fromisoformat(line["mtime"]).timestamp())
    path, link = path_in(line, "path"), path_in(line, "link")
    return row_of(Entry(path, size=line["size_bytes"], mode=int(line["mode"], 8), mtime=seconds, link=link, **facts))


def path_in(line: dict[str, Any], name: str) -> str:
    if f"{name}_bytes" in line:
        return b64decode(line[f"{name}_bytes"]).decode("utf-8", "surrogateescape")
    text: str = line.get(name, "")
    return text


def nodes(tree: FileTree) -> Iterator[Node]:
    waiting = [tree.root]
    while waiting:
        yield (node := waiting.pop())
        waiting += node.listing()


@pytest.fixture
async def session(registry: DockerRegistry, tmp_path: Path) -> AsyncIterator[Session]:
    settings = Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=30)
    session = await open_session(registry.host, settings)
    yield session
    await session.aclose()


def this_machine_packed(each: int, *more: bytes) -> bytes:
    """An archive by GNU tar of small files, links and folders of this machine's own root, and of `more`.

    `each` paths, or a few more, are from each of its great folders.
    """
    paths = list(more)
    for top in ("/etc", "/usr/share", "/usr", "/var/lib/dpkg", sys.prefix):
        enough = len(paths) + each
        for folder, folders, files in os.walk(os.fsencode(top)):
            paths.append(folder[1:])
            for path in (os.path.join(folder, name) for name in (*folders, *files)):
                info = os.lstat(path)
                if stat.S_ISLNK(info.st_mode) or (info.st_size <= 32 * 1024 and os.access(path, os.R_OK)):
                    paths.append(path[1:])
            if len(paths) > enough:
                break
    command = ["tar", "-C", "/", "--null", "--no-recursion", "--files-from=-", "--ignore-failed-read", "-cf", "-"]
    done = subprocess.run(command, input=b"\0".join(dict.fromkeys(paths)), capture_output=True, check=True)
    return done.stdout


async def check_layer(session: Session, registry: DockerRegistry, packed: bytes, layout: Layout) -> None:
    """Pushes an image of one layer, and holds what regtui lists to what `tar -tvzf` does."""
    image = layout.image(packed)
    layout.push(image, registry, "root:1")
    _, (layer,) = await find_layers(session, parse_reference(f"{registry.host}/root:1"))
    expected = tar_tv(layout.folder / "blobs" / layer.digest.replace(":", "/"))
    assert len({row.path for row in expected}) > ENOUGH
    assert {row.mode[0] for row in expected} >= set("-dl")

    ran = regtui("files", f"{registry.host}/root:1", "--layer", "0", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [row_of_json(line) for line in ran.objects] == expected

    tree = FileTree()
    async with aclosing(layer_files(session, "root", layer)) as events:
        async for event in events:
            if isinstance(event, Entries):
                tree.add(event.entries)
    listed = {node.path: row_of(node.entry) for node in nodes(tree) if node.entry}
    assert listed == {row.path: row for row in expected}
    assert tree.size == sum(row.size for row in listed.values())


async def test_a_layer_of_this_machine_s_files_is_what_tar_lists(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    await check_layer(session, registry, this_machine_packed(5000, b"dev/null", b"dev/tty"), layout)


def three_layers(base: bytes, layout: Layout, work: Path) -> dict[str, Facts]:
    """Makes "image:3" of a root by umoci's own hand: unpacked, changed, packed, twice. What it unpacks of that again.

    In the base lie /usr/share, /usr/lib and /etc.
    """
    layout.tag("image-1", layout.image(base))
    rootfs = work / "bundle-1/rootfs"
    umoci("unpack", *ROOTLESS, "--image", f"{layout.folder}:image-1", str(work / "bundle-1"))
    etc = sorted(path for path in (rootfs / "etc").rglob("*") if path.is_file() and not path.is_symlink())
    folders = sorted(path for path in (rootfs / "usr").rglob("*") if path.is_dir() and not path.is_symlink())
    shutil.rmtree(folders[len(folders) // 2])
    etc[0].unlink()
    etc[1].chmod(0o4711)
    etc[2].write_bytes(b"changed")
    etc[3].unlink()
    etc[3].mkdir()
    (etc[3] / "inside").symlink_to("/etc/nowhere")
    os.link(etc[4], rootfs / "linked")
    (rootfs / "etc").rename(rootfs / "moved")
    umoci("repack", "--image", f"{layout.folder}:image-2", str(work / "bundle-1"))

    rootfs = work / "bundle-2/rootfs"
    umoci("unpack", *ROOTLESS, "--image", f"{layout.folder}:image-2", str(work / "bundle-2"))
    (rootfs / "etc").mkdir(0o700)
    (rootfs / "etc/anew").write_bytes(b"anew")
    (rootfs / "linked").write_bytes(b"both ends of the link change")
    (rootfs / "top").write_bytes(b"")
    share = sorted((rootfs / "usr").iterdir())[0]
    shutil.rmtree(share) if share.is_dir() and not share.is_symlink() else share.unlink()
    share.write_bytes(b"a file now")
    umoci("repack", "--image", f"{layout.folder}:image-3", str(work / "bundle-2"))

    umoci("raw", "unpack", *ROOTLESS, "--image", f"{layout.folder}:image-3", str(work / "unpacked"))
    return lying_in(work / "unpacked")


async def check_image(session: Session, registry: DockerRegistry, base: bytes, layout: Layout, work: Path) -> None:
    """Pushes an image of three layers, and holds regtui's tree of it to what umoci leaves on disk."""
    disk = three_layers(base, layout, work)
    copied = f"docker://{registry.host}/root:3"
    skopeo("copy", "--quiet", *access(registry, "dest-"), f"oci:{layout.folder}:image-3", copied)
    _, layers = await find_layers(session, parse_reference(f"{registry.host}/root:3"))
    assert len(layers) == 3
    tree = MergedTree()
    async with aclosing(image_files(session, "root", layers, tree)) as events:
        async for _ in events:
            pass
    assert different(disk, facts_of(tree)) == {}
    assert tree.removed[1]
    assert tree.removed[2]

    listed = {path_in(line, "path"): line for line in regtui("files", f"{registry.host}/root:3", "--json").objects}
    assert listed.keys() == disk.keys()
    assert {line["layer"] for line in listed.values()} == {0, 1, 2}


async def test_the_tree_of_three_layers_made_by_umoci_is_what_it_unpacks(
    session: Session, registry: DockerRegistry, layout: Layout, tmp_path: Path
) -> None:
    await check_image(session, registry, this_machine_packed(500), layout, tmp_path)


def check_packages(registry: DockerRegistry, packed: bytes, layout: Layout, *root: str) -> None:
    """Holds `regtui packages` to what dpkg-query tells of the same files."""
    layout.push(layout.image(packed), registry, "root:1")
    form = "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\n"
    command = ["dpkg-query", *root, "--show", f"--showformat={form}"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = sorted(tuple(line.split("\t")) for line in listed.splitlines())
    ran = regtui("packages", f"{registry.host}/root:1", "--kind", "deb", "--json")
    assert (ran.code, ran.err) == (0, "")
    fields = ("name", "package_version", "architecture", "state")
    assert sorted(tuple(line[field] for field in fields) for line in ran.objects) == expected
    assert expected


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="this machine has no dpkg")
def test_packages_are_those_that_dpkg_query_lists_of_this_machine(registry: DockerRegistry, layout: Layout) -> None:
    command = ["tar", "-C", "/", "-cf", "-", "var/lib/dpkg/status"]
    check_packages(registry, subprocess.run(command, capture_output=True, check=True).stdout, layout)


# Debian, made by debootstrap


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal Debian with what brings it beyond 10,000 paths; it takes a minute and the network."""
    if not AS_ROOT:
        pytest.skip("only root can run debootstrap")
    program = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not program:
        raise RuntimeError("This test needs debootstrap: tests/run --all gets it.")
    root = tmp_path_factory.mktemp("debian") / "root"
    command = [program, "--variant=minbase", "--include=python3,perl,tzdata", "bookworm", str(root)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    return root


def tarred(root: Path) -> bytes:
    return subprocess.run(["tar", "-C", str(root), "-cf", "-", "."], capture_output=True, check=True).stdout


@pytest.mark.slow
async def test_a_layer_of_debian_is_what_tar_lists(
    debian: Path, session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    await check_layer(session, registry, tarred(debian), layout)


@pytest.mark.slow
async def test_the_tree_of_three_layers_on_debian_is_what_umoci_unpacks(
    debian: Path, session: Session, registry: DockerRegistry, layout: Layout, tmp_path: Path
) -> None:
    await check_image(session, registry, tarred(debian), layout, tmp_path)


@pytest.mark.slow
def test_packages_are_those_that_dpkg_query_lists_of_debian(
    debian: Path, registry: DockerRegistry, layout: Layout
) -> None:
    check_packages(registry, tarred(debian), layout, f"--root={debian}")
