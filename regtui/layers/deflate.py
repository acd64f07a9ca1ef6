"""Inflating that can stop between two blocks, which no Python binding of zlib, isal or zlib-ng offers.

zlib-ng's functions are called where its Python package brings them along, else those of the system's zlib. Neither
package promises these symbols: what is used is tried at load, and where it fails, there is no library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib
import zlib
from typing import Any

from regtui.errors import ContentError
from regtui.layers.windows import WINDOW
from regtui.text import shown

_GZIP = 31  # windowBits: the greatest window, and a gzip header and trailer around the data
_NO_FLUSH, _BLOCK = 0, 5
_OK, _STREAM_END, _MEMORY, _BUFFER = 0, 1, -4, -5
_MESSAGES = {2: "it needs a dictionary", _MEMORY: "it needs more memory than there is"}


class _NextGenStream(ctypes.Structure):
    """`zng_stream` of zlib-ng 2."""

    _fields_ = [
        ("next_in", ctypes.c_void_p),
        ("avail_in", ctypes.c_uint32),
        ("total_in", ctypes.c_size_t),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint32),
        ("total_out", ctypes.c_size_t),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_uint32),
        ("reserved", ctypes.c_ulong),
    ]


class _ZlibStream(ctypes.Structure):
    """`z_stream` of zlib 1."""

    _fields_ = [
        ("next_in", ctypes.c_void_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    ]


class Library:
    """The functions that are needed of one of the two. Raises `OSError` or `AttributeError` where they are missing."""

    def __init__(self, file: str, prefix: str, version: str, major: bytes, stream: type[ctypes.Structure]) -> None:
        loaded = ctypes.CDLL(file)  # releases the interpreter's lock during each call
        pointer = ctypes.POINTER(stream)
        tell = self._function(loaded, version, ctypes.c_char_p)
        self.version: bytes = tell() or b""
        if not self.version.startswith(major):
            raise OSError(f"{file} is of version {self.version!r}")
        self.stream = stream
        self.is_fast = stream is _NextGenStream
        self.init = self._function(
            loaded, f"{prefix}inflateInit2_", ctypes.c_int, pointer, ctypes.c_int, ctypes.c_char_p, ctypes.c_int
        )
        self.inflate = self._function(loaded, f"{prefix}inflate", ctypes.c_int, pointer, ctypes.c_int)
        self.reset = self._function(loaded, f"{prefix}inflateReset", ctypes.c_int, pointer)
        self.end = self._function(loaded, f"{prefix}inflateEnd", ctypes.c_int, pointer)
        self.dictionary = self._function(
            loaded, f"{prefix}inflateGetDictionary", ctypes.c_int, pointer, ctypes.c_void_p, ctypes.c_void_p
        )

    @staticmethod
    def _function(loaded: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
        return function


class Inflate:
    """Inflates a gzip member, whose header and checksums it verifies, and after `restart` another."""

    def __init__(self, library: Library, piece: int) -> None:
        """`piece`: bytes that come out of one step at most."""
        self._library = library
        self._stream = library.stream()
        self._piece = piece
        self._out = ctypes.create_string_buffer(piece)
        self._is_open = False
        size = ctypes.sizeof(self._stream)
        self._check(library.init(ctypes.byref(self._stream), _GZIP, library.version, size))
        self._is_open = True
        self.is_at_end = False
        self.is_at_block = False  # a block begins with what follows: not so after the last one
        self.is_damaged = False  # what came out was good still, and the next step will raise

    def restart(self) -> None:
        self._check(self._library.reset(ctypes.byref(self._stream)))
        self.is_at_end = self.is_at_block = False

    def step(self, data: bytes, start: int, end: int, *, to_block: bool) -> tuple[bytes, int]:
        """What `data[start:end]` gives, a piece at most, and up to where it was used.

        With `to_block`, it stops where a block begins. Raises `ContentError` when the data is damaged and nothing came
        out before that.
        """
        stream = self._stream
        stream.next_in = (ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0) + start
        stream.avail_in = end - start
        stream.next_out, stream.avail_out = ctypes.addressof(self._out), self._piece
        result = self._library.inflate(ctypes.byref(stream), _BLOCK if to_block else _NO_FLUSH)
        stream.next_in = None  # `data` may be gone by the next step
        self.is_damaged = result not in (_OK, _STREAM_END, _BUFFER)
        if self.is_damaged and stream.avail_out == self._piece:
            self._check(result)
        self.is_at_end = result == _STREAM_END
        self.is_at_block = to_block and result == _OK and stream.data_type & 0xC0 == 0x80
        return ctypes.string_at(self._out, self._piece - stream.avail_out), end - stream.avail_in

    @property
    def bits(self) -> int:
        """How many bits of the last byte that was used belong to the block that begins: its highest ones."""
        return int(self._stream.data_type) & 7

    def window(self) -> bytes:
        """The unpacked bytes that the block may refer to."""
        buffer, length = ctypes.create_string_buffer(WINDOW), ctypes.c_uint(0)
        self._check(self._library.dictionary(ctypes.byref(self._stream), buffer, ctypes.byref(length)))
        return ctypes.string_at(buffer, length.value)

    def __del__(self) -> None:  # the one who holds it may be left in the middle, as generators are
        if getattr(self, "_is_open", False):
            self._is_open = False
            self._library.end(ctypes.byref(self._stream))

    def _check(self, result: int) -> None:
        if result != _OK:
            message = (self._stream.msg or b"").decode("ascii", "replace") or _MESSAGES.get(result, f"code {result}")
            raise ContentError(f"The layer's gzip data is damaged: {shown(message, 200)}")


def next_gen() -> Library | None:
    """zlib-ng as its Python package brings it along."""
    try:
        file = importlib.import_module("zlib_ng.zlib_ng").__file__
        return _tried(Library(file or "", "zng_", "zlibng_version", b"2.", _NextGenStream))
    except (ImportError, OSError, AttributeError):
        return None


def system() -> Library | None:
    """The system's zlib."""
    try:
        file = ctypes.util.find_library("z")
        return _tried(Library(file, "", "zlibVersion", b"1.", _ZlibStream)) if file else None
    except (OSError, AttributeError):
        return None


@functools.cache
def best() -> Library | None:
    """The faster one of those that work here; None: neither does."""
    return next_gen() or system()


def _tried(library: Library) -> Library | None:
    """The library, if it does with a small member what is asked of it."""
    text = bytes(range(256)) * 40
    packer = zlib.compressobj(wbits=_GZIP)
    first = packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = first + packer.compress(text) + packer.flush()
    try:
        member = Inflate(library, len(text))
        header, start = member.step(packed, 0, len(packed), to_block=True)
        out = bytearray(header)
        at_block = member.is_at_block and not header
        while not member.is_at_end and start < len(packed):
            piece, start = member.step(packed, start, len(packed), to_block=True)
            out += piece
            at_block = at_block or member.is_at_block
            if start == len(first) and (member.window() != text or member.bits):
                return None
        return library if out == text * 2 and at_block and member.is_at_end and start == len(packed) else None
    except ContentError:
        return None
