"""A file of an image, opened to be looked at: links followed, its beginning read, what it is found out."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from regtui.errors import RegtuiError
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.layers.tree import FileTree, Node
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import Progress, file_content, source_of, what_it_is
from regtui.operations.file_kinds import FileKind, kind_of
from regtui.operations.files import Entries, layer_files
from regtui.operations.session import Session
from regtui.text import shown

__all__ = [
    "VIEWED",
    "FileKind",
    "FileOfImage",
    "Opened",
    "Progress",
    "file_of",
    "linked_folder",
    "merged",
    "open_file",
    "read_layer",
]

VIEWED: Final = 64 * 2**20
"""Bytes of a file that are read to be looked at."""
_STEP: Final = 2**18  # bytes of UTF-16 that are decoded at a time


@dataclass(frozen=True, slots=True)
class FileOfImage:
    """Where a file's bytes are, and what is known of it without them."""

    path: str  # without a leading slash
    layer: Descriptor
    number: int  # the layer's
    entry: Entry
    link: str = ""
    """The path of the link that led to it, or empty."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was read of a file."""

    data: bytes
    text: bytes  # the same as UTF-8, if it is text; as far as it is: what isn't UTF-8 stays
    kind: FileKind
    size: int  # bytes of the whole file


def file_of(
    node: Node | MergedNode,
    tree: FileTree | MergedTree,
    image: Reference,
    layers: list[Descriptor],
    number: int,
) -> FileOfImage:
    """The file that a node of a tree means, links followed within that tree; `number` is a single layer's.

    Raises `RegtuiError` with a sentence that says why there is nothing to look at.
    """
    path = name = node.path
    entry = node.entry
    if entry is None and not node.is_directory:
        raise RegtuiError(f"{_named(path)} is removed by layer {number}: it has no content")
    link = ""
    if entry is not None and entry.type in ("symlink", "hardlink"):
        whole = tree if isinstance(tree, MergedTree) else merged(tree, number)
        where = image if isinstance(tree, MergedTree) else f"layer {number}"
        found = whole.find(path)
        if found is None:
            kind = "a link" if entry.type == "symlink" else "a hard link"
            raise RegtuiError(f"{_named(path)} is {kind} to {_named(entry.link)}, which leads to nothing in {where}")
        link, node, path = path, found, found.path
    elif isinstance(node, Node):
        node = _as_merged(node, number)
    kind = what_it_is(node)
    if kind != "a file":
        by = f"{_named(name)} leads to {_named(path)}, which" if link else _named(path)
        raise RegtuiError(f"{by} is {kind}: it has no content to look at")
    layer, source = source_of(node)
    assert source is not None
    return FileOfImage(path, layers[layer], layer, source, link)


def linked_folder(node: Node | MergedNode, tree: FileTree | MergedTree, number: int) -> str | None:
    """The path of the folder that a symbolic link leads to within its tree; None of anything else."""
    if node.entry is None or node.entry.type != "symlink":
        return None
    found = (tree if isinstance(tree, MergedTree) else merged(tree, number)).find(node.path)
    return found.path if found is not None and found.is_directory else None


def merged(tree: FileTree, number: int) -> MergedTree:
    """One layer alone as an image's tree has it, without what it removes: links lead to what is in this layer."""
    whole = MergedTree()
    _merge(tree, number, whole)
    return whole


def _merge(tree: FileTree, number: int, whole: MergedTree) -> None:
    entries: list[Entry] = []
    waiting = tree.root.listing()
    while waiting:
        node = waiting.pop()
        if node.entry is not None:
            entries.append(node.entry)
        waiting += (node.children or {}).values()
    entries.sort(key=lambda entry: entry.type == "hardlink")  # what they share their bytes with comes before them
    whole.add_layer(number, entries)


async def read_layer(
    session: Session, repository: str, layer: Descriptor, number: int, tree: MergedTree
) -> AsyncGenerator[Progress, None]:
    """Reads one layer alone into `tree`. Raises what `layer_files` does."""
    listed = FileTree()
    async with aclosing(layer_files(session, repository, layer)) as events:
        async for event in events:
            if isinstance(event, Entries):
                listed.add(event.entries)
            elif isinstance(event, Progress):
                yield event
    await asyncio.to_thread(_merge, listed, number, tree)


def _as_merged(node: Node, number: int) -> MergedNode:
    made = MergedNode(node.name, None, number)
    made.entry, made.children = node.entry, {} if node.is_directory else None
    return made


async def open_file(session: Session, repository: str, file: FileOfImage) -> AsyncGenerator[Progress | Opened, None]:
    """Reads at most `VIEWED` bytes of a file, and then says what it is. Raises what `file_content` does."""
    key = file.layer.digest, file.entry
    known = session.recent.get(key)
    if isinstance(known, Opened):
        yield known
        return
    pieces: list[bytes] = []
    contents = file_content(session, repository, file.layer, file.entry, limit=VIEWED)
    async with aclosing(contents) as events:
        async for event in events:
            if isinstance(event, Progress):
                yield event
            else:
                pieces.append(event)
                await asyncio.sleep(0)  # they come in one burst from where the file was put together
    opened = await asyncio.to_thread(_opened, file, pieces)
    session.recent.keep(key, opened, len(opened.data))
    yield opened


def _opened(file: FileOfImage, pieces: list[bytes]) -> Opened:
    data = b"".join(pieces)
    pieces.clear()
    kind = kind_of(file.path, data, file.entry.size)
    text = data if kind.is_text else b""
    if kind.encoding.startswith("UTF-16"):
        codec = "utf-16-le" if kind.encoding == "UTF-16LE" else "utf-16-be"
        text = b"".join(_as_utf8(data, codec))
    return Opened(data, text.removeprefix(b"\xef\xbb\xbf"), kind, file.entry.size)


def _as_utf8(data: bytes, codec: str) -> Iterator[bytes]:
    """Step by step: one that is no UTF-16 at all takes seconds, in which nothing else would go on."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for start in range(2, len(data), _STEP):
        yield decoder.decode(data[start : start + _STEP]).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _named(path: str) -> str:
    return shown(path, 200)
