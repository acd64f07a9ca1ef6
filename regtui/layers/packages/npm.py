"""npm's packages: the `package.json` of each folder that stands as a package in a `node_modules`."""

from __future__ import annotations

import msgspec

from regtui.errors import RegtuiError
from regtui.layers.packages.package import Package, Read, can_be
from regtui.oci.decode import decode


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""


def read_package_json(data: bytes, path: str, layer: int) -> Read:
    """The one package that the file describes."""
    try:
        manifest = decode(data, _Manifest, "package.json", len(data))
    except RegtuiError:
        return Read([], 1)
    if not can_be(manifest.name, manifest.version):
        return Read([], 1)
    return Read([Package("npm", manifest.name, manifest.version, path=path, layer=layer)])
