"""Alpine's packages: `lib/apk/db/installed` (apk's installed database, version 2)."""

from __future__ import annotations

from typing import Final

from regtui.layers.packages.package import COUNT, Package, Read, built_from, can_be, is_text
from regtui.layers.packages.records import records

_FIELDS: Final = (b"P", b"V", b"A", b"o", b"I")


def read_apk(data: bytes, path: str, layer: int) -> Read:
    """All in the database: `apk info -v` lists them."""
    found: dict[str, Package] = {}
    broken = 0
    for record in records(data, _FIELDS):
        name, version = record.get(b"P", ""), record.get(b"V", "")
        if not can_be(name, version) or len(found) == COUNT:
            broken += 1
            continue
        architecture, size = record.get(b"A", ""), record.get(b"I", "")
        found[name] = Package(
            kind="apk",
            name=name,
            version=version,
            architecture=architecture if is_text(architecture) else "",
            source=built_from(record.get(b"o", ""), name),
            path=path,
            layer=layer,
            size=int(size) if size.isdecimal() and len(size) < 19 else None,
        )
    return Read(list(found.values()), broken)
