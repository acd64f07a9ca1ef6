"""Where the members of a tar archive are: one walk over its headers, not over what is between them (ustar, pax)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from regtui.errors import ContentError, TooLarge

_BLOCK = 512
_MEMBERS = 100_000  # an image has some hundred layers, and an archive three members a layer
_HEADER_LIMIT = 1024 * 1024  # bytes of a long name, or of a pax header
_NAME_LIMIT = 4096
_LINKS = 10  # that lead to each other
_FILES, _LINKED = b"0\x007", b"12"


@dataclass(frozen=True, slots=True)
class Member:
    """A file, or a link with the name of what it leads to. Offset and size in bytes."""

    offset: int
    size: int
    link: str = ""


class TarIndex:
    """Members by their names, `./` in front taken off. Of several with a name, the last counts."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._members = members

    def find(self, name: str) -> Member | None:
        """The file of that name, links followed within the archive; None when there is none."""
        for _ in range(_LINKS):
            member = self._members.get(posixpath.normpath(name))
            if not member or not member.link:
                return member
            name = member.link
        return None


def read_index(file: BinaryIO, size: int) -> TarIndex:
    """Walks an archive of `size` bytes. Raises `ContentError` for what is none or is cut off, `TooLarge`."""
    members: dict[str, Member] = {}
    place, long_name, long_link = 0, "", ""
    pax: dict[str, str] = {}
    seen = 0
    while place + _BLOCK <= size:
        file.seek(place)
        header = file.read(_BLOCK)
        if header == bytes(_BLOCK):
            break
        _check_sum(header, place)
        seen += 1
        if seen > _MEMBERS:
            raise TooLarge(f"The archive has more than {_MEMBERS:,} members; regtui reads no further")
        kind = header[156:157]
        length = _size(pax.get("size"), header, place)
        begin = place + _BLOCK
        if begin + length > size:
            raise ContentError(f"The archive is cut off: what begins at byte {place:,} has {length:,} bytes")
        place = begin + -(-length // _BLOCK) * _BLOCK
        if kind in b"LKxg" and kind:
            if length > _HEADER_LIMIT:
                raise TooLarge(f"The archive has a header of {length:,} bytes; regtui reads {_HEADER_LIMIT:,} at most")
            data = file.read(length)
            if kind == b"L":
                long_name = _text(data)
            elif kind == b"K":
                long_link = _text(data)
            elif kind == b"x":
                pax = _pax(data)
            continue
        name = pax.get("path") or long_name or _ustar_name(header)
        link = pax.get("linkpath") or long_link or _text(header[157:257])
        long_name, long_link, pax = "", "", {}
        if len(name) > _NAME_LIMIT or len(link) > _NAME_LIMIT:
            raise TooLarge(f"The archive has a name of more than {_NAME_LIMIT:,} characters")
        name = posixpath.normpath(name)
        if kind in _FILES:
            members[name] = Member(begin, length)
        elif kind in _LINKED:
            target = posixpath.join(posixpath.dirname(name), link) if kind == b"2" else link
            members[name] = Member(begin, 0, target or ".")
    if not seen:
        raise ContentError("It is no tar archive")
    return TarIndex(members)


def _check_sum(header: bytes, place: int) -> None:
    told = header[148:156].strip(b" \0")
    found = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if not told or told.strip(b"01234567") or int(told, 8) != found:
        raise ContentError("It is no tar archive" if not place else f"The archive is damaged at byte {place:,}")


def _size(told: str | None, header: bytes, place: int) -> int:
    """Bytes of a member: of its pax header, octal, or in base 256 (GNU)."""
    field = header[124:136]
    if told is not None and told.isascii() and told.isdigit() and len(told) < 19:
        return int(told)
    if field[0] == 0x80:
        return int.from_bytes(field[4:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise ContentError(f"The archive is damaged at byte {place:,}: a member has no size")
    return int(digits or b"0", 8)


def _ustar_name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name


def _pax(data: bytes) -> dict[str, str]:
    """Records of the form `length key=value\\n`. What can't be read ends them."""
    records: dict[str, str] = {}
    while data:
        length, _, _ = data[:20].partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(data):
            break
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        records[key.decode(errors="replace")] = value.decode(errors="surrogateescape")
        data = data[int(length) :]
    return records


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="surrogateescape")
