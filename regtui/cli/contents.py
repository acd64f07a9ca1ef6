"""`regtui cat` and `regtui extract`: files of an image, to standard output or to a folder."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import IO

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_session
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress
from regtui.errors import UsageError
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations import contents, extracting, opening
from regtui.operations.image_files import MergedTree, find_layers, image_files
from regtui.operations.session import Session
from regtui.text import shown

_LINE = 64 * 1024
"""Bytes of a line that are shown on a terminal at once."""
_SAID = 20
"""Paths that were left out and are named one by one."""


_LAYER = click.option("--layer", type=click.IntRange(0), metavar="N", help="Of this layer alone; the lowest is 0.")


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@_LAYER
@with_flags
def cat(reference: str, paths: tuple[str, ...], layer: int | None) -> int:
    """Write the content of files of the image REF to standard output, one after the other, each once it is whole.

    Links are followed within the image, or within the layer. On a terminal, characters that control it are written out.
    """
    wanted = manifest_of(reference)

    async def work(session: Session, run: Run) -> int:
        progress = Progress(run.quiet)
        try:
            image, layers, tree = await _read_tree(session, wanted, run, progress, layer)
            nodes = [contents.find_file(tree, image, path, layer) for path in paths]
            for node in nodes:
                with tempfile.SpooledTemporaryFile(contents.IN_MEMORY) as file:
                    await _said(contents.copy_file(session, image, layers, node, file), progress)
                    progress.clear()
                    file.seek(0)
                    _write_out(file)
        finally:
            progress.clear()
        return 0

    return with_session(wanted.registry, work)


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("-o", "--output", "folder", metavar="DIR", required=True, help="Where they go; made if it isn't there.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
@_LAYER
@with_flags
def extract(reference: str, paths: tuple[str, ...], folder: str, force: bool, layer: int | None) -> int:
    """Write files and whole folders of the image REF below DIR, under their paths in the image; / is all of it.

    Either all comes, or nothing. Modes and times are kept, owners, setuid and setgid aren't. Absolute links become
    relative ones. Devices, and links that could lead outside of DIR, are left out.
    """
    wanted = manifest_of(reference)

    async def work(session: Session, run: Run) -> int:
        progress, code, left_out = Progress(run.quiet), FAILED, 0
        try:
            image, layers, tree = await _read_tree(session, wanted, run, progress, layer)
            async with aclosing(
                extracting.extract(session, image, layers, tree, paths, Path(folder), force=force, layer=layer)
            ) as events:
                async for event in events:
                    if isinstance(event, extracting.Progress):
                        _say_progress(progress, event)
                        continue
                    progress.clear()
                    if isinstance(event, extracting.Extracted):
                        code = 0
                        if not run.quiet:
                            click.echo(_summary(event, folder))
                    else:
                        left_out += 1
                        if left_out <= _SAID:
                            say(f"Left out: {event.path} {event.why}")
        finally:
            progress.clear()
        if left_out > _SAID:
            say(f"Left out: {left_out - _SAID:,} more")
        return code

    return with_session(wanted.registry, work)


async def _read_tree(
    session: Session, wanted: Reference, run: Run, progress: Progress, layer: int | None
) -> tuple[Reference, list[Descriptor], MergedTree]:
    chosen = run.settings.named_platform
    found, layers = await find_layers(session, wanted, chosen)
    if layer is not None and layer >= len(layers):
        raise UsageError(f"{found.reference} has no layer {layer}", f"It has {len(layers):,}, numbered from 0.")
    tree = MergedTree()
    if layer is None:
        await _said(image_files(session, found.reference.repository, layers, tree, diff_ids=found.diff_ids), progress)
    else:
        await _said(opening.read_layer(session, found.reference.repository, layers[layer], layer, tree), progress)
    return found.reference, layers, tree


async def _said(events: AsyncGenerator[contents.Progress, None], progress: Progress) -> None:
    async with aclosing(events):
        async for event in events:
            _say_progress(progress, event)


def _say_progress(progress: Progress, event: contents.Progress) -> None:
    progress(words.so_far(event.bytes_read, event.bytes_total))


def _write_out(file: IO[bytes]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.flush()
        shutil.copyfileobj(file, sys.stdout.buffer)
        return
    while line := file.readline(_LINE):  # a stranger's escape sequences would be the terminal's orders
        text = line.removesuffix(b"\n").decode("utf-8", "surrogateescape").expandtabs()
        click.echo(shown(text, len(text)), nl=line.endswith(b"\n"))


def _summary(done: extracting.Extracted, folder: str) -> str:
    files = words.count(done.files, "file")
    turned = f"; {done.turned:,} absolute {'link leads' if done.turned == 1 else 'links lead'} inside of it now"
    return f"Wrote {files}, {words.size(done.size)}, to {shown(folder)}{turned if done.turned else ''}"
