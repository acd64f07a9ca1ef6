"""The files of an image: its layers read one after the other and laid over each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from regtui.errors import RegtuiError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedNode, MergedTree, Waste
from regtui.layers.whiteouts import removed_by
from regtui.oci.manifest import Descriptor, Index, Manifest
from regtui.oci.reference import Reference
from regtui.operations.files import Done, Entries, Progress, layer_files
from regtui.operations.inspect import Inspected, inspect
from regtui.operations.session import Session

__all__ = ["LayersProgress", "MergedNode", "MergedTree", "Waste", "find_layers", "image_files", "removed_by"]


@dataclass(frozen=True, slots=True)
class LayersProgress(Progress):
    """How far all layers are read together; one that costs no download doesn't count."""

    layer: int  # that is read now, from 0
    layers: int


async def find_layers(session: Session, reference: Reference, platform: str = "") -> tuple[Inspected, list[Descriptor]]:
    """The image that a reference means, and its layers, the lowest first.

    Of an index it is the image for `platform`; unless that is named, the only one there is, or this machine's. Raises
    `RegtuiError` when there is no such platform or it is no image, and what reading a manifest does.
    """
    found = await inspect(session, reference, platform)
    if isinstance(found.document.content, Index):
        found = await inspect(session, found.reference, platform_in(found.document.content, session))
    content = found.document.content
    if not isinstance(content, Manifest):
        raise RegtuiError(f"{found.reference} is no image that has layers")
    return found, list(content.layers or ())


def platform_in(index: Index, session: Session) -> str:
    """The platform that is meant when none is named: the only one there is, or this machine's."""
    platforms = {str(child.platform) for child in index.images if child.platform}
    return platforms.pop() if len(platforms) == 1 else session.settings.platform


async def image_files(
    session: Session,
    repository: str,
    layers: Sequence[Descriptor],
    tree: MergedTree,
    limits: Limits = LIMITS,
    *,
    diff_ids: Sequence[str] = (),
) -> AsyncGenerator[LayersProgress, None]:
    """Reads layers, the lowest first, into `tree`: all of an image's, or those up to one. Close it to stop early.

    Layers that are read to their end are held to `diff_ids`, where these are given: one a layer. The progress is that
    of all of them. `limits` hold for each layer, and for all together. Raises what `layer_files`
    does, with the layer's number; `tree` then holds what was read.
    """
    total, before, unpacked, names = sum(layer.size for layer in layers), 0, 0, 0
    for number, layer in enumerate(layers):
        is_downloaded = False
        try:
            diff_id = diff_ids[number] if diff_ids else ""
            async with aclosing(layer_files(session, repository, layer, limits, diff_id=diff_id)) as events:
                async for event in events:
                    if isinstance(event, Entries):
                        names += sum(entry.names for entry in event.entries)
                        await asyncio.to_thread(tree.add_layer, number, event.entries)
                    elif isinstance(event, Done):
                        unpacked += event.unpacked or 0
                    else:
                        is_downloaded = True
                        yield LayersProgress(before + event.bytes_read, total, tree.entries, number, len(layers))
                    _check(limits, tree.entries, names, unpacked)
        except RegtuiError as error:
            error.what = f"Layer {number}: {error.what}"  # as all else numbers them, from 0
            raise
        if is_downloaded:
            before += layer.size
        else:
            total -= layer.size


def _check(limits: Limits, entries: int, names: int, unpacked: int) -> None:
    for count, most, what in (
        (entries, limits.entries, "entries"),
        (names, limits.names, "bytes of names"),
        (unpacked, limits.unpacked, "bytes unpacked"),
    ):
        if count > most:
            raise TooLarge(f"The image has more than {most:,} {what}; regtui reads no further")
