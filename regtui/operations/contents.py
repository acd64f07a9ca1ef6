"""The content of files inside of an image."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import IO

from regtui.errors import ContentError, RegtuiError
from regtui.layers.contents import Content, Member
from regtui.layers.decompress import PIECE
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.file_parts import Anew, file_contents
from regtui.operations.files import Progress
from regtui.operations.holes import is_hole
from regtui.operations.known_layers import known_index
from regtui.operations.session import Session
from regtui.text import shown

__all__ = [
    "Anew",
    "Content",
    "FileRead",
    "Member",
    "Progress",
    "copy_file",
    "file_content",
    "file_contents",
    "find_file",
    "is_known",
    "read_files",
    "source_of",
]


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that `read_files` was asked for."""

    node: MergedNode
    data: bytes | None  # None: it is larger than was wanted, or its layer doesn't hold it


IN_MEMORY = 16 * 2**20
"""Bytes of a file that are held in memory; more go to a temporary file."""

_SPECIAL = {"char": "a device", "block": "a device", "fifo": "a named pipe"}


def find_file(tree: MergedTree, image: Reference, path: str, layer: int | None = None) -> MergedNode:
    """The file at a path of the image, links followed within it. Raises `RegtuiError` when there is none.

    `layer` is the number of the one layer that the tree has, for messages.
    """
    node, name = tree.find(path), shown(path, 300)
    where, flag = _where(image, layer)
    if node is None:
        link = tree.find(path, follow=False)
        if link is None or link.entry is None:
            raise missing(image, path, layer)
        raise RegtuiError(f"{name} is a link to {shown(link.entry.link, 300)}, which leads to nothing in {where}")
    kind = what_it_is(node)
    if kind != "a file":
        advice = f"All in it: regtui extract {image} {name} -o DIR{flag}" if node.is_directory else ""
        raise RegtuiError(f"{name} is {kind}, which has no content to read", advice)
    return node


def missing(image: Reference, path: str, layer: int | None = None) -> RegtuiError:
    """Says that a path isn't in an image, or in that layer of it."""
    where, flag = _where(image, layer)
    what = f"{where} has no {shown(path, 300)}"
    return RegtuiError(what[0].upper() + what[1:] if flag else what, f"What it has: regtui files {image}{flag}")


def _where(image: Reference, layer: int | None) -> tuple[str, str]:
    """As a sentence names it, and the option that names the layer."""
    return (str(image), "") if layer is None else (f"layer {layer} of {image}", f" --layer {layer}")


def source_of(node: MergedNode) -> tuple[int, Entry | None]:
    """The layer that has a file's bytes, and the entry in it: of a hard link, those of its target."""
    source = node.target or node
    return source.layer, source.entry


def what_it_is(node: MergedNode) -> str:
    """As it is called in a sentence: "a file", "a folder", "a device"."""
    if node.is_directory:
        return "a folder"
    _, entry = source_of(node)
    kind = entry.type if entry else ""
    return _SPECIAL.get(kind) or {"symlink": "a link", "hardlink": "a hard link to nothing"}.get(kind, "a file")


async def copy_file(
    session: Session,
    image: Reference,
    layers: Sequence[Descriptor],
    node: MergedNode,
    target: IO[bytes],
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress, None]:
    """Writes the content of a file that `find_file` gave to `target`. Only when this ended is it whole, and right.

    `target` is one on a disk once it has more than `IN_MEMORY`: from then on, long stretches of zeros are holes. Raises
    what `file_content` does.
    """
    number, wanted = source_of(node)
    assert wanted is not None
    async with aclosing(file_content(session, image.repository, layers[number], wanted, limits=limits)) as events:
        async for event in events:
            if isinstance(event, Progress):
                yield event
            else:
                _put(target, event)
    target.truncate()  # it may end with a hole


async def file_content(
    session: Session,
    repository: str,
    layer: Descriptor,
    entry: Entry,
    *,
    limit: int | None = None,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | bytes, None]:
    """The bytes of one file of a layer (`source_of` says which), the first `limit` of them at most, in order.

    By one request for the part of the layer that holds them, where it is known (`file_parts`); else from the whole
    layer. Nothing comes before all of it is here and as right as it can be known to be. Raises `ContentError` when the
    layer doesn't hold the file, and what `layer_files` does.
    """
    left = entry.size if limit is None else min(limit, entry.size)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        if left:
            contents = file_contents(session, repository, layer, [entry], limits, limit=limit)
            async with aclosing(_written(contents, file, left)) as progress:
                async for event in progress:
                    yield event
        file.truncate()
        if file.tell() < left:
            raise ContentError(f"The layer doesn't hold {shown(entry.path, 300)}, though it lists it")
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


async def _written(
    contents: AsyncGenerator[Progress | list[Content] | Anew, None], file: IO[bytes], size: int
) -> AsyncGenerator[Progress, None]:
    """Writes the first `size` bytes of the file that comes."""
    async with aclosing(contents):
        async for event in contents:
            if isinstance(event, Progress):
                yield event
                continue
            if isinstance(event, Anew):
                file.seek(0)
                file.truncate()
                continue
            for content in event:
                if isinstance(content, bytes):
                    _put(file, content[: max(0, size - file.tell())])
                else:  # an archive may hold a path twice: the last one counts
                    file.seek(0)
                    file.truncate()


def _put(file: IO[bytes], data: bytes) -> None:
    """Writes it, or leaves a hole in a file that is long enough to be on a disk."""
    if file.tell() > IN_MEMORY and is_hole(data):
        file.seek(len(data), os.SEEK_CUR)
    else:
        file.write(data)


async def read_files(
    session: Session,
    repository: str,
    layers: Sequence[Descriptor],
    nodes: Sequence[MergedNode],
    *,
    each: int,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | FileRead, None]:
    """Many small files, layer by layer, each whole or, when it has more than `each` bytes, without data.

    The progress is that of the layer in hand. Nodes that are no files are left out. Raises what `layer_files` does.
    """
    wanted: dict[int, dict[Entry, list[MergedNode]]] = {}
    for node in nodes:
        number, entry = source_of(node)
        if entry is None or entry.type != "file":
            continue
        if entry.size > each:
            yield FileRead(node, None)
        else:
            wanted.setdefault(number, {}).setdefault(entry, []).append(node)
    for number, files in sorted(wanted.items()):
        read: dict[Entry, bytearray] = {}
        contents = file_contents(session, repository, layers[number], files, limits)
        async with aclosing(_collected(contents, read)) as progress:
            async for event in progress:
                yield event
        for entry, those in files.items():
            data = bytes(read[entry]) if entry in read else None
            for node in those:
                yield FileRead(node, data)


async def _collected(
    contents: AsyncGenerator[Progress | list[Content] | Anew, None], read: dict[Entry, bytearray]
) -> AsyncGenerator[Progress, None]:
    data = bytearray()
    async with aclosing(contents):
        async for event in contents:
            if isinstance(event, Progress):
                yield event
                continue
            if isinstance(event, Anew):
                read.clear()
                continue
            for content in event:
                if isinstance(content, Member):
                    data = read[content.entry] = bytearray()
                else:
                    data += content


async def is_known(session: Session, layer: Descriptor) -> bool:
    """Whether listing the layer costs no request."""
    return await known_index(session, layer) is not None
