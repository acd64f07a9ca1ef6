"""Finding a path in all layers of an image, or of all images of a repository: each layer is read once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from regtui.errors import RegtuiError, TooLarge
from regtui.layers.findings import Findings, Loss
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import is_known
from regtui.operations.files import Entries, layer_files
from regtui.operations.files import Progress as LayerProgress
from regtui.operations.images import Image, Reading, Unread, image_of, images
from regtui.operations.session import Session
from regtui.patterns import PathFilter
from regtui.words import count, size

__all__ = ["Entry", "Event", "Failed", "Found", "Image", "PathFilter", "Plan", "Progress", "Reading", "State", "find"]

State = Literal["present", "removed", "overwritten", "unknown"]
"""What becomes of a path in the layers above: unknown where one of them couldn't be read, or wasn't to be."""

_STATES: Mapping[State, str] = {
    "present": "in the image",
    "removed": "removed by {}",
    "overwritten": "overwritten by {}",
    "unknown": "unknown, {} unread",
}
_HELD = 500_000
"""What was found and can't be said yet, because layers above it are still to be read: 200 MB or so."""

_Above = tuple[tuple[int, str], ...]
"""Layers of an image by number and digest, the lowest first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to be read. Nothing of a layer has been asked for yet: who wants no more closes the search."""

    images: int
    layers: int  # each counted once
    known: int  # of the layers: they cost no request
    to_read: int  # bytes of the other layers, as they come over the wire

    @property
    def text(self) -> str:
        """`12 images, 40 layers, 31 known, 812 MB to read`."""
        images, layers = count(self.images, "image"), count(self.layers, "layer")
        return f"{images}, {layers}, {self.known:,} known, {size(self.to_read)} to read"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is. What costs no request isn't counted in bytes."""

    layers: int  # read so far
    layers_total: int
    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Found:
    """A path of a layer, once for all images in which it stands in the same layer and has the same state."""

    path: str  # without a leading slash
    entry: Entry
    layer: Descriptor
    number: int  # of that layer, from 0
    state: State
    by: int | None  # the lowest layer above that takes it away, or isn't read
    images: tuple[Image, ...]

    @property
    def state_text(self) -> str:
        """As tables have it: `in the image`, `removed by 2`."""
        return _STATES[self.state].format(self.by)


@dataclass(frozen=True, slots=True)
class Failed:
    """A tag, or a layer of an image and of `others` more, that wasn't read, or not to its end. The search goes on."""

    reference: Reference
    layer: int | None
    others: int
    error: RegtuiError

    @property
    def text(self) -> str:
        """One sentence, with what can be done."""
        if self.layer is None:
            return str(self.error)
        more = f" and {count(self.others, 'more image')}" if self.others else ""
        image = self.reference.at(self.reference.tag) if self.reference.tag else self.reference
        return f"Layer {self.layer} of {image}{more}: {self.error}"


Event = Reading | Plan | Progress | Found | Failed


async def find(
    session: Session, reference: Reference, pattern: PathFilter, platform: str = "", *, known_only: bool = False
) -> AsyncGenerator[Event, None]:
    """Looks into the image that a tag or digest means, or into those that all tags of a repository lead to.

    What is known is answered first; then layers are read, unless `known_only`, those that lie on top first, so that
    what is found can be said at once. Close it to stop early. What a layer holds before it breaks off is found. Raises
    `RegtuiError` when there is nothing to look into, and `TooLarge` when too much is found.
    """
    if reference.version:
        wanted = [await image_of(session, reference, platform)]
    else:
        wanted = []
        async with aclosing(images(session, reference.repository, platform)) as reading:
            async for event in reading:
                if isinstance(event, list):
                    wanted = event
                elif isinstance(event, Unread):
                    yield Failed(event.reference, None, 0, event.error)
                else:
                    yield event
    search = _Search(session, reference.repository, wanted, pattern)
    known = [layer for layer in search.layers if await is_known(session, layer)]
    known_digests = {layer.digest for layer in known}
    others = [layer for layer in search.layers if layer.digest not in known_digests]
    yield Plan(len(wanted), len(search.layers), len(known), sum(layer.size for layer in others))
    search.to_read = 0 if known_only else sum(layer.size for layer in others)
    async with aclosing(search.read(known, costs=False)) as found:
        async for each in found:
            yield each
    for each in await search.rest():
        yield each
    if known_only:
        for layer in others:
            search.leave_out(layer)
    else:
        async with aclosing(search.read(others, costs=True)) as found:
            async for each in found:
                yield each
    for each in await search.rest():
        yield each


