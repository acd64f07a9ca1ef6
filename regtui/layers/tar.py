"""The headers of a tar archive as its bytes go by: ustar, GNU and PAX. Payloads are counted, never held.

Formats: POSIX.1-2001 `pax`, GNU tar's manual ("Basic Tar Format"), star's and Go's readers where writers differ.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from typing import Protocol

import msgspec

from regtui.errors import ContentError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.text import shown

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_EXTENSION_LIMIT = 2**20  # bytes of one PAX header or long name
_SIZE_LIMIT = 2**63

_TYPES = {b"1": "hardlink", b"2": "symlink", b"3": "char", b"4": "block", b"5": "dir", b"D": "dir", b"6": "fifo"}
"""All else is a file, as POSIX has it."""
_WITHOUT_PAYLOAD = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_EXTENSIONS = frozenset((b"x", b"X", b"g", b"L", b"K"))
_RECORDS = frozenset(
    (
        *("path", "linkpath", "size", "mtime", "uid", "gid"),
        *(f"GNU.sparse.{each}" for each in ("name", "realsize", "size", "map", "major")),
    )
)
"""The PAX records that say something shown here."""
_SPARSE_MAP = "GNU.sparse.map"
_REGIONS = ("GNU.sparse.offset", "GNU.sparse.numbytes")
"""The PAX records that stand there once for each region of a sparse file: together they are a map."""
_REGION = 24  # bytes of a region in a GNU header: two numbers


_TYPE_BITS = {
    "dir": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "char": stat.S_IFCHR,
    "block": stat.S_IFBLK,
    "fifo": stat.S_IFIFO,
}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One member of an archive. Bytes of names that aren't UTF-8 are kept by `surrogateescape`."""

    path: str  # without a leading "./" or "/" and without a trailing "/"; "" is the archive's root
    type: str  # "file", "dir", "symlink", "hardlink", "char", "block", "fifo"
    size: int  # bytes of a file, with its holes; 0 of all else
    mode: int
    uid: int
    gid: int
    mtime: int  # seconds since 1970, UTC
    link: str = ""  # a symlink's text, or the path of a hard link's target in the same archive

    @property
    def mode_text(self) -> str:
        """Type and permissions as `ls -l` writes them: `drwxr-xr-x`. A hard link is a file."""
        return stat.filemode(_TYPE_BITS.get(self.type, stat.S_IFREG) | (self.mode & 0o7777))

    @property
    def names(self) -> int:
        """Bytes that its path and link take in memory: one a character, or up to four when they aren't plain ASCII."""
        path, link = self.path, self.link
        return len(path) * (1 if path.isascii() else 4) + len(link) * (1 if link.isascii() else 4)


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an archive has the bytes of a file."""

    position: int  # bytes of the archive that lie before it
    stored: int  # bytes
    is_sparse: bool = False  # `layers.sparse` makes the file's content of what is stored
    regions: bytes = b""
    """Of a sparse file, where what is stored belongs: "offset,length,offset,length". Empty: what is stored tells."""


class Payloads(Protocol):
    """Who takes payloads as they go by."""

    def begin(self, entry: Entry, place: Place) -> int:
        """How many of the stored bytes that follow this entry are taken, from the first."""

    def take(self, data: bytes) -> None:
        """More of what was asked for."""


class TarWalker:
    """Takes an archive's bytes in pieces of any length and gives its entries, in the archive's order."""

    def __init__(self, limits: Limits = LIMITS, payloads: Payloads | None = None) -> None:
        self.entries = 0
        self._limits = limits
        self._payloads = payloads
        self._taken = 0  # payload bytes that are still to be handed to `payloads`
        self._names = 0  # bytes
        self._rest = bytearray()  # the beginning of what is read next, too short yet
        self._need = _BLOCK  # how long that has to be: a header, or an extension's payload
        self._skip = 0  # payload bytes that are still to come
        self._extension = b""  # the type of the extension whose payload comes next, or empty: a header does
        self._extension_size = 0
        self._global: dict[str, bytes] = {}
        self._local: dict[str, bytes] = {}
        self._sparse: tuple[Entry, int, bytearray] | None = None  # more of its map comes next, before its payload
        self._fed = 0  # bytes
        self._at = 0  # where in the archive what follows the block in hand begins
        self._ended = False
        self._last = ""

    def feed(self, data: bytes, found: list[Entry]) -> None:
        """Appends to `found` what begins in this data, also when it then raises.

        Raises `ContentError` when this is no tar archive or it is damaged, `TooLarge` beyond the limits.
        """
        self._fed += len(data)
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        position, end = 0, len(data)
        while not self._ended:
            if self._skip and not self._sparse:
                step = min(self._skip, end - position)
                if self._taken and self._payloads:
                    part = data[position : position + min(step, self._taken)]
                    self._taken -= len(part)
                    self._payloads.take(part)
                self._skip -= step
                position += step
            if end - position < self._need:
                self._rest += data[position:]
                return
            block = data[position : position + self._need]
            position += self._need
            self._at = self._fed - end + position
            if self._extension:
                self._read_extension(block)
            elif self._sparse:
                self._read_sparse(block)
            else:
                self._read_header(block, found)

    def close(self) -> None:
        """Raises `ContentError` when the archive stops inside of an entry. A missing end block is no error."""
        if not self._ended and (self._rest or self._skip or self._extension or self._sparse or self._local):
            where = f"after {shown(self._last, 200)}" if self._last else "in its first entry"
            raise ContentError(f"The layer's tar archive is cut off {where}")

    def _read_header(self, block: bytes, found: list[Entry]) -> None:
        if block == _ZEROS:
            self._ended = True
            return
        kind = block[156:157]
        try:
            _check(block)
            stored = _number(block[124:136])
        except ValueError:
            raise self._damaged() from None
        if kind in _EXTENSIONS:
            self._begin_extension(kind, stored)
            return
        extra = {**self._global, **self._local} if self._global or self._local else {}
        self._local = {}
        if extra:
            extra = {key: value for key, value in extra.items() if value}
            stored = _decimal(extra, "size", stored)
        if not 0 <= stored < _SIZE_LIMIT:
            raise self._damaged()
        self._skip = 0 if kind in _WITHOUT_PAYLOAD else -(-stored // _BLOCK) * _BLOCK
        if kind == b"V":  # a volume's label is no file
            return
        entry = _entry(block, kind, stored, extra)
        self._last = entry.path
        self._count(entry)
        found.append(entry)
        stored = min(stored, self._skip)
        if kind == b"S":
            self._sparse = entry, stored, bytearray(block[386:482])
            if not block[482]:
                self._end_sparse()
        elif self._payloads:
            is_sparse = bool(extra) and any(key.startswith("GNU.sparse.") for key in extra)
            regions = extra.get(_SPARSE_MAP, b"").strip(b",") if extra.get("GNU.sparse.major") != b"1" else b""
            self._begin(entry, Place(self._at, stored, is_sparse, regions))

    def _read_sparse(self, block: bytes) -> None:
        assert self._sparse
        fields = self._sparse[2]
        if len(fields) < _EXTENSION_LIMIT:  # what is cut off is missed when the file is read
            fields += block[:504]
        if not block[504]:
            self._end_sparse()

    def _end_sparse(self) -> None:
        assert self._sparse
        (entry, stored, fields), self._sparse = self._sparse, None
        if self._payloads:
            self._begin(entry, Place(self._at, stored, True, _regions(bytes(fields))))

    def _begin(self, entry: Entry, place: Place) -> None:
        assert self._payloads
        self._names += len(place.regions)  # one global header may give all entries the same
        self._check_names()
        self._taken = self._payloads.begin(entry, place)

    def _begin_extension(self, kind: bytes, size: int) -> None:
        if not 0 <= size <= _EXTENSION_LIMIT:
            raise TooLarge(
                f"The layer's tar archive has an extended header of {size:,} bytes after {shown(self._last, 200)}; "
                f"regtui reads {_EXTENSION_LIMIT:,} at most"
            )
        if size:
            self._extension, self._extension_size = kind, size
            self._need = -(-size // _BLOCK) * _BLOCK

    def _read_extension(self, payload: bytes) -> None:
        kind, payload = self._extension, payload[: self._extension_size]
        self._extension, self._need = b"", _BLOCK
        if kind in (b"L", b"K"):
            self._local["path" if kind == b"L" else "linkpath"] = _until_nul(payload)
            return
        try:
            records = _pax_records(payload)
        except ValueError:
            raise self._damaged() from None
        (self._global if kind == b"g" else self._local).update(records)

    def _count(self, entry: Entry) -> None:
        self.entries += 1
        self._names += entry.names
        if self.entries > self._limits.entries:
            raise TooLarge(f"The layer has more than {self._limits.entries:,} entries; regtui reads no further")
        self._check_names()

    def _check_names(self) -> None:
        if self._names > self._limits.names:
            raise TooLarge(f"The layer's names have more than {self._limits.names:,} bytes; regtui reads no further")

    def _damaged(self) -> ContentError:
        if not self.entries:
            return ContentError("The layer is no tar archive, neither plain nor compressed with gzip or zstd")
        return ContentError(f"The layer's tar archive is damaged after {shown(self._last, 200)}")


def _entry(block: bytes, kind: bytes, stored: int, extra: Mapping[str, bytes]) -> Entry:
    name, link = _until_nul(block[:100]), _until_nul(block[157:257])
    if block[257:263] == b"ustar\0" and block[345]:
        prefix = block[345:476] if block[508:512] == b"tar\0" else block[345:500]  # star keeps times behind it
        name = _until_nul(prefix) + b"/" + name
    size, mtime, uid, gid = stored, _lenient(block[136:148]), _lenient(block[108:116]), _lenient(block[116:124])
    if extra:
        name = extra.get("GNU.sparse.name") or extra.get("path", name)
        link = extra.get("linkpath", link)
        size = _decimal(extra, "GNU.sparse.realsize", _decimal(extra, "GNU.sparse.size", size))
        mtime, uid, gid = (_decimal(extra, "mtime", mtime), _decimal(extra, "uid", uid), _decimal(extra, "gid", gid))
    if kind == b"S":
        size = _lenient(block[483:495])
    named = "dir" if kind == b"\0" and name.endswith(b"/") else _TYPES.get(kind, "file")
    return Entry(
        path=entry_path(name),
        type=named,
        size=max(size, 0) if named == "file" else 0,
        mode=_lenient(block[100:108]) & 0o7777,
        uid=uid,
        gid=gid,
        mtime=mtime,
        link=entry_path(link) if named == "hardlink" else _text(link) if named == "symlink" else "",
    )


def _check(block: bytes) -> None:
    """Raises `ValueError` when the header's checksum is wrong. Some old writers summed signed bytes."""
    told = _number(block[148:156])
    rest = block[:148] + block[156:]
    total = sum(rest) + 8 * 0x20
    if told != total and told != total - 256 * sum(byte > 0x7F for byte in rest):
        raise ValueError


