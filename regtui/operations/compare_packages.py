"""The packages of two images: which came, which went, and which are newer or older."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from regtui.operations.compare_files import Files, Source
from regtui.operations.packages import Package, Progress, packages_of

__all__ = ["PackageChange", "Packages", "compare_packages", "direction", "package_changes"]

Direction = Literal["added", "removed", "up", "down", "changed"]

_LONG = 100
"""Characters of a version that has no order any more: the time for it grows with the square of its length."""


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that differs. It is "changed" where its versions have no order, or several of them do."""

    change: Direction
    kind: str
    name: str
    before: tuple[str, ...]  # versions, the same one only once; none of what was added
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Packages:
    """What differs, by kind and name."""

    changes: list[PackageChange]
    before: int  # packages in all
    after: int
    notes: tuple[str, ...] = ()  # sentences without a full stop: what isn't compared, and why

    @property
    def summary(self) -> str:
        """How many of each kind of change: "3 up, 1 down, 2 added"."""
        numbers = Counter(change.change for change in self.changes)
        order: tuple[Direction, ...] = ("up", "down", "changed", "added", "removed")
        return ", ".join(f"{numbers[one]:,} {one}" for one in order if numbers[one]) or "no difference"


async def compare_packages(before: Source, after: Source, files: Files) -> AsyncGenerator[Progress | Packages, None]:
    """How far reading is, and at the end the `Packages`. Raises what `packages_of` does."""
    found: list[list[Package]] = [[], []]
    notes: list[str] = []
    sides = zip("AB", found, (before, after), (files.before, files.after), strict=True)
    for name, packages, source, tree in sides:
        reading = packages_of(source.session, source.reference.repository, source.layers, tree)
        async with aclosing(reading) as events:
            async for event in events:
                if isinstance(event, Progress):
                    yield event
                elif isinstance(event, list):
                    packages += [package for package in event if package.is_there]
                else:
                    notes += [f"In {name}: {note}" for note in event.notes]
    changes = await asyncio.to_thread(package_changes, *found)
    yield Packages(changes, len(found[0]), len(found[1]), tuple(notes))


def package_changes(before: Iterable[Package], after: Iterable[Package]) -> list[PackageChange]:
    """What differs, by kind and name. A version that both have is left out where a package has several."""
    old, new = _versions(before), _versions(after)
    changes = []
    for kind, name in sorted({**old, **new}):
        had, has = old.get((kind, name), {}), new.get((kind, name), {})
        gone, come = (tuple(v for v in one if v not in other) for one, other in ((had, has), (has, had)))
        if not gone and not come:
            continue
        change: Direction = "changed"
        if not gone:
            change = "added"
        elif not come:
            change = "removed"
        elif len(gone) == len(come) == 1:
            change = direction(kind, gone[0], come[0])
        changes.append(PackageChange(change, kind, name, gone, come))
    return changes


def _versions(packages: Iterable[Package]) -> dict[tuple[str, str], dict[str, None]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for package in packages:
        found.setdefault((package.kind, package.name), {})[package.version] = None
    return found


def direction(kind: str, before: str, after: str) -> Literal["up", "down", "changed"]:
    """Whether the version went up or down, as the kind's own tools order versions; "changed" where it has no order."""
    from univers import versions

    orders: dict[str, Callable[[str], Any]] = {
        "deb": versions.DebianVersion,
        "apk": versions.AlpineLinuxVersion,
        "python": versions.PypiVersion,
        "npm": versions.SemverVersion,
        "rpm": versions.RpmVersion,
        "go": versions.GolangVersion,
    }
    if len(before) <= _LONG and len(after) <= _LONG and (order := orders.get(kind)):
        try:
            old, new = order(before), order(after)
            return "up" if old < new else "down" if old > new else "changed"
        except Exception:  # a stranger's version is of any form, and the library raises whatever it stumbles over
            return "changed"
    return "changed"
