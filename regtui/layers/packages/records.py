"""Records of `Name: value` lines with an empty line between them, as dpkg, apk and Python's metadata write them."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator


def records(data: bytes, wanted: Collection[bytes], *, any_case: bool = False) -> Iterator[dict[bytes, str]]:
    """The wanted fields of each record, by their first line; of two with one name the later counts.

    `any_case`: names may be written in capitals or not; `wanted` then has small letters. Bytes that aren't UTF-8 are
    replaced.
    """
    found: dict[bytes, str] = {}
    is_record = False
    for line in io.BytesIO(data):  # not split: of a line a byte that would be a gigabyte
        if not line.strip():
            if is_record:
                yield found
                found, is_record = {}, False
            continue
        is_record = True
        name, colon, value = line.partition(b":")
        name = name.lower() if any_case else name
        if colon and name in wanted:
            found[name] = value.strip().decode("utf-8", "replace")
    if is_record:
        yield found
