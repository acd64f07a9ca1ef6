"""File trees of the demo's layers, and the tar archives that they become."""

from __future__ import annotations

import struct
from datetime import datetime

_BLOCK = 512
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
_FILE, _HARD_LINK, _SYMLINK, _CHARACTER, _BLOCKS, _FOLDER, _PIPE = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


class Tree:
    """The entries of one layer, in the order in which they are added; missing parents are added before them.

    Paths are relative, without a slash at the end. Bytes that are not UTF-8 stand in them as by `surrogateescape`.
    """

    def __init__(self, changed: datetime) -> None:
        self._changed = int(changed.timestamp())
        self._folders: set[str] = set()
        self._parts: list[bytes] = []

    def folder(self, path: str, mode: int = 0o755, owner: int = 0, group: int = 0) -> None:
        self._parents(path)
        self._folders.add(path)
        self._add(path, _FOLDER, mode, owner=owner, group=group)

    def file(self, path: str, content: bytes = b"", mode: int = 0o644, owner: int = 0, group: int = 0) -> None:
        self._parents(path)
        self._add(path, _FILE, mode, content, owner=owner, group=group)

    def symlink(self, path: str, target: str) -> None:
        self._parents(path)
        self._add(path, _SYMLINK, 0o777, link=target)

    def hard_link(self, path: str, target: str, mode: int = 0o755) -> None:
        """A second name of a file that was added before, in this tree."""
        self._parents(path)
        self._add(path, _HARD_LINK, mode, link=target)

    def device(self, path: str, major: int, minor: int, *, block: bool = False) -> None:
        self._parents(path)
        self._add(path, _BLOCKS if block else _CHARACTER, 0o600, device=(major, minor))

    def pipe(self, path: str) -> None:
        self._parents(path)
        self._add(path, _PIPE, 0o600)

    def whiteout(self, path: str) -> None:
        """Removes what the layers below have at `path` (image-spec, layer.md, "Whiteouts")."""
        parent, _, name = path.rpartition("/")
        self.file(f"{parent}/.wh.{name}" if parent else f".wh.{name}", mode=0)

    def opaque(self, path: str) -> None:
        """A folder that hides everything that the layers below have in it."""
        if path not in self._folders:
            self.folder(path)
        self.file(f"{path}/.wh..wh..opq", mode=0)

    def tar(self) -> bytes:
        return b"".join((*self._parts, bytes(2 * _BLOCK)))

    def _parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent and parent not in self._folders:
            self.folder(parent)

    def _add(
        self,
        path: str,
        kind: bytes,
        mode: int,
        content: bytes = b"",
        link: str = "",
        owner: int = 0,
        group: int = 0,
        device: tuple[int, int] = (0, 0),
    ) -> None:
        name = (path + "/" if kind == _FOLDER else path).encode("utf-8", "surrogateescape")
        target = link.encode("utf-8", "surrogateescape")
        for letter, text in ((b"K", target), (b"L", name)):
            if len(text) > 100:  # GNU's way: the text comes first, as the content of an entry of its own
                self._parts += (_header(b"././@LongLink", letter, size=len(text) + 1), _padded(text + b"\0"))
        numbers = (mode, owner, group, len(content), self._changed)
        self._parts += (_header(name, kind, *numbers, target, device), _padded(content))


def _header(
    name: bytes,
    kind: bytes,
    mode: int = 0,
    owner: int = 0,
    group: int = 0,
    size: int = 0,
    changed: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    """A header block as GNU tar writes it (tar's manual, "Basic Tar Format")."""
    numbers = (b"%07o" % mode, b"%07o" % owner, b"%07o" % group, b"%011o" % size, b"%011o" % changed)
    rest = (kind, link[:100], b"ustar  ", b"", b"", b"%07o" % device[0], b"%07o" % device[1], b"")
    checksum = sum(_HEADER.pack(name[:100], *numbers, b" " * 8, *rest))
    return _HEADER.pack(name[:100], *numbers, b"%06o\0 " % checksum, *rest)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _BLOCK)
