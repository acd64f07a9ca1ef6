"""The order of files, and the largest of them, found in steps: a folder may hold hundreds of thousands."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from regtui.tui.widgets.files.marks import AnyNode

_RUN = 2048
"""Nodes that are sorted in one step."""
_STEP = 512
_LARGEST = 100


class By(StrEnum):
    """What files are sorted by."""

    NAME = "name"
    SIZE = "size"  # the largest first


class Order(NamedTuple):
    """How the files of a folder stand."""

    by: By = By.NAME
    reverse: bool = False

    @property
    def title(self) -> str:
        """As the pane's title says it; empty for the usual."""
        if self.by is By.SIZE:
            return "smallest first" if self.reverse else "largest first"
        return "by name, reversed" if self.reverse else ""

    @property
    def next(self) -> Order:
        return Order(By.SIZE if self.by is By.NAME else By.NAME)

    def key(self, node: AnyNode) -> tuple[int, str]:
        return (-node.size if self.by is By.SIZE else 0, node.name)

    def sorted(self, nodes: list[AnyNode]) -> Generator[None, None, list[AnyNode]]:
        """In this order; in steps."""
        if len(nodes) <= _RUN:
            yield
            return sorted(nodes, key=self.key, reverse=self.reverse)
        runs = []
        for start in range(0, len(nodes), _RUN):
            runs.append(sorted(nodes[start : start + _RUN], key=self.key, reverse=self.reverse))
            yield
        merged: list[AnyNode] = []
        for node in heapq.merge(*runs, key=self.key, reverse=self.reverse):
            merged.append(node)
            if not len(merged) % _STEP:
                yield
        return merged


def everything(root: AnyNode) -> Iterator[AnyNode]:
    """All below a node, in no order that counts."""
    waiting = [root]
    while waiting:
        children: list[AnyNode] = list((waiting.pop().children or {}).values())
        waiting += [child for child in children if child.children]
        yield from children


def largest(nodes: Iterable[AnyNode], into: list[AnyNode]) -> Iterator[None]:
    """The largest files of them, the very largest first, in steps."""
    heap: list[tuple[int, int, AnyNode]] = []
    for count, node in enumerate(nodes):
        if node.entry is not None and node.entry.type == "file":
            candidate = (node.size, -count, node)
            if len(heap) < _LARGEST:
                heapq.heappush(heap, candidate)
            elif candidate > heap[0]:
                heapq.heapreplace(heap, candidate)
        if not count % _STEP:
            yield
    into.extend(node for _, _, node in sorted(heap, reverse=True))
