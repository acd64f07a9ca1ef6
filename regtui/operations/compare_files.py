"""The files of two images: their layers read, those of both only once, and the trees compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from regtui.layers.compare import Comparison, Difference, bytes_of, compare_trees, kind_of
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import Anew, Progress, file_contents, is_known, source_of
from regtui.operations.image_files import image_files
from regtui.operations.known_layers import known_index
from regtui.operations.session import Session
from regtui.words import count, size

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["Comparison", "Difference", "Files", "Progress", "Source", "compare_files", "to_read", "told"]

_KINDS = {
    "file": "a file",
    "dir": "a folder",
    "symlink": "a link",
    "hardlink": "a hard link to nothing",
    "fifo": "a named pipe",
}


@dataclass(frozen=True, slots=True)
class Source:
    """An image, and where it is read from."""

    session: Session
    reference: Reference  # with its digest
    layers: list[Descriptor]  # the lowest first
    diff_ids: tuple[str, ...] = ()  # of the layers' archives, where the config tells them


@dataclass(frozen=True, slots=True)
class Files:
    """What the files differ in, and the trees that were compared."""

    comparison: Comparison
    before: MergedTree
    after: MergedTree
    by_content: bool  # whether the content of files was read that look alike

    @property
    def summary(self) -> str:
        """How many paths came, went and changed, and their bytes: "2 added, 1 changed; 10 B became 12 kB"."""
        comparison, root = self.comparison, self.comparison.root
        if not comparison:
            return "no difference" if self.by_content else "no difference in type, size, mode, owner and links"
        numbers = ", ".join(f"{number:,} {change}" for change, number in comparison.counts.items() if number)
        return f"{numbers}; {size(root.size_before)} became {size(root.size_after)}"

    @property
    def untold(self) -> str:
        """A sentence on the files that may differ in their content, without a full stop; empty when none may."""
        pairs = self.comparison.untold
        later = sum(bytes_of(old).mtime != bytes_of(new).mtime for old, new in pairs)
        alike = len(pairs) - later
        if alike == 1 and not later:
            return "1 file looks alike; nothing tells whether its content is the same"
        if not later:
            return f"{alike:,} files look alike; nothing tells whether their content is the same" if alike else ""
        verb = "has" if later == 1 else "have"
        more = f"; {alike:,} more look alike" if alike else ""
        return f"{count(later, 'file')} {verb} another time, and maybe another content{more}"


_Key = tuple[str, Entry]
"""Where a file's bytes are: the layer's digest and the entry in it."""
_Print = tuple[tuple[int, str], ...]
"""What is known of them: the bytes and the digest of each part, in order."""


@dataclass(slots=True)
class _Contents:
    """What is known of the bytes of files."""

    before: list[Descriptor]
    after: list[Descriptor]
    prints: dict[_Key, _Print] = field(default_factory=dict)

    def same(self, before: MergedNode, after: MergedNode) -> bool | None:
        """Two files with one entry in the same layer are one; of others their digests tell, where they are known."""
        old, new = self.key(self.before, before), self.key(self.after, after)
        if old == new:
            return True
        prints = self.prints.get(old), self.prints.get(new)
        if prints[0] is None or prints[1] is None:
            return None
        if prints[0] == prints[1]:
            return True
        return False if [size for size, _ in prints[0]] == [size for size, _ in prints[1]] else None

    @staticmethod
    def key(layers: list[Descriptor], node: MergedNode) -> _Key:
        return layers[source_of(node)[0]].digest, bytes_of(node)


async def to_read(*sources: Source) -> int:
    """Bytes that reading the files costs: of layers whose files aren't known on this machine, each counted once."""
    if len({tuple(layer.digest for layer in source.layers) for source in sources}) == 1:
        return 0
    unknown = {}
    for source in sources:
        for layer in source.layers:
            if not await is_known(source.session, layer):
                unknown[layer.digest] = layer.size
    return sum(unknown.values())


