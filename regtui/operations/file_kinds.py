"""What a file is, by its content: text and how it is encoded, or one of the kinds that images are full of.

The content is a stranger's: what reads it here is bounded, and whatever it makes fail is said, not raised.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_left
from dataclasses import dataclass

from regtui.operations.elf import elf_kind
from regtui.text import shown

Facts = tuple[tuple[str, str], ...]

_SAMPLE = 64 * 1024  # bytes that tell text from what is none
_NO_TEXT = 8 * 1024  # a NUL within these, and it is none, as grep and git have it
_PICTURE = 2**20  # bytes within which a picture says its size
_STRANGE = 0.3  # the share of bytes that are no UTF-8, or control characters, that a text may have
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_BOMS = ((b"\xef\xbb\xbf", "UTF-8 with a byte order mark"), (b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"))

_PYTHONS: tuple[tuple[int, str], ...] = (
    (3379, "3.6"),
    (3394, "3.7"),
    (3413, "3.8"),
    (3425, "3.9"),
    (3439, "3.10"),
    (3495, "3.11"),
    (3531, "3.12"),
    (3571, "3.13"),
    (3627, "3.14"),
)
"""The last magic number of each version (CPython, `Lib/importlib/_bootstrap_external.py`)."""

_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip archive"),
    (0, b"\x28\xb5\x2f\xfd", "zstd archive"),
    (0, b"\xfd7zXZ\0", "xz archive"),
    (0, b"BZh", "bzip2 archive"),
    (0, b"\x04\x22\x4d\x18", "lz4 archive"),
    (0, b"PK\x03\x04", "zip archive"),
    (257, b"ustar", "tar archive"),
    (0, b"!<arch>\ndebian-binary", "Debian package"),
    (0, b"!<arch>\n", "static library (ar archive)"),
    (0, b"\xed\xab\xee\xdb", "RPM package"),
    (0, b"MZ", "program for Windows"),
    (0, b"\xcf\xfa\xed\xfe", "program for macOS"),
    (0, b"\0asm", "WebAssembly module"),
    (0, b"\xca\xfe\xba\xbe", "Java class"),
    (0, b"%PDF-", "PDF document"),
    (0, b"\xde\x12\x04\x95", "message catalogue (gettext)"),
    (0, b"TZif", "time zone"),
    (0, b"wOFF", "font (WOFF)"),
    (0, b"wOF2", "font (WOFF2)"),
    (0, b"\0\x01\0\0\0", "font (TrueType)"),
    (0, b"OTTO", "font (OpenType)"),
)
_PICTURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (0, b"\xff\xd8\xff", "JPEG picture"),
    (0, b"GIF87a", "GIF picture"),
    (0, b"GIF89a", "GIF picture"),
    (8, b"WEBPVP8", "WebP picture"),
    (0, b"BM", "BMP picture"),
)


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is called, and what there is to say of it. Its texts may be a stranger's."""

    name: str
    encoding: str = ""  # of text; empty: it is none
    facts: Facts = ()

    @property
    def is_text(self) -> bool:
        return bool(self.encoding)


def kind_of(path: str, data: bytes, size: int) -> FileKind:
    """What the file at `path` is; `data` is its beginning or all of it, `size` its whole length in bytes.

    Takes up to a second for a file that is made to take long: not for an event loop.
    """
    if not data:
        return FileKind("empty file" if not size else "file of which nothing was read", "UTF-8")
    if data.startswith(b"\x7fELF"):
        return FileKind(*elf_kind(data, is_whole=len(data) == size))
    return _picture(data) or _database(data) or _bytecode(path, data) or _by_sign(data) or _text(data)


def _by_sign(data: bytes) -> FileKind | None:
    return next((FileKind(name) for place, sign, name in _SIGNS if data.startswith(sign, place)), None)


def _picture(data: bytes) -> FileKind | None:
    if data.startswith(b"\0\0\1\0") and len(data) >= 22:
        width, height = (side or 256 for side in data[6:8])
        count = int.from_bytes(data[4:6], "little")
        return FileKind("icon (ICO)", facts=(("Pixels", f"{width} x {height}, the first of {count:,}"),))
    for place, sign, name in _PICTURES:
        if data.startswith(sign, place) and not (sign == b"BM" and _is_text(data)):
            return FileKind(name, facts=(("Pixels", _pixels(data)),))
    return None


def _pixels(data: bytes) -> str:
    import imagesize  # type: ignore[import-untyped]

    try:
        width, height = imagesize.get(io.BytesIO(data[:_PICTURE]))
    except Exception:  # a stranger's bytes, and a library that may fail on them in any way
        return "can't be read"
    return f"{width:,} x {height:,}" if width > 0 and height > 0 else "can't be read"


def _database(data: bytes) -> FileKind | None:
    if not data.startswith(b"SQLite format 3\0") or len(data) < 100:
        return None
    page = 65536 if (page := int.from_bytes(data[16:18], "big")) == 1 else page
    return FileKind("SQLite database", facts=(("Pages", f"{int.from_bytes(data[28:32], 'big'):,} of {page:,} bytes"),))


def _bytecode(path: str, data: bytes) -> FileKind | None:
    if data[2:4] != b"\r\n" or not path.endswith((".pyc", ".pyo")):
        return None
    (magic,) = struct.unpack_from("<H", data)
    place = bisect_left(_PYTHONS, (magic, ""))
    known = magic > 3000 and place < len(_PYTHONS)
    return FileKind(f"Python {_PYTHONS[place][1]} bytecode" if known else "Python bytecode")


def _text(data: bytes) -> FileKind:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return FileKind("text", encoding)
    if not _is_text(data):
        return FileKind("binary data")
    encoding = "UTF-8" if _strange(data) == 0 else "not all of it UTF-8"
    if data.startswith(b"#!") and (command := data[2:300].split(b"\n", 1)[0].split()):
        name = command[0].rpartition(b"/")[2]
        words = [word for word in command[1:] if not word.startswith(b"-")]
        return FileKind(f"script for {shown(words[0] if name == b'env' and words else name, 60)}", encoding)
    return FileKind("SVG picture" if b"<svg" in data[:2048] else "text", encoding)


def _is_text(data: bytes) -> bool:
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    return b"\0" not in sample[:_NO_TEXT] and controls + _strange(data) <= _STRANGE * len(sample)


def _strange(data: bytes) -> int:
    """Bytes of the sample that aren't UTF-8. A character that the sample cuts counts for none."""
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE:
        cut = next((n for n in (1, 2, 3) if sample[-n] >= 0xC0), 0)
        sample = sample[: len(sample) - cut]
    text = sample.decode("utf-8", "surrogateescape")
    return 0 if text.isascii() else sum("\udc80" <= char <= "\udcff" for char in text)