class _Search:
    """What was found is kept until all layers above it were read, in all images that have it."""

    def __init__(self, session: Session, repository: str, wanted: Sequence[Image], pattern: PathFilter) -> None:
        self.to_read = 0
        self._session = session
        self._repository = repository
        self._images = wanted
        self._pattern = pattern
        self._layers: dict[str, Descriptor] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}  # by digest, the images that have it, and as which layer
        heights: dict[str, int] = {}
        for index, image in enumerate(wanted):
            for number, layer in enumerate(image.layers):
                self._layers.setdefault(layer.digest, layer)
                self._places.setdefault(layer.digest, []).append((index, number))
                height = len(image.layers) - number
                heights[layer.digest] = max(height, heights.get(layer.digest, 0))
        self.layers = sorted(self._layers.values(), key=lambda layer: heights[layer.digest])
        """Each once, those on top first."""
        self._findings: dict[str, Findings] = {}
        self._unsure: set[str] = set()  # layers that were read in part, or not at all
        self._open = [len(image.layers) for image in wanted]  # of each image, the layers that aren't read from the top
        self._ready: dict[str, list[tuple[int, int]]] = {}  # places of which all is known
        self._bytes_read = 0
        self._done = 0

    async def read(
        self, layers: Sequence[Descriptor], *, costs: bool
    ) -> AsyncGenerator[Progress | Found | Failed, None]:
        for layer in layers:
            findings = Findings(self._pattern.keep)
            try:
                async with aclosing(layer_files(self._session, self._repository, layer)) as events:
                    async for event in events:
                        if isinstance(event, Entries):
                            await asyncio.to_thread(findings.add, event.entries)
                        elif isinstance(event, LayerProgress) and costs:
                            yield self._progress(event.bytes_read)
            except RegtuiError as error:
                self._unsure.add(layer.digest)
                yield self._failed(layer, error)
            self._bytes_read += layer.size if costs else 0
            self._done += 1
            yield self._progress(0)
            for digest in self._take(layer.digest, findings):
                if len(self._ready[digest]) == len(self._places[digest]):
                    for found in await self._tell(digest):
                        yield found
            self._check()

    def leave_out(self, layer: Descriptor) -> None:
        """A layer that isn't to be read."""
        self._unsure.add(layer.digest)
        self._take(layer.digest, Findings(self._pattern.keep))

    async def rest(self) -> list[Found]:
        """What can be said now, though more images may follow that have the same layers."""
        return [found for digest in list(self._ready) for found in await self._tell(digest)]

    def _progress(self, more: int) -> Progress:
        return Progress(self._done, len(self._layers), self._bytes_read + more, self.to_read)

    def _failed(self, layer: Descriptor, error: RegtuiError) -> Failed:
        places = self._places[layer.digest]
        index, number = places[0]
        return Failed(self._images[index].reference, number, len({image for image, _ in places}) - 1, error)

    def _check(self) -> None:
        if sum(len(findings.found) for findings in self._findings.values()) > _HELD:
            raise TooLarge(f"More than {_HELD:,} paths match {self._pattern.text!r}", "Name more of the path.")

    def _take(self, digest: str, findings: Findings) -> list[str]:
        """A layer is read. Returns the layers of which it can now be said what becomes of what they hold."""
        self._findings[digest] = findings
        news: dict[str, None] = {}
        for index in dict.fromkeys(index for index, _ in self._places[digest]):
            layers = self._images[index].layers
            while self._open[index] and layers[self._open[index] - 1].digest in self._findings:
                self._open[index] -= 1
                ready = layers[self._open[index]].digest
                self._ready.setdefault(ready, []).append((index, self._open[index]))
                news[ready] = None
        return list(news)

    async def _tell(self, digest: str) -> list[Found]:
        places = self._ready.pop(digest)
        findings = self._findings[digest]
        found = await asyncio.to_thread(self._states, digest, sorted(places)) if findings.found else []
        told = set(places)
        self._places[digest] = [place for place in self._places[digest] if place not in told]
        if not self._places[digest]:
            findings.found = {}  # what it takes away from others is still needed
        return found

    def _states(self, digest: str, places: Sequence[tuple[int, int]]) -> list[Found]:
        below = self._findings[digest]
        losses: dict[str, dict[str, Loss]] = {}
        alike: dict[tuple[int, _Above], list[int]] = {}
        for index, number in places:
            above = [(n, layer.digest) for n, layer in enumerate(self._images[index].layers) if n > number]
            for _, other in above:
                if other not in losses:
                    losses[other] = self._findings[other].losses(below)
            concerned = tuple(each for each in above if losses[each[1]] or each[1] in self._unsure)
            alike.setdefault((number, concerned), []).append(index)
        found = []
        for path, entry in below.found.items():
            states: dict[tuple[int, State, int | None], list[int]] = {}
            for (number, concerned), indices in alike.items():
                states.setdefault((number, *self._state(path, concerned, losses)), []).extend(indices)
            for (number, state, by), indices in states.items():
                those = tuple(self._images[index] for index in sorted(indices))
                found.append(Found(path, entry, self._layers[digest], number, state, by, those))
        return found

    def _state(self, path: str, above: _Above, losses: Mapping[str, Mapping[str, Loss]]) -> tuple[State, int | None]:
        for number, digest in above:
            if loss := losses[digest].get(path):
                return loss, number
        unsure = next((number for number, digest in above if digest in self._unsure), None)
        return ("present", None) if unsure is None else ("unknown", unsure)
