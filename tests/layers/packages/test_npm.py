"""npm's `package.json`."""

from __future__ import annotations

import pytest

from regtui.layers.packages.npm import read_package_json
from regtui.layers.packages.package import Package


def test_a_package() -> None:
    data = b'{"name": "@scope/name", "version": "1.2.3", "dependencies": {"a": "^1"}}'
    read = read_package_json(data, "node_modules/@scope/name/package.json", 1)
    assert read == ([Package("npm", "@scope/name", "1.2.3", path="node_modules/@scope/name/package.json", layer=1)], 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"name": "a"}',
        b'{"name": "a", "version": 1}',
        b'{"name": "a\\u001b", "version": "1"}',
        b'{"name": "@scope/", "version": "1"}',
        b'{"name": "a", "version": "1"',
        b"[" * 100_000,
        b'{"name": "\xff", "version": "1"}',
    ],
)
def test_what_names_no_package_and_version_is_of_no_use(data: bytes) -> None:
    assert read_package_json(data, "package.json", 0) == ([], 1)
