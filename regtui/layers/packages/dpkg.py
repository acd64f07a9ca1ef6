"""Debian's packages: `var/lib/dpkg/status` (deb-control(5), dpkg(1) for the states), and distroless' `status.d`."""

from __future__ import annotations

from typing import Final

from regtui.layers.packages.package import COUNT, Package, Read, built_from, can_be, is_text
from regtui.layers.packages.records import records

_FIELDS: Final = (b"package", b"status", b"version", b"architecture", b"source", b"installed-size")


def read_dpkg(data: bytes, path: str, layer: int) -> Read:
    """All that `dpkg-query -W` lists: whatever isn't "not-installed", so what left its configuration behind, too.

    A record without a status, as in `status.d`, is installed. Of two for one name and architecture the later counts.
    """
    found: dict[tuple[str, str], Package] = {}
    broken = 0
    for record in records(data, _FIELDS, any_case=True):
        name, version = record.get(b"package", ""), record.get(b"version", "")
        state = record.get(b"status", "installed").rpartition(" ")[2]
        if state == "not-installed":
            continue
        architecture = record.get(b"architecture", "")
        if not can_be(name, version) or len(found) == COUNT:
            broken += 1
            continue
        size = record.get(b"installed-size", "")
        found[name, architecture] = Package(
            kind="deb",
            name=name,
            version=version,
            architecture=architecture if is_text(architecture) else "",
            source=built_from(record.get(b"source", "").partition(" ")[0], name),
            path=path,
            layer=layer,
            size=int(size) * 1024 if size.isdecimal() and len(size) < 16 else None,
            state="" if state == "installed" else state if is_text(state) else "unknown",
        )
    return Read(list(found.values()), broken)
