"""Files and folders of an image, written to a folder on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedTree
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import Anew, Content, Progress, file_contents
from regtui.operations.extraction_plan import ExtractionPlan, LeftOut, plan_of_paths
from regtui.operations.session import Session
from regtui.operations.target_folder import Names, TargetFolder

__all__ = ["Extracted", "ExtractionPlan", "LeftOut", "Progress", "extract", "write"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Extracted:
    """All that was wanted is in its place, except what was left out."""

    files: int  # links among them
    folders: int  # that weren't there before
    size: int  # bytes of the files
    turned: int = 0  # absolute links that are relative ones now


async def extract(
    session: Session,
    image: Reference,
    layers: Sequence[Descriptor],
    tree: MergedTree,
    paths: Sequence[str],
    target: Path,
    *,
    force: bool = False,
    layer: int | None = None,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | LeftOut | Extracted, None]:
    """Writes files and whole folders below `target`, under their paths in the image. The rest is as `write` has it.

    Raises `RegtuiError` for a path that isn't in the image, too, or in the one `layer` that the tree has.
    """
    plan = await asyncio.to_thread(plan_of_paths, tree, image, paths, layer)
    async with aclosing(write(session, image.repository, layers, plan, target, force=force, limits=limits)) as events:
        async for event in events:
            yield event


async def write(
    session: Session,
    repository: str,
    layers: Sequence[Descriptor] | Mapping[int, Descriptor],
    plan: ExtractionPlan,
    target: Path,
    *,
    force: bool = False,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | LeftOut | Extracted, None]:
    """Writes what is planned below `target`; the disk is written to in a thread of its own.

    Either all of it is written, or nothing: on an error, and when it is closed early, what was written goes again.
    Modes and times are kept, owners, setuid and setgid aren't. Nothing that was there is overwritten without `force`.
    When all was left out, nothing is written, and no `Extracted` comes. Raises `RegtuiError` for what can't be written,
    and what `file_contents` does.
    """
    for left in plan.left_out:
        yield left
    if not plan:
        return
    disk = _Disk(plan, target, force)
    try:
        await disk.do(disk.prepare)
        for number, files in sorted(plan.files.items()):
            await disk.do(disk.begin_layer, files)
            async with aclosing(file_contents(session, repository, layers[number], files, limits)) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        yield event
                    elif isinstance(event, Anew):  # what was written may be many files: the user begins anew
                        raise event.error
                    else:
                        await disk.do(disk.take, event)
            await disk.do(disk.end)
            for left in disk.missing(number):
                yield left
        yield await disk.do(disk.commit)
    finally:
        await asyncio.shield(disk.do(disk.close))


class _Disk:
    """Writes what layers have to the files that it is wanted as: one call after the other, in one thread.

    So nothing that was still being written when it is stopped comes after `close`, which takes all away that isn't
    committed.
    """

    def __init__(self, plan: ExtractionPlan, target: Path, force: bool) -> None:
        self._thread = ThreadPoolExecutor(1, "extract")
        self._plan = plan
        self._target = target
        self._force = force
        self._folder: TargetFolder | None = None
        self._wanted: Mapping[Entry, Mapping[Names, None]] = {}
        self._written: set[Entry] = set()
        self._entry: Entry | None = None  # whose content comes, for `_names`
        self._names: Names = ()
        self._descriptor = -1
        self._size = 0

    def do(self, what: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, what, *arguments)

    def prepare(self) -> None:
        self._folder = TargetFolder(self._target, force=self._force)
        self._plan.prepare(self._folder)

    def begin_layer(self, wanted: Mapping[Entry, Mapping[Names, None]]) -> None:
        self._wanted, self._written = wanted, set()

    def take(self, contents: Sequence[Content]) -> None:
        assert self._folder
        for content in contents:
            if isinstance(content, bytes):
                self._folder.write(self._names, self._descriptor, content)
                continue
            self.end()
            self._entry = content.entry
            self._names = next(iter(self._wanted[content.entry]))
            self._descriptor = self._folder.create(self._names)

    def end(self) -> None:
        """The file in hand is whole."""
        entry, self._entry = self._entry, None
        if entry is None or self._folder is None:
            return
        self._folder.finish(self._names, self._descriptor, entry.mode, entry.mtime)
        self._close_file()
        if entry not in self._written:
            self._written.add(entry)
            self._size += entry.size
        for names in self._wanted[entry]:
            if names != self._names:
                self._folder.link(names, self._names)

    def missing(self, number: int) -> list[LeftOut]:
        """What the layer lists and doesn't hold."""
        why = f"is listed in layer {number}, which doesn't hold it"
        return [
            LeftOut(os.fsdecode(b"/".join(names)), why)
            for entry, each in self._wanted.items()
            if entry not in self._written
            for names in each
        ]

    def commit(self) -> Extracted:
        assert self._folder
        done = Extracted(self._folder.files, self._folder.folders, self._size, self._plan.turned)
        self._folder.commit()
        return done

    def close(self) -> None:
        self._close_file()
        if self._folder:
            self._folder.roll_back()
            self._folder.close()
        self._thread.shutdown(wait=False)

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
