"""`regtui packages`: what is installed in an image, line by line or as a bill of materials."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_session
from regtui.cli.failures import say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, Table, json_text, print_json
from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.operations.image_files import MergedTree, find_layers, image_files
from regtui.operations.packages import KINDS, Done, Package, Release, packages_of
from regtui.operations.session import Session


@click.command()
@click.argument("reference", metavar="REF")
@click.option("--kind", "kinds", type=click.Choice(list(KINDS)), multiple=True, help="Only these; may be repeated.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line: kind, name, package_version, architecture, source, state, size_bytes, path, layer.",
)
@click.option("--cyclonedx", is_flag=True, help="One CycloneDX 1.6 document, as JSON.")
@with_flags
def packages(reference: str, kinds: Sequence[str], as_json: bool, cyclonedx: bool) -> int:
    """List what is installed in the image REF, as the databases of dpkg, apk, Python and npm in it tell.

    Of an index it is the image for --platform: the only one there is, or this machine's.
    """
    wanted = manifest_of(reference)
    if as_json and cyclonedx:
        raise UsageError("--json and --cyclonedx exclude each other", "A CycloneDX document is JSON already.")

    async def work(session: Session, run: Run) -> int:
        image, found, done = await _read(session, wanted, run)
        found = sorted(
            (each for each in found if not kinds or each.kind in kinds),
            key=lambda each: (list(KINDS).index(each.kind), each.name, each.version, each.architecture, each.path),
        )
        if cyclonedx:
            from regtui.reports.cyclonedx import bill_of_materials  # its library takes half a second to import

            click.echo(bill_of_materials(image, found, done.release))
        else:
            _list(found, as_json)
        if not found:
            say(f"{wanted} has no packages{_named(kinds)}")
        for note in done.notes:
            say(note)
        return 0

    return with_session(wanted.registry, work)


async def _read(session: Session, wanted: Reference, run: Run) -> tuple[Reference, list[Package], Done]:
    chosen = run.settings.named_platform
    inspected, layers = await find_layers(session, wanted, chosen)
    image, tree, progress = inspected.reference, MergedTree(), Progress(run.quiet)
    found: list[Package] = []
    done = Done(Release(), ())
    try:
        async with aclosing(
            image_files(session, image.repository, layers, tree, diff_ids=inspected.diff_ids)
        ) as reading:
            async for step in reading:
                progress(words.so_far(step.bytes_read, step.bytes_total))
        async with aclosing(packages_of(session, image.repository, layers, tree)) as events:
            async for event in events:
                if isinstance(event, list):
                    found += event
                elif isinstance(event, Done):
                    done = event
                else:
                    progress(f"{len(found):,} packages")
    finally:
        progress.clear()
    return image, found, done


def _list(found: Sequence[Package], as_json: bool) -> None:
    table = Table("NAME", "VERSION", "ARCH", "KIND", "SOURCE")
    for package in found:
        if as_json:
            print_json(_as_json(package))
        else:
            state = f" ({package.state})" if package.state else ""
            version, architecture = f"{package.version}{state}", package.architecture or "-"
            table.row(package.name, version, architecture, package.kind, package.source or "-")
    if found and not as_json:
        table.close()


def _named(kinds: Sequence[str]) -> str:
    """What was looked for."""
    return f" of this kind: {' or '.join(kinds)}" if kinds else " of the kinds that regtui reads: " + ", ".join(KINDS)


def _as_json(package: Package) -> dict[str, object]:
    return {
        "kind": package.kind,
        "name": package.name,
        "package_version": package.version,
        "architecture": package.architecture or None,
        "source": package.source or None,
        "state": package.state or "installed",
        "size_bytes": package.size,
        **json_text("path", package.path),
        "layer": package.layer,
    }
