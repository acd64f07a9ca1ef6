"""Python's packages: a `.dist-info` folder's `METADATA`, an `.egg-info`'s `PKG-INFO` (core metadata specification)."""

from __future__ import annotations

from typing import Final

from regtui.layers.packages.package import Package, Read, can_be
from regtui.layers.packages.records import records

_FIELDS: Final = (b"name", b"version")


def read_metadata(data: bytes, path: str, layer: int) -> Read:
    """The one distribution that the file describes in its headers; a description follows after an empty line."""
    record = next(records(data, _FIELDS, any_case=True), {})
    name, version = record.get(b"name", ""), record.get(b"version", "")
    if not can_be(name, version):
        return Read([], 1)
    return Read([Package("python", name, version, path=path, layer=layer)])
