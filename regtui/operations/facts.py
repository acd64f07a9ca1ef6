"""What a tag points to: the facts of the tags table (PROTOCOL.md, "What created and size mean")."""

from __future__ import annotations

from datetime import datetime

import msgspec

from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind


class TagFacts(msgspec.Struct, frozen=True, gc=False):
    """One digest's facts, shared by all tags on it."""

    digest: Digest
    media_type: str
    kind: Kind
    created: datetime | None  # UTC
    created_source: str  # "config", "annotation", or "" when nothing says
    size: int  # compressed bytes: config and layers; of an index all its images', each blob once
    platforms: tuple[str, ...]  # "linux/amd64", without attestations
    partial: bool = False  # an index of which one image was read so far: created and size are shown with ~
