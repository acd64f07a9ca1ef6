"""The order of tags by name: natural, the newest version first."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"v?\d+(?![a-z0-9])|v?\d+(?:\.\d+)*(?:alpha|beta|rc|a|b)\d*(?![a-z])", re.ASCII)
_TOKEN = re.compile(r"(\d+)|([a-z]+)", re.ASCII)
_BEFORE_RELEASE = frozenset(
    ("a", "alpha", "b", "beta", "canary", "dev", "ea", "m", "nightly", "pre", "preview", "rc", "snapshot")
)
_INVERTED = bytes.maketrans(
    b"0123456789abcdefghijklmnopqrstuvwxyz",
    b"9876543210zyxwvutsrqponmlkjihgfedcba",
)
_END, _WORD, _EARLY = b"\x80", b"\x90", b"\xf0"


def newest_version_first(tags: Iterable[str]) -> list[str]:
    """Sorted by `version_key`."""
    return sorted(tags, key=version_key)


def version_key(tag: str) -> bytes:
    """A key in whose ascending order the newest version comes first: `v1.10`, `v1.9`, `v1.9-alpine`, `v1.9-rc1`.

    Names without a digit (`latest`) come before all, by the alphabet; then versions, numbers by their value, a release
    above its variants and those above what came before the release; then all other names. No two tags have the same
    key. It is one small `bytes`, because 100,000 of them are kept.
    """
    name = tag.lower()
    if _VERSION.match(name):
        group, name = b"\x01", name.removeprefix("v")
    else:
        group = b"\x02" if any("0" <= char <= "9" for char in name) else b"\x00"
    pieces = [group]
    for number, word in _TOKEN.findall(name):
        if number:
            digits = number.lstrip("0").encode()
            pieces += (bytes((0x7F - min(len(digits), 0x7F),)), digits.translate(_INVERTED))
        elif word in _BEFORE_RELEASE:
            pieces += (_EARLY, word.encode().translate(_INVERTED), b"\0")
        else:
            pieces += (_WORD, word.encode(), b"\0")
    pieces += (_END, tag.encode("utf-8", "surrogatepass"))
    return b"".join(pieces)
