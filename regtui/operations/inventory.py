"""What is in a registry: its repositories, and a repository's tags with what they point to."""

from __future__ import annotations

from dataclasses import dataclass

from regtui.errors import RegtuiError
from regtui.operations.attention import Attention
from regtui.operations.facts import TagFacts
from regtui.operations.versions import newest_version_first, version_key

__all__ = ["Attention", "Failed", "Listed", "Read", "TagEvent", "TagFacts", "newest_version_first", "version_key"]


@dataclass(frozen=True, slots=True)
class Listed:
    """More names, as they arrive from the registry; `complete` on the last."""

    tags: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Read:
    """What a tag points to is known; again, when more of it or something newer is."""

    tag: str
    facts: TagFacts


@dataclass(frozen=True, slots=True)
class Failed:
    """What a tag points to can't be read. `Attention.again` tries once more."""

    tag: str
    error: RegtuiError


TagEvent = Listed | Read | Failed
