"""Records of `Name: value` lines with an empty line between them, as dpkg, apk and Python's metadata write them."""

from __future__ import annotations

from collections.abc import Collection, Iterator


def records(data: bytes, wanted: Collection[bytes]) -> Iterator[dict[bytes, str]]:
    """The wanted fields of each record, by their first line; a later one of the same name counts.

    Bytes that aren't UTF-8 are replaced. Records without a line are none.
    """
    found: dict[bytes, str] = {}
    is_record = False
    for line in data.split(b"\n"):
        if not line.strip():
            if is_record:
                yield found
                found, is_record = {}, False
            continue
        is_record = True
        name, colon, value = line.partition(b":")
        if colon and name in wanted:
            found[name] = value.strip().decode("utf-8", "replace")
    if is_record:
        yield found
