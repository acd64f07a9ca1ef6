"""What is installed in an image, as its own databases tell."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from regtui.layers.merged import MergedTree
from regtui.layers.packages.databases import BYTES, FILES, LARGE, Databases, find_databases
from regtui.layers.packages.package import KINDS, Package
from regtui.layers.packages.release import Release, read_release
from regtui.oci.manifest import Descriptor
from regtui.operations.contents import FileRead, Progress, read_files
from regtui.operations.session import Session
from regtui.text import shown
from regtui.words import size

__all__ = ["KINDS", "Done", "Package", "Progress", "Release", "packages_of"]

_MOST = 200_000
"""Packages of an image: some 100 MB."""


@dataclass(frozen=True, slots=True)
class Done:
    """All that can be read was read."""

    release: Release  # which system the image is
    notes: tuple[str, ...]  # sentences without a full stop: what isn't in the list, and why


async def packages_of(
    session: Session, repository: str, layers: Sequence[Descriptor], tree: MergedTree
) -> AsyncGenerator[Progress | list[Package] | Done, None]:
    """The packages of the image whose layers are in `tree`, as they are read, and `Done` at the end.

    Raises what reading a layer's files does; what came before is right. Close it to stop early.
    """
    databases = await asyncio.to_thread(find_databases, tree)
    readers = {id(each.node): each for each in databases.found if each.size <= each.limit}
    notes = _notes(databases)
    nodes = [each.node for each in readers.values()]
    if databases.release is not None:
        nodes.append(databases.release)
    release, broken, count = Release(), Counter[str](), 0
    async with aclosing(read_files(session, repository, layers, nodes, each=LARGE)) as events:
        async for event in events:
            if not isinstance(event, FileRead):
                yield event
            elif event.node is databases.release:
                release = read_release(event.data or b"")
            elif (database := readers[id(event.node)]) and event.data is None:
                notes.append(f"{shown(event.node.path, 300)} can't be read")
            else:
                read = await asyncio.to_thread(database.read, event.data, event.node.path, event.node.layer)
                broken.update({event.node.path: read.broken} if read.broken else {})
                count += len(read.packages)
                if count > _MOST:
                    notes.append(f"The image has more than {_MOST:,} packages; regtui reads no further")
                    break
                if read.packages:
                    yield read.packages
    if broken:
        notes.append(_left_out(broken))
    yield Done(release, tuple(notes))


def _notes(databases: Databases) -> list[str]:
    notes = [
        f"The image has {'an' if kind == 'rpm' else 'a'} {kind} database, which regtui doesn't read: {path}"
        for kind, path in databases.unread
    ]
    notes += [
        f"{shown(each.node.path, 300)} has {size(each.size)}; regtui reads {size(each.limit)} at most"
        for each in databases.found
        if each.size > each.limit
    ]
    if databases.more:
        notes.append(f"Too many files tell of packages: regtui reads {FILES:,} of {size(BYTES)} together at most")
    return notes


def _left_out(broken: Counter[str]) -> str:
    count, path = broken.total(), shown(next(iter(broken)), 300)
    what = (
        "1 record can't be read and is left out" if count == 1 else f"{count:,} records can't be read and are left out"
    )
    return f"{what}, in {path}" + (f" and {len(broken) - 1:,} more" if len(broken) > 1 else "")
