"""`regtui files`: what is inside of an image, or of one of its layers, line by line as `ls -l` has it."""

from __future__ import annotations

from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_session
from regtui.cli.entries import entry_cells, entry_name, facts_as_json
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, Table, json_text, print_json
from regtui.errors import RegtuiError, UsageError
from regtui.oci.manifest import Descriptor
from regtui.operations.files import Entries, Entry, layer_files
from regtui.operations.image_files import MergedNode, MergedTree, find_layers, image_files, removed_by
from regtui.operations.inspect import Inspected
from regtui.operations.session import Session


@click.command()
@click.argument("reference", metavar="REF")
@click.option("--layer", type=click.IntRange(0), metavar="N", help="What is in this layer alone; the lowest is 0.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line: path, type, size_bytes, mode, uid, gid, mtime, link; of the image layer and change.",
)
@click.option("--waste", is_flag=True, help="The paths that cost bytes twice, or for nothing; the worst first.")
@with_flags
def files(reference: str, layer: int | None, as_json: bool, waste: bool) -> int:
    """List the files of the image REF by name, or those of one layer in its archive's order, with what it removes.

    Of an index it is the image for --platform: the only one there is, or this machine's.
    """
    wanted = manifest_of(reference)
    if waste and layer is not None:
        raise UsageError("--waste compares the layers of an image; --layer names one", "Leave one of them out.")

    async def work(session: Session, run: Run) -> int:
        chosen = run.settings.named_platform
        found, layers = await find_layers(session, wanted, chosen)
        if layer is None:
            tree = MergedTree()
            try:
                await _read_image(session, found, layers, tree, run.quiet)
            except RegtuiError:
                if tree.entries and not waste:  # what was read stays
                    _list_image(tree, as_json)
                raise
            (_list_waste if waste else _list_image)(tree, as_json)
        elif layer < len(layers):
            await _list_layer(session, found, layers, layer, as_json)
        else:
            raise UsageError(f"{found.reference} has no layer {layer}", f"It has {len(layers):,}, numbered from 0.")
        return 0

    return with_session(wanted.registry, work)


async def _read_image(
    session: Session, found: Inspected, layers: list[Descriptor], tree: MergedTree, quiet: bool
) -> None:
    progress = Progress(quiet)
    try:
        async with aclosing(
            image_files(session, found.reference.repository, layers, tree, diff_ids=found.diff_ids)
        ) as events:
            async for event in events:
                progress(f"{words.so_far(event.bytes_read, event.bytes_total)}, {event.entries:,} entries")
    finally:
        progress.clear()


def _list_image(tree: MergedTree, as_json: bool) -> None:
    table = Table("MODE", "OWNER", "SIZE", "CHANGED", "LAYER", "PATH", right=("SIZE", "LAYER"))
    for node in tree.root.walk():
        if as_json:
            print_json(_node_as_json(node))
        else:
            table.row(*entry_cells(node.entry), str(node.layer), entry_name(node.path, node.entry))
    if not as_json:
        table.close()


def _list_waste(tree: MergedTree, as_json: bool) -> None:
    """The paths, then what they come to; the JSON of that has no path."""
    wastes, efficiency = tree.waste(), tree.efficiency()
    wasted = sum(waste.wasted for waste in wastes)
    if as_json:
        for waste in wastes:
            counts = {"wasted_bytes": waste.wasted, "size_bytes": waste.size, "layers": waste.layers}
            print_json({**json_text("path", waste.path), **counts})
        print_json({"wasted_bytes": wasted, "paths": len(wastes), "efficiency": round(efficiency, 4)})
        return
    table = Table("WASTED", "SIZE", "LAYERS", "PATH", right=("WASTED", "SIZE", "LAYERS"))
    for waste in wastes:
        table.row(f"{waste.wasted:,}", f"{waste.size:,}", str(waste.layers), waste.path)
    table.close()
    paths = words.count(len(wastes), "path")
    click.echo(f"{words.size(wasted)} wasted in {paths}; the image is {efficiency:.1%} efficient")


async def _list_layer(session: Session, found: Inspected, layers: list[Descriptor], number: int, as_json: bool) -> None:
    table = Table("MODE", "OWNER", "SIZE", "CHANGED", "PATH", right=("SIZE",))
    try:
        diff_id = found.diff_ids[number] if found.diff_ids else ""
        listing = layer_files(session, found.reference.repository, layers[number], diff_id=diff_id)
        async with aclosing(listing) as events:
            async for event in events:
                for entry in event.entries if isinstance(event, Entries) else ():
                    if as_json:
                        print_json(_as_json(entry))
                    else:
                        table.row(*_row(entry))
    finally:
        if not as_json:
            table.close()


def _row(entry: Entry) -> tuple[str, ...]:
    removed = removed_by(entry.path)
    if removed is None:
        return (*entry_cells(entry), entry_name(entry.path, entry))
    path, is_opaque = removed
    return "emptied" if is_opaque else "removed", "-", "-", "-", path


def _as_json(entry: Entry) -> dict[str, object]:
    removed = removed_by(entry.path)
    if removed is None:
        return {**json_text("path", entry.path), **facts_as_json(entry)}
    path, is_opaque = removed
    return {**json_text("path", path), "type": "opaque" if is_opaque else "whiteout"}


def _node_as_json(node: MergedNode) -> dict[str, object]:
    facts = facts_as_json(node.entry) if node.entry else dict.fromkeys(("size_bytes", "mode", "uid", "gid", "mtime"))
    change = "changed" if node.replaced else "added"
    return {**json_text("path", node.path), "type": "dir", **facts, "layer": node.layer, "change": change}
