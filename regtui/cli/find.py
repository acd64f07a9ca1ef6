"""`regtui find`: where a path is, in all layers of an image or of all images of a repository."""

from __future__ import annotations

from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import with_session
from regtui.cli.entries import entry_cells, entry_name, facts_as_json
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, Table, json_text, print_json
from regtui.errors import UsageError
from regtui.oci.digest import short
from regtui.operations import find as finding
from regtui.operations.archives import only_repository
from regtui.operations.find import Event, Failed, Found, PathFilter, Plan, Reading
from regtui.operations.naming import resolve
from regtui.operations.session import Session


@click.command()
@click.argument("reference", metavar="REF|REPOSITORY")
@click.argument("pattern", metavar="GLOB", nargs=-1, required=True)
@click.option("--cached", is_flag=True, help="Only layers whose files are known on this machine: none is read.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line: path, type, size_bytes, mode, uid, gid, mtime, link; layer, layer_digest, state, by, "
    "images.",
)
@with_flags
def find(reference: str, pattern: tuple[str, ...], cached: bool, as_json: bool) -> int:
    """Find paths in all layers of the image REF, or of the images that all tags of a REPOSITORY lead to.

    \b
    GLOB is      looked for in
    *.conf       names
    /etc/*.conf  whole paths; * stands for slashes too
    words        paths that hold each of them
    re:EXPR      paths, by a regular expression

    Case never counts. Of each path it says whether it is in the image or which layer above takes it away. Of an index
    it is the image for --platform. Exit code: 0 when something was found and everything was read, 1 when nothing was
    found or something couldn't be read.
    """
    where, wanted = only_repository(resolve(reference)), PathFilter(" ".join(pattern))
    if not where.repository:
        raise UsageError(f"{where} is a registry", f"Name a repository in it: regtui find {where}/REPOSITORY GLOB")
    if not wanted:
        raise UsageError("The pattern is empty", "To list all files: regtui files REF")

    async def work(session: Session, run: Run) -> int:
        platform = run.settings.named_platform
        output = _Output(is_image=bool(where.version), quiet=run.quiet, as_json=as_json, reads=not cached)
        search = finding.find(session, where, wanted, platform, known_only=cached)
        try:
            async with aclosing(search) as events:
                async for event in events:
                    output.take(event)
        finally:
            output.close()
        output.end()
        return output.code

    return with_session(where.registry, work)


class _Output:
    """Rows on standard output as they are found; what there is to read, and what can't be, on standard error."""

    def __init__(self, *, is_image: bool, quiet: bool, as_json: bool, reads: bool) -> None:
        self._is_image = is_image
        self._quiet = quiet
        self._as_json = as_json
        self._reads = reads
        self._progress = Progress(quiet)
        titles = ("LAYER", "MODE", "SIZE", "STATE", "PATH")
        self._table = Table(*(titles if is_image else ("IMAGE", *titles)), right=("LAYER", "SIZE"))
        self._found = 0
        self._images = 0
        self._failures: list[Failed] = []

    @property
    def code(self) -> int:
        return FAILED if self._failures or not self._found else 0

    def take(self, event: Event) -> None:
        if isinstance(event, Found):
            self._found += 1
            self._progress.clear()
            self._row(event)
        elif isinstance(event, Failed):
            self._failures.append(event)
        elif isinstance(event, Plan):
            self._images = event.images
            self._progress.clear()
            if not self._quiet:
                say(event.text if self._reads else f"{event.text}, which is left out")
        elif isinstance(event, Reading):
            self._progress(f"{event.tags:,} of {event.total:,} tags")
        else:
            done = f"{event.layers:,} of {event.layers_total:,} layers"
            bytes_read = words.so_far(event.bytes_read, event.bytes_total)
            self._progress(f"{done}, {bytes_read}, {self._found:,} found")

    def close(self) -> None:
        """Writes what still waits, and what couldn't be read."""
        self._progress.clear()
        if not self._as_json and self._found:
            self._table.close()
        for failed in self._failures:
            say(failed.text)

    def end(self) -> None:
        """Says that nothing was found: silence could be taken for anything."""
        if not self._found and not self._quiet:
            say("Nothing was found." if self._images else "It has no images. To look into an artifact, name its tag.")

    def _row(self, found: Found) -> None:
        if self._as_json:
            print_json(_as_json(found))
            return
        mode, _, size, _ = entry_cells(found.entry)
        row = (str(found.number), mode, size, found.state_text, entry_name(found.path, found.entry))
        self._table.row(*(row if self._is_image else (_images(found), *row)))


def _images(found: Found) -> str:
    """The first tag, and how many other images there are."""
    first, others = found.images[0], len(found.images) - 1
    name = first.tags[0] if first.tags else short(first.reference.digest or "")
    return f"{name} and {others:,} more" if others else name


def _as_json(found: Found) -> dict[str, object]:
    return {
        **json_text("path", found.path),
        **facts_as_json(found.entry),
        "layer": found.number,
        "layer_digest": found.layer.digest,
        "state": found.state,
        "by": found.by,
        "images": [
            {"reference": str(image.reference), "digest": image.reference.digest, "tags": image.tags}
            for image in found.images
        ],
    }
