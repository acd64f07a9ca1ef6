"""What Debian's umoci leaves on disk of an image's layers, and what regtui's tree says of the same ones."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from regtui.layers.merged import MergedNode, MergedTree
from tests.layers.archives import walk
from tests.registry_servers.images import Layout

AS_ROOT = os.geteuid() == 0
"""Only root can give files to others and make devices."""

ROOTLESS = () if AS_ROOT else ("--rootless",)

_TYPES = {
    stat.S_IFDIR: "dir",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}


class Facts(NamedTuple):
    """What lies at a path. Of hard links all have the facts of their file."""

    type: str
    mode: int
    size: int
    owner: tuple[int, int] | None
    mtime: int
    link: str
    shared_with: tuple[str, ...]  # the other paths of the same file


class Refused(Exception):
    """umoci doesn't unpack these layers."""


def packed(*members: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive of these members; files hold `x`, so many as they are long."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for info in members:
            tar.addfile(info, BytesIO(b"x" * info.size) if info.isreg() else None)
    return buffer.getvalue()


def umoci(*arguments: str) -> None:
    """Runs umoci. Raises `Refused` with what it said."""
    program = shutil.which("umoci")
    if not program:
        raise RuntimeError("These tests need umoci: tests/run gets it.")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Refused(done.stderr)


def on_disk(folder: Path, tars: Sequence[bytes]) -> dict[str, Facts]:
    """By path, what `umoci raw unpack` makes of the layers in a new folder, which goes again. Raises `Refused`."""
    layout = Layout(folder)
    layout.tag("image", layout.image(*tars))
    umoci("raw", "unpack", *ROOTLESS, "--image", f"{folder}:image", str(folder / "root"))
    found = lying_in(folder / "root")
    shutil.rmtree(folder)
    return found


def lying_in(root: Path) -> dict[str, Facts]:
    """By path, what lies below a folder."""
    found: dict[str, os.stat_result] = {}
    files: dict[int, list[str]] = {}
    for parent, folders, others in os.walk(root):
        for name in (*folders, *others):
            path = os.path.join(parent, name)
            info = os.lstat(path)
            relative = os.path.relpath(path, root)
            found[relative] = info
            if not stat.S_ISDIR(info.st_mode):
                files.setdefault(info.st_ino, []).append(relative)
    return {
        path: Facts(
            kind := _TYPES[stat.S_IFMT(info.st_mode)],
            stat.S_IMODE(info.st_mode),
            info.st_size if kind == "file" else 0,
            (info.st_uid, info.st_gid) if AS_ROOT else None,
            int(info.st_mtime),
            os.readlink(root / path) if kind == "symlink" else "",
            tuple(sorted(set(files.get(info.st_ino, [])) - {path})) if kind != "dir" else (),
        )
        for path, info in found.items()
    }


def in_tree(tars: Sequence[bytes]) -> dict[str, Facts | None]:
    """By path, what regtui's tree of these layers holds; None for a directory that no layer lists."""
    tree = MergedTree()
    for number, data in enumerate(tars):
        tree.add_layer(number, walk(data, 100_000))
    return facts_of(tree)


def facts_of(tree: MergedTree) -> dict[str, Facts | None]:
    files: dict[int, list[str]] = {}
    for node in tree.root.walk():
        files.setdefault(id(node.target or node), []).append(node.path)
    return {node.path: _facts(node, files) for node in tree.root.walk()}


def _facts(node: MergedNode, files: dict[int, list[str]]) -> Facts | None:
    file = node.target or node
    entry = file.entry
    if entry is None:
        return None
    return Facts(
        entry.type,
        0o777 if entry.type == "symlink" else entry.mode,  # Linux has no other for them
        entry.size,
        (entry.uid, entry.gid) if AS_ROOT else None,
        entry.mtime,
        entry.link,
        tuple(sorted(set(files[id(file)]) - {node.path})),
    )


def differences(folder: Path, tars: Sequence[bytes]) -> dict[str, tuple[Facts | None, Facts | None]]:
    """By path, what umoci leaves on disk and what the tree says, where they differ. Raises `Refused`.

    Two things of umoci's are no facts of the image: with which mode and owner it makes a directory that no layer
    lists, and that it doesn't give a directory its time again when it made such a one in it.
    """
    return different(on_disk(folder, tars), in_tree(tars))


def different(
    disk: Mapping[str, Facts], tree: Mapping[str, Facts | None]
) -> dict[str, tuple[Facts | None, Facts | None]]:
    """`differences`, of what is known already."""
    found = {}
    for path in disk.keys() | tree.keys():
        there, ours = disk.get(path), tree.get(path)
        if there is not None and there.type == "dir" and path in tree:
            if ours is None:
                continue
            if there.mtime > _LATEST:
                there = there._replace(mtime=ours.mtime)
        if there != ours:
            found[path] = (there, ours)
    return found


_LATEST = 1_750_000_000
"""No test writes later times; what is newer was touched by the unpacking."""
