"""A layer's table of contents as JSON, in the words that eStargz and zstd:chunked have in common (both after CRFS).

It says what a walk over the archive would find, so its entries are made equal to the walk's. What JSON can't say as an
archive does is refused, and so is what can't be true of the layer: the archive itself then tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from regtui.errors import ContentError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, entry_path
from regtui.oci.decode import decode
from regtui.text import shown

TOC_LIMIT = 32 * 2**20
"""Bytes of the JSON at most; some 80,000 entries. The layers that have more are streamed."""

_NAME = "layer's table of contents"
_TYPES = {kind: kind for kind in ("dir", "symlink", "hardlink", "char", "block", "fifo")} | {"reg": "file"}
_CHUNK = "chunk"
"""More of the file before it."""

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
    offset: _Natural = 0  # where in the layer a file, or a chunk of one, begins
    end_offset: _Natural = 0  # zstd:chunked only


_record = msgspec.json.Decoder(_Record)


def toc_entries(json: bytes, layer_size: int, limits: Limits = LIMITS) -> list[Entry]:
    """The entries, in the archive's order. Raises `ContentError` for a table that is none or lies, and `TooLarge`."""
    table = decode(json, _Toc, _NAME, TOC_LIMIT)
    if table.version != 1:
        raise ContentError(f"The {_NAME} is of version {table.version}; regtui knows 1")
    entries = [_entry(record) for record in _records(table.entries, layer_size) if record.type != _CHUNK]
    if len(entries) > limits.entries:
        raise TooLarge(f"The {_NAME} has {len(entries):,} entries; regtui reads {limits.entries:,} at most")
    if sum(len(entry.path) + len(entry.link) for entry in entries) > limits.names:
        raise TooLarge(f"The names in the {_NAME} have more than {limits.names:,} bytes; regtui reads no further")
    if sum(entry.size for entry in entries) > limits.unpacked:
        raise TooLarge(f"The {_NAME} tells of more than {limits.unpacked:,} bytes; regtui reads no further")
    return entries


def _records(raw: list[msgspec.Raw], layer_size: int) -> Iterator[_Record]:
    file: _Record | None = None
    for one in raw:
        try:
            record = _record.decode(one)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContentError(f"The {_NAME} can't be read: {shown(str(error), 300)}") from error
        if max(record.offset, record.end_offset) > layer_size or 0 < record.end_offset < record.offset:
            raise _lie(record, "it lies outside of the layer")
        if record.type == _CHUNK and (file is None or file.name != record.name):
            raise _lie(record, "its chunk follows no file of that name")
        if record.type != _CHUNK:
            file = record if record.type == "reg" else None
        yield record


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
