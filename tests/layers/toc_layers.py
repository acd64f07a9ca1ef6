"""Layers with a table of contents, written as LAYERS.md tells their formats: Debian has no writer of either."""

from __future__ import annotations

import gzip
import json
import struct
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import zstandard

from regtui.layers.estargz import DIGEST
from regtui.layers.zstd_chunked import CHECKSUM, POSITION
from regtui.oci.digest import digest_of

Json = dict[str, Any]
Annotated = tuple[bytes, dict[str, str]]
"""A layer, and the annotations that its descriptor has."""

_TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}


def record(info: tarfile.TarInfo) -> Json:
    """What both formats say of a member."""
    named = info.name + ("/" if info.isdir() and not info.name.endswith("/") else "")
    told: Json = {"type": _TYPES[info.type], "name": named, "mode": info.mode, "uid": info.uid, "gid": info.gid}
    if info.mtime:
        told["modtime"] = datetime.fromtimestamp(info.mtime, UTC).isoformat().replace("+00:00", "Z")
    if info.linkname:
        told["linkName"] = info.linkname
    return told | ({"size": info.size} if info.isreg() else {})


def table(entries: Iterable[Json]) -> bytes:
    return json.dumps({"version": 1, "entries": list(entries)}).encode()


def estargz_layer(members: Iterable[tarfile.TarInfo]) -> Annotated:
    """A member a header, another a payload, of zeros; not packed, so that sizes are what they seem."""
    layer, entries = bytearray(), []
    for info in members:
        layer += gzip.compress(info.tobuf(tarfile.PAX_FORMAT))
        entries.append(record(info))
        if info.isreg() and info.size:
            entries[-1]["offset"] = len(layer)
            layer += gzip.compress(bytes(-(-info.size // 512) * 512), 0)
    return with_estargz_table(bytes(layer), table(entries))


def with_estargz_table(layer: bytes, told: bytes) -> Annotated:
    info = tarfile.TarInfo("stargz.index.json")
    info.size, info.mode = len(told), 0
    archive = info.tobuf(tarfile.PAX_FORMAT) + told + bytes(-len(told) % 512) + bytes(1024)
    return layer + gzip.compress(archive) + estargz_footer(len(layer)), {DIGEST: digest_of(told)}


def estargz_footer(offset: int) -> bytes:
    extra = b"SG" + struct.pack("<H", 22) + f"{offset:016x}STARGZ".encode()
    return b"\x1f\x8b\x08\x04" + bytes(6) + struct.pack("<H", len(extra)) + extra + b"\1\0\0\xff\xff" + bytes(8)


def zstd_chunked_layer(members: Iterable[tarfile.TarInfo]) -> Annotated:
    """A frame a header, another a payload, of zeros."""
    layer, entries = bytearray(), []
    for info in members:
        layer += zstandard.compress(info.tobuf(tarfile.PAX_FORMAT))
        entries.append(record(info))
        if info.isreg() and info.size:
            entries[-1]["offset"] = len(layer)
            layer += zstandard.compress(bytes(-(-info.size // 512) * 512))
            entries[-1]["endOffset"] = len(layer)
    layer += zstandard.compress(bytes(1024))
    return with_zstd_table(bytes(layer), table(entries))


def with_zstd_table(layer: bytes, told: bytes) -> Annotated:
    packed, start = zstandard.compress(told), len(layer) + 8
    position = start, len(packed), len(told), 1
    layer += skippable(packed) + skippable(zstd_footer(*position))
    return layer, {CHECKSUM: digest_of(packed), POSITION: ":".join(map(str, position))}


def zstd_footer(start: int, length: int, unpacked: int, kind: int = 1) -> bytes:
    return struct.pack("<7Q", start, length, unpacked, kind, 0, 0, 0) + b"GNUlInUx"


def skippable(payload: bytes) -> bytes:
    """A zstd frame that holds nothing of the archive."""
    return struct.pack("<II", 0x184D2A50, len(payload)) + payload


# With content, in chunks


def file_record(path: str, content: bytes) -> Json:
    info = tarfile.TarInfo(path)
    info.size = len(content)
    return record(info) | {"digest": digest_of(content)}


def chunks_of(path: str, content: bytes, chunk: int) -> list[Json]:
    """What the table says of a file that is kept in chunks; where they are is still to be added."""
    told = []
    for start in range(0, len(content) or 1, chunk):
        piece = content[start : start + chunk]
        each = file_record(path, content) if not start else {"type": "chunk", "name": path}
        if len(content) > chunk:
            each |= {"chunkOffset": start, "chunkSize": len(piece)}
        told.append(each | {"chunkDigest": digest_of(piece)})
    return told


def estargz_entries(files: Mapping[str, bytes], chunk: int = 2**30) -> tuple[bytes, list[Json]]:
    """The layer up to its table, and what the table says: a member for each header, and each chunk of a payload."""
    layer, entries = bytearray(), []
    for path, content in files.items():
        info = tarfile.TarInfo(path)
        info.size = len(content)
        layer += gzip.compress(info.tobuf(tarfile.PAX_FORMAT))
        for each in chunks_of(path, content, chunk):
            piece = content[each.get("chunkOffset", 0) :][:chunk]
            entries.append(each | ({"offset": len(layer)} if content else {}))
            layer += gzip.compress(piece)
        layer += gzip.compress(bytes(-len(content) % 512))
    return bytes(layer), entries


def shared_estargz_entries(files: Mapping[str, bytes]) -> tuple[bytes, list[Json]]:
    """As `estargz_entries`, all in one member: `innerOffset` tells them apart."""
    archive, entries = bytearray(), []
    for path, content in files.items():
        info = tarfile.TarInfo(path)
        info.size = len(content)
        archive += info.tobuf(tarfile.PAX_FORMAT)
        first = gzip.compress(b"")  # a layer doesn't begin with a payload
        entries.append(file_record(path, content) | {"offset": len(first), "innerOffset": len(archive)})
        archive += content + bytes(-len(content) % 512)
    return gzip.compress(b"") + gzip.compress(bytes(archive)), entries


def zstd_chunked_entries(
    files: Mapping[str, bytes], chunk: int = 2**30, holes: Sequence[bytes] = ()
) -> tuple[bytes, list[Json]]:
    """The layer up to its table, and what that says: a frame for each header, and each chunk but those in `holes`."""
    layer, entries = bytearray(), []
    for path, content in files.items():
        info = tarfile.TarInfo(path)
        info.size = len(content)
        layer += zstandard.compress(info.tobuf(tarfile.PAX_FORMAT))
        told = chunks_of(path, content, chunk)
        for each in told:
            piece = content[each.get("chunkOffset", 0) :][:chunk]
            each |= {"offset": len(layer)}
            if piece in holes:
                each["chunkType"] = "zeros"
            else:
                layer += zstandard.compress(piece)
        told[0]["endOffset"] = len(layer)
        entries += told
        layer += zstandard.compress(bytes(-len(content) % 512))
    return bytes(layer), entries
