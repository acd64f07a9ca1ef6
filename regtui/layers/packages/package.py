"""A package as the database says it that it stands in."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

KINDS: Final = {"deb": "Debian", "apk": "Alpine", "python": "Python", "npm": "npm"}
"""The kinds that are read, and whose packages they are."""
_TEXT: Final = 500
"""Characters of a name or a version."""
COUNT: Final = 100_000
"""Packages of one database."""


class Package(msgspec.Struct, frozen=True, gc=False):
    """One package that is installed, or, by its `state`, nearly."""

    kind: str  # one of `KINDS`
    name: str  # without its architecture
    version: str
    architecture: str = ""  # as its kind calls it; empty where it has none
    source: str = ""  # the package that it was built from, where the database tells; it may be its own name
    path: str = ""  # of the database in the image
    layer: int = 0  # that wrote this file last, counted from 0
    size: int | None = None  # bytes that it takes installed, as the database tells
    state: str = ""  # dpkg's word when it isn't "installed": "config-files", "half-configured"

    @property
    def is_there(self) -> bool:
        """Whether more of it is left than its configuration."""
        return self.state != "config-files"


class Read(NamedTuple):
    """What a database has, and how many of its records are of no use."""

    packages: list[Package]
    broken: int = 0


def built_from(told: str, name: str) -> str:
    """The package that one was built from: of its own name, unless its database tells another."""
    return told if is_text(told) else name


def can_be(name: str, version: str) -> bool:
    """Whether these can be a package's name and version. A name that ends in a slash can't be in a package URL."""
    return is_text(name, version) and not name.endswith("/")


def is_text(*texts: str) -> bool:
    """Whether these are of a length and of characters that a database's fields have."""
    return all(0 < len(text) <= _TEXT and text.isprintable() for text in texts)
