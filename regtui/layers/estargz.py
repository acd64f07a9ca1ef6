"""eStargz: a gzip layer with a table of contents at its end (stargz-snapshotter, "eStargz: Standard-Compatible
Extensions to Tar.gz Layers"). A footer tells where it begins.
"""

from __future__ import annotations

import re
from dataclasses import replace

from regtui.errors import ContentError, TooLarge
from regtui.layers.decompress import Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, TarWalker
from regtui.layers.toc import TOC_LIMIT, read_toc
from regtui.layers.whereabouts import LayerIndex

DIGEST = "containerd.io/snapshot/stargz/toc.digest"
"""The annotation of a layer that has the digest of the JSON."""

FOOTER = 51
"""Bytes of the footer: a gzip member that holds nothing, and the offset in its extra field."""

_NAME = "stargz.index.json"
NO_FILES = frozenset((_NAME, ".prefetch.landmark", ".no.prefetch.landmark"))
"""What the archive has that is no file of the image: the table, and marks of how much is read ahead."""
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\0SG\x16\0([0-9a-f]{16})STARGZ.{13}", re.DOTALL)
_BLOCK = 512


def is_footer(end: bytes) -> bool:
    """Whether these last bytes of a layer say that it is an eStargz layer."""
    return _FOOTER.fullmatch(end[-FOOTER:]) is not None


def toc_offset(end: bytes, layer_size: int) -> int | None:
    """Where the table's gzip member begins; it ends where the footer begins. `end` is the layer's last bytes.

    None: this is no footer. Raises `ContentError` when the table would not lie inside of the layer.
    """
    footer = _FOOTER.fullmatch(end[-FOOTER:])
    if footer is None:
        return None
    offset = int(footer[1], 16)
    if not 0 < offset < layer_size - FOOTER:
        raise ContentError("The layer's eStargz footer is wrong: its table of contents would lie outside of the layer")
    if layer_size - FOOTER - offset > TOC_LIMIT:
        raise TooLarge(f"The layer's table of contents has more than {TOC_LIMIT:,} bytes; regtui reads no further")
    return offset


def toc_json(member: bytes) -> bytes:
    """The JSON in the table's gzip member, which holds an archive of that one file. Raises `ContentError`."""
    inflater = Inflater(replace(LIMITS, unpacked=TOC_LIMIT))
    archive = b"".join((*inflater.feed(member), *inflater.close()))
    walker, found = TarWalker(), list[Entry]()
    for start in range(0, len(archive), _BLOCK):
        walker.feed(archive[start : start + _BLOCK], found)
        if found:
            json = archive[start + _BLOCK : start + _BLOCK + found[0].size]
            if found[0].path == _NAME and len(json) == found[0].size:
                return json
            break
    raise ContentError(f"Where the layer's eStargz footer points to, there is no {_NAME}")


def estargz_index(json: bytes, end: int, limits: Limits = LIMITS) -> LayerIndex:
    """What the layer lists, but for what is no file of the image; `end`: where the table's member begins."""
    return read_toc(json, end, limits, NO_FILES)
