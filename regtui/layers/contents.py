"""The payloads of a layer's files, for those that are wanted, while the layer goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from regtui.layers.decompress import PIECE, Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, TarWalker

_MEMBER = 512  # bytes that a member counts for, beside its content


@dataclass(frozen=True, slots=True)
class Member:
    """A wanted file begins: the bytes that follow, `entry.size` in all, are its content.

    Of a sparse file none do: what the archive holds of it isn't its content yet.
    """

    entry: Entry
    is_sparse: bool = False


Content = Member | bytes


class ContentReader:
    """Takes a layer's bytes in pieces of any length and gives its wanted files, in the archive's order."""

    def __init__(self, wanted: Callable[[Entry], bool], limits: Limits = LIMITS) -> None:
        self._wanted = wanted
        self._inflater = Inflater(limits)
        self._walker = TarWalker(limits, self)
        self._contents: list[Content] = []
        self._waiting = 0  # about the bytes that `_contents` takes

    @property
    def bytes_read(self) -> int:
        """Compressed bytes so far."""
        return self._inflater.bytes_in

    @property
    def entries(self) -> int:
        return self._walker.entries

    def feed(self, data: bytes) -> Iterator[list[Content]]:
        """What these bytes hold, some 1 MiB at a time. Consume it before the next call.

        Raises `ContentError` when the layer is damaged or no archive, `TooLarge` beyond the limits.
        """
        yield from self._walk(self._inflater.feed(data))

    def close(self) -> Iterator[list[Content]]:
        """What is left once all bytes were fed. Raises `ContentError` when the layer is cut off."""
        yield from self._walk(self._inflater.close())
        self._walker.close()

    def _walk(self, pieces: Iterator[bytes]) -> Iterator[list[Content]]:
        for piece in pieces:
            self._walker.feed(piece, [])
            if self._waiting >= PIECE:
                yield self._collected()
        if self._contents:
            yield self._collected()

    def _collected(self) -> list[Content]:
        contents, self._contents, self._waiting = self._contents, [], 0
        return contents

    # What the walker tells

    def begin(self, entry: Entry, stored: int, *, is_sparse: bool) -> int:
        if entry.type != "file" or not self._wanted(entry):
            return 0
        self._contents.append(Member(entry, is_sparse))
        self._waiting += _MEMBER
        return 0 if is_sparse else stored

    def take(self, data: bytes) -> None:
        self._contents.append(data)
        self._waiting += len(data)