async def compare_files(
    before: Source, after: Source, *, content: bool = False, times: bool = False
) -> AsyncGenerator[Progress | Files, None]:
    """How far reading is, and at the end the `Files`; no layer is read where both images have the same ones.

    Where tables of contents tell digests, these tell of files that look alike. `content`: such files are read and
    compared; `times`: another time of change alone is a difference too. Raises what `image_files` does.
    """
    old, new = MergedTree(), MergedTree()
    contents = _Contents(before.layers, after.layers)
    if [layer.digest for layer in before.layers] == [layer.digest for layer in after.layers]:
        yield Files(Comparison(), old, new, True)
        return
    total = sum(layer.size for layer in (*before.layers, *after.layers))
    done = 0
    for source, tree in ((before, old), (after, new)):
        repository = source.reference.repository
        events = image_files(source.session, repository, source.layers, tree, diff_ids=source.diff_ids)
        async with aclosing(events):
            async for event in events:
                yield Progress(done + event.bytes_read, total, old.entries + new.entries)
        done += sum(layer.size for layer in source.layers)
    comparison = await asyncio.to_thread(compare_trees, old, new, contents.same, times=times)
    if comparison.untold and await _learn(before, after, comparison, contents):
        comparison = await asyncio.to_thread(compare_trees, old, new, contents.same, times=times)
    if content and comparison.untold:
        async with aclosing(_read(before, after, comparison, contents)) as steps:
            async for step in steps:
                yield step
        comparison = await asyncio.to_thread(compare_trees, old, new, contents.same, times=times)
    yield Files(comparison, old, new, content)


def _untold(before: Source, after: Source, comparison: Comparison) -> list[tuple[Source, Descriptor, set[Entry]]]:
    """The files whose bytes nothing tells of, by layer."""
    wanted: dict[str, tuple[Source, Descriptor, set[Entry]]] = {}
    for pair in comparison.untold:
        for source, node in zip((before, after), pair, strict=True):
            number, entry = source_of(node)
            layer = source.layers[number]
            assert entry is not None
            wanted.setdefault(layer.digest, (source, layer, set()))[2].add(entry)
    return list(wanted.values())


async def _learn(before: Source, after: Source, comparison: Comparison, contents: _Contents) -> bool:
    """Takes the digests that tables of contents tell; whether there were any."""
    for source, layer, entries in _untold(before, after, comparison):
        index = await known_index(source.session, layer)
        if index is None or not index.has_chunks:
            continue
        for entry, chunks in (await asyncio.to_thread(index.find, entries)).items():
            if isinstance(chunks, tuple) and chunks and all(chunk.digest for chunk in chunks):
                contents.prints[layer.digest, entry] = tuple((chunk.size, chunk.digest) for chunk in chunks)
    return bool(contents.prints)


async def _read(
    before: Source, after: Source, comparison: Comparison, contents: _Contents
) -> AsyncGenerator[Progress, None]:
    """Reads the files that nothing tells of, those of a layer at once; the progress is that of the layer in hand."""
    for source, layer, entries in _untold(before, after, comparison):
        hashes: dict[Entry, Hash] = {}
        reading = file_contents(source.session, source.reference.repository, layer, entries)
        async with aclosing(reading) as events:
            hashing = sha256()
            async for event in events:
                if isinstance(event, Progress):
                    yield event
                    continue
                if isinstance(event, Anew):
                    hashes.clear()
                    continue
                for one in event:
                    if isinstance(one, bytes):
                        hashing.update(one)
                        continue
                    # a file may come twice: the last one counts
                    hashing = hashes[one.entry] = sha256()
        for entry, hashing in hashes.items():
            contents.prints[layer.digest, entry] = ((entry.size, f"sha256:{hashing.hexdigest()}"),)


def told(at: Difference) -> str:
    """What differs at a path, in words: "size 10 B to 12 B, mode 0644 to 0755"; what came or went has its bytes.

    A directory that is one line has the number of what is in it, too.
    """
    old, new = at.before, at.after
    if at.change == "changed" and old is not None and new is not None:
        changed = ", ".join(_reason(reason, old, new) for reason in at.reasons)
        below = f"; {at.count - 1:,} in it" if at.count > 1 else ""
        return changed + below
    if at.change:
        bytes_ = at.size_after or at.size_before
        files = f"{at.count:,} paths, " if at.is_directory and at.count > 1 else ""
        return f"{files}{size(bytes_)}" if bytes_ or files else "empty" if at.is_directory else size(0)
    number = "1 differs" if at.count == 1 else f"{at.count:,} differ"
    return f"{number}, {size(at.size_before)} to {size(at.size_after)}"


def _reason(reason: str, before: MergedNode, after: MergedNode) -> str:
    if reason == "type":
        return f"{_kind(before)} became {_kind(after)}"
    old, new = before.entry, after.entry
    if old is None or new is None:
        return reason
    if reason == "size":
        return f"size {size(bytes_of(before).size)} to {size(bytes_of(after).size)}"
    if reason == "mode":
        return f"mode {old.mode:04o} to {new.mode:04o}"
    if reason == "owner":
        return f"owner {old.uid}/{old.gid} to {new.uid}/{new.gid}"
    return f"link {old.link} to {new.link}" if reason == "link" else reason


def _kind(node: MergedNode) -> str:
    return _KINDS.get("dir" if node.is_directory else kind_of(node), "a device")
