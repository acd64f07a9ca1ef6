"""`regtui pull` and `regtui push`: between a registry and a layout or an archive on this machine."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_session, with_sessions
from regtui.cli.copying import run_copy
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, can_ask, print_json
from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.oci.transports import OCI, is_local, own_repository, path_of
from regtui.operations.naming import completed, resolve
from regtui.operations.session import Session
from regtui.text import shown


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("target", metavar="oci:DIR[:TAG]|docker-archive:FILE")
@click.option("--referrers", is_flag=True, help="Bring signatures, SBOMs and attestations along (oci: only).")
@click.option("--force", is_flag=True, help="Move the layout's TAG when it exists, or replace FILE.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what was written.")
@with_flags
def pull(reference: str, target: str, referrers: bool, force: bool, as_json: bool) -> int:
    """Write REF to an OCI layout, whole or with --platform one image of it, or to a file that docker load reads.

    A layout in a new folder is made; in one that is there, REF comes to what it holds. A file has one image: that for
    --platform, or for this machine.
    """
    source = manifest_of(reference)
    to = _files(target)
    if to.registry.startswith(OCI):
        return _pull_layout(source, to, referrers=referrers, force=force, as_json=as_json)
    if referrers:
        raise UsageError("An archive of docker has no room for referrers", "Pull to oci:DIR.")
    return _pull_archive(source, to, force=force, as_json=as_json)


@click.command()
@click.argument("source", metavar="oci:DIR[:TAG]|docker-archive:FILE[:NAME:TAG]")
@click.argument("target", metavar="REF")
@click.option("--referrers", is_flag=True, help="Bring signatures, SBOMs and attestations along.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask. Needed without a terminal.")
@click.option("--force", is_flag=True, help="Move REF when it exists.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the plan and what came of it.")
@with_flags
def push(source: str, target: str, referrers: bool, dry_run: bool, yes: bool, force: bool, as_json: bool) -> int:
    """Push an image, or a whole index, of a layout or an archive to the tag REF of a registry.

    The layers of an archive are compressed on the way.
    """
    _files(source)
    reference = manifest_of(source)
    to = completed(resolve(target), reference)
    if not dry_run and not yes and not can_ask():
        raise UsageError("There is no terminal to ask on", "Add --yes to go on without a question, or --dry-run.")

    async def work(sessions: list[Session], run: Run) -> int:
        from regtui.operations.archive_packing import ready_to_push  # not for --help and completion
        from regtui.operations.transfer import plan_copy

        progress = Progress(run.quiet)
        async with ready_to_push(
            sessions[-1], reference, lambda at: progress(f"{at.text}: {words.so_far(at.done, at.size)}")
        ) as (session, packed):
            progress.clear()
            plan = await plan_copy(
                session, packed, sessions[0], to, platform=run.settings.named_platform, referrers=referrers
            )
            plan = replace(plan, source_reference=reference, title=f"Push {reference} to {to}", action="Push")
            return await run_copy(sessions[0], plan, run, dry_run=dry_run, yes=yes, force=force, as_json=as_json)

    # the login and the flags of the connection are the registry's
    return with_sessions([to.registry, reference.registry], work)


def _files(text: str) -> Reference:
    reference = resolve(text)
    if not is_local(reference.registry):
        raise UsageError(
            f"{shown(text, 200)} is neither a layout nor an archive", "Write oci:DIR[:TAG] or docker-archive:FILE."
        )
    if reference.digest:
        raise UsageError(f"{reference} has a digest, where a tag is meant", "Leave it out.")
    return reference


def _pull_layout(source: Reference, to: Reference, *, referrers: bool, force: bool, as_json: bool) -> int:
    repository = to.repository or own_repository(to.registry)
    tag = to.tag or source.tag
    if not tag:
        raise UsageError(f"{to} names no tag, and {source} has none to take over", f"Write {to}:TAG.")
    target = replace(to, repository=repository, tag=tag)

    async def work(sessions: list[Session], run: Run) -> int:
        from regtui.operations.transfer import plan_copy  # not for --help and completion

        progress = Progress(run.quiet)
        plan = await plan_copy(
            sessions[0],
            source,
            sessions[-1],
            target,
            platform=run.settings.named_platform,
            referrers=referrers,
            progress=lambda done, total: progress(f"looked for {done:,} of {total:,} blobs"),
        )
        progress.clear()
        plan = replace(plan, title=f"Pull {source} to {target}", action="Pull")
        return await run_copy(sessions[-1], plan, run, dry_run=False, yes=True, force=force, as_json=as_json)

    return with_sessions([source.registry], work, pulled_to=to.registry)


def _pull_archive(source: Reference, to: Reference, *, force: bool, as_json: bool) -> int:
    file = Path(path_of(to.registry))
    if to.repository and not to.tag:
        to = replace(to, tag="latest")

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.archive_writing import write_archive  # not for --help and completion

        progress = Progress(run.quiet)
        names = [f"{to.repository}:{to.tag}"] if to.tag else []
        writing = write_archive(session, source, file, platform=run.settings.named_platform, names=names, force=force)
        async with aclosing(writing) as events:
            async for at in events:
                progress(f"{at.text}: {words.so_far(at.done, at.size)}")
        progress.clear()
        size = (await asyncio.to_thread(file.stat)).st_size
        if as_json:
            print_json({"reference": str(source), "file": str(file), "size_bytes": size})
        else:
            click.echo(f"{shown(str(file))}: {words.size(size)}")
        return 0

    return with_session(source.registry, work)
