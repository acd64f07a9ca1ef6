"""A layer's table of contents as JSON, in the words that eStargz and zstd:chunked have in common (both after CRFS).

It says what a walk over the archive would find, so its entries are made equal to the walk's. What JSON can't say as an
archive does is refused, and so is what can't be true of the layer: the archive itself then tells. Whether the rest is
true, only the archive could tell: a table with the right digest says what its writer wanted to be seen. The digests of
chunks hold its writer to the content of files, as far as they are read by it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from regtui.errors import ContentError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, entry_path
from regtui.layers.whereabouts import Chunk, IndexMaker, LayerIndex
from regtui.oci.decode import decode
from regtui.oci.digest import is_digest
from regtui.text import shown

TOC_LIMIT = 32 * 2**20
"""Bytes of the JSON at most; some 80,000 entries. The layers that have more are streamed."""

_COMMAS = 4_000_000
"""In the JSON at most: it could else be a list of so many numbers that it takes a gigabyte."""

_NAME = "layer's table of contents"
_TYPES = {kind: kind for kind in ("dir", "symlink", "hardlink", "char", "block", "fifo")} | {"reg": "file"}
_CHUNK = "chunk"
"""More of the file before it."""
_ZEROS = "zeros"
"""The type of a chunk that the layer doesn't hold."""

_Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Toc(msgspec.Struct):
    version: _Whole
    entries: list[msgspec.Raw]  # read one by one: a decoder at work holds up the event loop


class _Record(msgspec.Struct, rename="camel", gc=False):
    type: str
    name: str
    link_name: str = ""
    size: _Natural = 0  # bytes of a file
    mode: _Natural = 0
    uid: _Whole = 0
    gid: _Whole = 0
    modified: Annotated[datetime, msgspec.Meta(tz=True)] | None = msgspec.field(default=None, name="modtime")
    digest: str = ""  # of a file
    offset: _Natural = 0  # where in the layer a file, or a chunk of one, begins
    end_offset: _Natural = 0  # zstd:chunked only: where the whole file ends
    inner_offset: _Natural = 0  # eStargz only: unpacked bytes before it, from `offset` on
    chunk_offset: _Natural = 0  # bytes of the file
    chunk_size: _Natural = 0  # 0: up to the next chunk, or to the file's end
    chunk_digest: str = ""
    chunk_type: str = ""


_record = msgspec.json.Decoder(_Record)


def read_toc(json: bytes, end: int, limits: Limits = LIMITS, leave_out: Collection[str] = ()) -> LayerIndex:
    """What a table lists, in the archive's order, without the paths to `leave_out`; files lie before byte `end`.

    Raises `ContentError` for a table that is none or lies, and `TooLarge`.
    """
    if json.count(b",") > _COMMAS:
        raise TooLarge(f"The {_NAME} has more than {_COMMAS:,} values; regtui reads no further")
    table = decode(json, _Toc, _NAME, TOC_LIMIT)
    if len(table.entries) > limits.entries:
        raise TooLarge(f"The {_NAME} has more than {limits.entries:,} entries; regtui reads no further")
    if table.version != 1:
        raise ContentError(f"The {_NAME} is of version {table.version}; regtui knows 1")
    maker, names, unpacked = IndexMaker(leave_out), 0, 0
    files = [*_files(table.entries, end)]
    offsets = sorted({record.offset for records in files for record in records if record.offset} | {end})
    for first, *more in files:
        entry = _entry(first)
        names += entry.names
        unpacked += entry.size
        maker.add(entry, chunks=tuple(_chunks(first, more, offsets)))
        if names > limits.names:
            raise TooLarge(f"The names in the {_NAME} have more than {limits.names:,} bytes; regtui reads no further")
        if unpacked > limits.unpacked:
            raise TooLarge(f"The {_NAME} tells of more than {limits.unpacked:,} bytes; regtui reads no further")
    index = maker.finish()
    assert index  # `_Record` has no larger numbers
    return index


def _files(raw: list[msgspec.Raw], end: int) -> Iterator[list[_Record]]:
    """The records of each entry: one, and those of a file's further chunks."""
    records: list[_Record] = []
    for one in raw:
        try:
            record = _record.decode(one)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContentError(f"The {_NAME} can't be read: {shown(str(error), 300)}") from error
        if max(record.offset, record.end_offset) > end or 0 < record.end_offset < record.offset:
            raise _lie(record, "it lies outside of the layer")
        if record.type == _CHUNK:
            if not records or records[0].type != "reg" or records[0].name != record.name:
                raise _lie(record, "its chunk follows no file of that name")
            records.append(record)
        else:
            if records:
                yield records
            records = [record]
    if records:
        yield records


def _chunks(file: _Record, more: Sequence[_Record], offsets: Sequence[int]) -> Iterator[Chunk]:
    """Where a file's bytes are; nothing for one that has none, or of which the table doesn't tell.

    A chunk ends where the file's next one begins, and the last one where the file does. An eStargz table tells of no
    end: it is where anything else begins. `offsets` are all those that there are, in order.
    """
    if file.type != "reg" or not file.size:
        return
    records = [file, *more]
    if file.end_offset:
        offsets = sorted({record.offset for record in records} | {file.end_offset})
    had = 0
    for record, after in zip(records, [*(record.chunk_offset for record in more), file.size], strict=True):
        size = record.chunk_size or after - record.chunk_offset
        if record.chunk_offset != had or had + size != after or size <= 0:
            raise _lie(file, "its chunks don't make the whole file")
        had = after
    if not all(record.offset or record.chunk_type == _ZEROS for record in records):
        return
    for record, after in zip(records, [*(record.chunk_offset for record in more), file.size], strict=True):
        later = bisect_right(offsets, record.offset)
        is_zeros = record.chunk_type == _ZEROS
        if later == len(offsets) and not is_zeros:
            raise _lie(file, "nothing lies where its bytes should")
        digest = record.chunk_digest or ("" if more else file.digest)
        yield Chunk(
            record.offset,
            record.offset if is_zeros else offsets[later],
            record.inner_offset,
            after - record.chunk_offset,
            digest if is_digest(digest) else "",
        )


def _entry(record: _Record) -> Entry:
    kind = _TYPES.get(record.type)
    if kind is None:
        raise _lie(record, f"its type is {shown(record.type, 50)!r}")
    is_link = kind in ("symlink", "hardlink")
    if not record.name or (is_link and not record.link_name):
        raise _lie(record, "a name is missing")
    link = record.link_name if is_link else ""
    try:
        name, target = record.name.encode(), link.encode()
    except UnicodeEncodeError:
        raise _lie(record, "its name is no text") from None
    if "\N{REPLACEMENT CHARACTER}" in record.name + link:  # what writers make of bytes that aren't UTF-8
        raise _lie(record, "its name in the archive may be another")
    return Entry(
        path=entry_path(name),
        type=kind,
        size=record.size if kind == "file" else 0,
        mode=record.mode & 0o7777,
        uid=record.uid,
        gid=record.gid,
        mtime=int(record.modified.timestamp()) if record.modified else 0,
        link=entry_path(target) if kind == "hardlink" else link,
    )


def _lie(record: _Record, why: str) -> ContentError:
    return ContentError(f"The {_NAME} is wrong about {shown(record.name, 200)!r}: {why}")
