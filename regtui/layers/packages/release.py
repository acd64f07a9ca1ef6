"""Which system an image is: `etc/os-release` (os-release(5))."""

from __future__ import annotations

import re
from typing import Final

import msgspec

PATHS: Final = ("etc/os-release", "usr/lib/os-release")
LIMIT: Final = 64 * 1024
"""Bytes of the file."""
_LINE: Final = re.compile(r"""^(ID|VERSION_ID|PRETTY_NAME)=(["']?)(.*)\2\s*$""", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\(.)")


class Release(msgspec.Struct, frozen=True):
    """The system's own words; empty where it has none."""

    id: str = ""  # "debian"
    version: str = ""  # "12"
    name: str = ""  # "Debian GNU/Linux 12 (bookworm)"


def read_release(data: bytes) -> Release:
    text = data[:LIMIT].decode("utf-8", "replace")
    told = {key: _ESCAPE.sub(r"\1", value)[:200] for key, _, value in _LINE.findall(text)}
    return Release(told.get("ID", ""), told.get("VERSION_ID", ""), told.get("PRETTY_NAME", ""))