def _number(field: bytes) -> int:
    """Octal digits, or GNU's base-256 when the first bit is set. Raises `ValueError`."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big")
        return value - (1 << 8 * len(field)) if field[0] & 0x40 else value - (1 << 8 * len(field) - 1)
    digits = _until_nul(field).strip()
    return int(digits, 8) if digits else 0


def _lenient(field: bytes) -> int:
    """A number that nothing hangs on: 0 when it can't be read."""
    try:
        return _number(field)
    except ValueError:
        return 0


def _decimal(records: Mapping[str, bytes], key: str, otherwise: int) -> int:
    """A PAX record's whole number; a fraction is cut off."""
    digits = records.get(key, b"").partition(b".")[0]
    return int(digits) if digits.lstrip(b"-").isdigit() and len(digits) < 20 else otherwise


def _pax_records(payload: bytes) -> dict[str, bytes]:
    """The records `LENGTH KEY=VALUE\\n` that we know. Raises `ValueError`."""
    records: dict[str, bytes] = {}
    regions: list[bytes] = []
    position = 0
    while position < len(payload) and payload[position]:
        space = payload.index(b" ", position, position + 20)
        length = int(payload[position:space])
        end = position + length
        record = payload[space + 1 : end]
        if end > len(payload) or not record.endswith(b"\n"):
            raise ValueError
        key, _, value = record[:-1].partition(b"=")
        name = key.decode("utf-8", "replace")
        if name in _RECORDS:
            records[name] = value
        elif name in _REGIONS:
            regions.append(value)
        position = end
    if regions:
        records[_SPARSE_MAP] = b",".join(regions)
    return records


def _regions(fields: bytes) -> bytes:
    """The map of a GNU sparse file, from its fields of 12 bytes; one that isn't in use holds NULs."""
    numbers = []
    for start in range(0, len(fields) - len(fields) % _REGION, _REGION):
        if fields[start]:
            numbers += [_lenient(fields[start : start + 12]), _lenient(fields[start + 12 : start + _REGION])]
    return b",".join(b"%d" % number for number in numbers) or b"0,0"


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def entry_path(raw: bytes) -> str:
    """Without what doesn't count: a leading `/` or `./`, a trailing `/`."""
    text = _text(raw).strip("/")
    while text.startswith("./"):
        text = text[2:].lstrip("/")
    return "" if text == "." else text
