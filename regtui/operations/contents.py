"""The content of files inside of an image, read while their layer streams by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import IO

from regtui.errors import ContentError, RegtuiError
from regtui.layers.contents import Content, ContentReader, Member
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.files import Progress
from regtui.operations.layer_stream import layer_stream
from regtui.operations.session import Session
from regtui.text import shown

__all__ = ["Content", "Member", "Progress", "copy_file", "find_file", "layer_contents", "source_of"]

_SPECIAL = {"char": "a device", "block": "a device", "fifo": "a named pipe"}


def find_file(tree: MergedTree, image: Reference, path: str) -> MergedNode:
    """The file at a path of the image, links followed within it. Raises `RegtuiError` when there is none."""
    node, name = tree.find(path), shown(path, 300)
    if node is None:
        link = tree.find(path, follow=False)
        if link is None or link.entry is None:
            raise missing(image, path)
        raise RegtuiError(f"{name} is a link to {shown(link.entry.link, 300)}, which leads to nothing in {image}")
    kind = what_it_is(node)
    if kind != "a file":
        advice = f"All in it: regtui extract {image} {name} -o DIR" if node.is_directory else ""
        raise RegtuiError(f"{name} is {kind}, which has no content to read", advice)
    return node


def missing(image: Reference, path: str) -> RegtuiError:
    return RegtuiError(f"{image} has no {shown(path, 300)}", f"What it has: regtui files {image}")


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
    """Writes the content of a file that `find_file` gave to `target`, a file at its beginning.

    Only when this ended is it whole, and the layer's digest right. Raises what `layer_contents` does.
    """
    number, wanted = source_of(node)
    assert wanted is not None
    found = False
    contents = layer_contents(session, image.repository, layers[number], lambda entry: entry == wanted, limits)
    async with aclosing(contents) as events:
        async for event in events:
            if isinstance(event, Progress):
                yield event
                continue
            for content in event:
                if isinstance(content, bytes):
                    target.write(content)
                    continue
                if content.is_sparse:
                    raise ContentError(f"{shown(node.path, 300)} is kept as a sparse file, which can't be read yet")
                found = True
                target.seek(0)  # an archive may hold a path twice: the last one counts
                target.truncate()
    if not found:
        raise ContentError(f"Layer {number} doesn't hold {shown(node.path, 300)}, though it lists it")


async def layer_contents(
    session: Session,
    repository: str,
    layer: Descriptor,
    wanted: Callable[[Entry], bool],
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | list[Content], None]:
    """The wanted files of a layer, each a `Member` and its bytes, in the archive's order.

    The layer is read to its end, for only then its digest is known to be right. Raises what `layer_files` does.
    """
    reader = ContentReader(wanted, limits)
    async with layer_stream(session, repository, layer) as steps:
        async for step in steps:
            contents = reader.feed(step)
            while (some := await asyncio.to_thread(next, contents, None)) is not None:
                yield some
            yield Progress(reader.bytes_read, layer.size, reader.entries)
        for some in reader.close():
            yield some
