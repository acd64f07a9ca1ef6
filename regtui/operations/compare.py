"""Two references beside each other: what they run, their history and layers, their files, their packages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from regtui.errors import RegtuiError
from regtui.oci.kinds import Kind
from regtui.oci.manifest import Index
from regtui.oci.reference import Reference
from regtui.operations.compare_facts import Fact, Instruction, Layers, facts, history, layers, layers_of, sentence
from regtui.operations.compare_files import (
    Comparison,
    Difference,
    Files,
    Progress,
    Source,
    compare_files,
    to_read,
    told,
)
from regtui.operations.compare_packages import PackageChange, Packages, compare_packages
from regtui.operations.inspect import Inspected, inspect, matches
from regtui.operations.session import Session

__all__ = [
    "Comparison",
    "Difference",
    "Fact",
    "Facts",
    "Files",
    "Instruction",
    "Layers",
    "PackageChange",
    "Packages",
    "Pair",
    "Part",
    "Progress",
    "compare",
    "compare_layers",
    "find_pair",
    "layers_of",
    "sentence",
    "to_read",
    "told",
]


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared: two manifests, each from its own session, which may be the same one."""

    sessions: tuple[Session, Session]
    before: Inspected
    after: Inspected
    platform: str = ""
    """The one that was chosen from an index, as in "linux/amd64"; empty where there was nothing to choose."""
    only_before: tuple[str, ...] = ()
    """Platforms that only the first index has."""
    only_after: tuple[str, ...] = ()
    indexes: tuple[Inspected, Inspected] | None = None
    """The indexes that the two were chosen from, if both were."""

    @property
    def is_same(self) -> bool:
        """One manifest under two names."""
        return self.before.document.digest == self.after.document.digest

    @property
    def are_images(self) -> bool:
        """Whether both have files to compare."""
        return self.before.kind == self.after.kind == Kind.IMAGE

    @property
    def sources(self) -> tuple[Source, Source]:
        return (
            Source(self.sessions[0], self.before.reference, layers_of(self.before), self.before.diff_ids),
            Source(self.sessions[1], self.after.reference, layers_of(self.after), self.after.diff_ids),
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """All that needs no layer."""

    facts: list[Fact]
    history: list[Instruction]
    layers: Layers


Part = Pair | Facts | Progress | Files | Packages


async def find_pair(before: tuple[Session, Reference], after: tuple[Session, Reference], platform: str = "") -> Pair:
    """What two references point to, indexes gone into.

    Of two indexes it is the image for `platform`, or else this machine's where both have it, or the first one that both
    have; beside an image it is the one for that image's platform. Raises `RegtuiError` when there is no such platform,
    and what reading a manifest does.
    """
    sessions = before[0], after[0]
    old, new = await inspect(*before), await inspect(*after)
    if old.document.digest == new.document.digest:
        return Pair(sessions, old, new)
    has, other = _platforms(old), _platforms(new)
    both = old, new
    chosen = platform or _choose(old, new, before[0].settings.platform)
    if chosen and (has is not None or platform):
        old = await inspect(before[0], old.reference, chosen)
    if chosen and (other is not None or platform):
        new = await inspect(after[0], new.reference, chosen)
    if has is None or other is None:
        return Pair(sessions, old, new, chosen)
    only_before, only_after = (tuple(name for name in a if name not in b) for a, b in ((has, other), (other, has)))
    return Pair(sessions, old, new, chosen, only_before, only_after, both)


def _platforms(inspected: Inspected) -> list[str] | None:
    """Those of an index; None of all else."""
    content = inspected.document.content
    if not isinstance(content, Index):
        return None
    return list(dict.fromkeys(str(child.platform) for child in content.images if child.platform))


def _choose(before: Inspected, after: Inspected, usual: str) -> str:
    has, other = _platforms(before), _platforms(after)
    if has is None or other is None:  # an image says its platform, an index is searched for it
        image = before if has is None else after
        config = image.config if (has is None) != (other is None) else None
        return str(config.platform) if config and config.platform.architecture else ""
    contents = [one.document.content for one in (before, after)]
    children = [child for index in contents if isinstance(index, Index) for child in index.images]
    shared = [name for name in has if name in other]
    fitting = {str(child.platform) for child in children if child.platform and matches(child.platform, usual)}
    if has and other and not shared:
        raise RegtuiError(
            f"{before.reference} and {after.reference} have no platform in common",
            f"The first has {', '.join(has)}; the second {', '.join(other)}.",
        )
    return next((name for name in shared if name in fitting), shared[0] if shared else "")


async def compare(
    before: tuple[Session, Reference],
    after: tuple[Session, Reference],
    platform: str = "",
    *,
    with_files: bool = True,
    content: bool = False,
    times: bool = False,
) -> AsyncGenerator[Part, None]:
    """The parts as they come: a `Pair`, and unless that is one and the same, `Facts`, then of two images their
    `Files` and `Packages`, with `Progress` before each.

    `with_files`, `content` and `times` as in `compare_files`. Raises what `find_pair` and reading layers do.
    """
    pair = await find_pair(before, after, platform)
    yield pair
    if pair.is_same:
        return
    yield compare_facts(pair)
    if with_files and pair.are_images:
        async with aclosing(compare_layers(pair, content=content, times=times)) as parts:
            async for part in parts:
                yield part


def compare_facts(pair: Pair) -> Facts:
    rows = facts(pair.before, pair.after)
    if pair.indexes:
        of_indexes = facts(*pair.indexes)
        rows += [replace(row, section="Index annotations") for row in of_indexes if row.section == "Annotations"]
        rows += [row for row in of_indexes if row.section == "Platforms"]
    return Facts(rows, history(pair.before.steps, pair.after.steps), layers(pair.before, pair.after))


async def compare_layers(
    pair: Pair, *, content: bool = False, times: bool = False
) -> AsyncGenerator[Progress | Files | Packages, None]:
    """What reading layers tells of two images: `Files`, then `Packages`."""
    found: Files | None = None
    async with aclosing(compare_files(*pair.sources, content=content, times=times)) as events:
        async for event in events:
            if isinstance(event, Files):
                found = event
            yield event
    if found is not None:
        async with aclosing(compare_packages(*pair.sources, found)) as parts:
            async for part in parts:
                yield part
