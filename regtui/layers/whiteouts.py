"""Whiteouts: the names by which a layer takes away what the layers below have (OCI image-spec, layer.md)."""

from __future__ import annotations

from typing import Final, NamedTuple

WHITEOUT: Final = ".wh."
OPAQUE: Final = ".wh..wh..opq"


class Removal(NamedTuple):
    """What a whiteout takes away."""

    path: str
    is_opaque: bool  # not the directory itself, but all that the layers below have in it


def removed_by(path: str) -> Removal | None:
    """What an entry of this path takes away; None when it is a file, or what aufs keeps for itself."""
    folder, _, name = path.rpartition("/")
    if name == OPAQUE:
        return Removal(folder, True)
    removed = name.removeprefix(WHITEOUT)
    if removed == name or removed in ("", ".", "..") or removed.startswith(WHITEOUT):
        return None
    return Removal(f"{folder}/{removed}" if folder else removed, False)
