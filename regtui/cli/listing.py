"""`regtui ls` and `regtui tags`: what is in a registry and in a repository, line by line as it arrives."""

from __future__ import annotations

from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import repository_of, with_session
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Table, json_time, print_json
from regtui.errors import UsageError
from regtui.oci.reference import Reference, parse_reference
from regtui.operations import inventory
from regtui.operations.inventory import Failed, Read
from regtui.operations.session import Session
from regtui.text import shown


@click.command()
@click.argument("registry")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: repository, reference.")
@with_flags
def ls(registry: str, as_json: bool) -> int:
    """List the repositories of REGISTRY."""
    reference = _registry(registry)

    async def work(session: Session, run: Run) -> int:
        async with aclosing(inventory.repositories(session)) as pages:
            async for names in pages:
                for name in names:
                    if as_json:
                        print_json({"repository": name, "reference": f"{reference.registry}/{name}"})
                    else:
                        click.echo(shown(name))
        return 0

    return with_session(reference.registry, work)


@click.command()
@click.argument("repository")
@click.option("--sort", type=click.Choice(["name", "created", "size"]), default="name", help="Newest or largest first.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line: reference, tag, digest, media_type, kind, created, size_bytes, platforms.",
)
@with_flags
def tags(repository: str, sort: str, as_json: bool) -> int:
    """List every tag of REPOSITORY with its digest, date and compressed size."""
    reference = repository_of(repository, "tags")

    async def work(session: Session, run: Run) -> int:
        table = Table("TAG", "CREATED", "SIZE", "KIND", "PLATFORMS", "DIGEST", right=("SIZE",))
        code, pushed = 0, False
        async with aclosing(inventory.rows(session, reference.repository, sort)) as rows:
            async for row in rows:
                if as_json:
                    print_json(_as_json(reference, row))
                elif isinstance(row, Read):
                    table.row(row.tag, *_cells(row))
                else:
                    table.row(row.tag, "!", "!", "!", "!", "!")
                if isinstance(row, Failed):
                    code = FAILED
                    say(f"{reference.at(row.tag)}: {row.error}")
                else:
                    pushed |= row.facts.created_source == "pushed"
        if not as_json:
            table.close()
            if pushed and not run.quiet:
                say(f"* is when it was pushed, as {inventory.vendor_name(session)} tells it")
        return code

    return with_session(reference.registry, work)


def _registry(text: str) -> Reference:
    """`HOST` or `HOST:PORT`; the one place where a bare word is a host and no image of Docker Hub."""
    reference = parse_reference(f"{text.rstrip('/')}/" if "/" not in text.rstrip("/") else text)
    if reference.repository:
        raise UsageError(f"{shown(text, 300)} is more than a registry", f"Its tags: regtui tags {reference.at()}")
    return reference


def _cells(row: Read) -> tuple[str, ...]:
    facts = row.facts
    created = (json_time(facts.created) or "-") + ("*" if facts.created_source == "pushed" else "")
    return created, words.size(facts.size), facts.kind, ",".join(facts.platforms) or "-", facts.digest


def _as_json(repository: Reference, row: Read | Failed) -> dict[str, object]:
    name = {"reference": str(repository.at(row.tag)), "tag": row.tag}
    if isinstance(row, Failed):
        unknown = dict.fromkeys(("digest", "media_type", "kind", "created", "created_source", "size_bytes"))
        return {**name, **unknown, "platforms": [], "error": str(row.error)}
    facts = row.facts
    return {
        **name,
        "digest": facts.digest,
        "media_type": facts.media_type,
        "kind": facts.kind,
        "created": json_time(facts.created),
        "created_source": facts.created_source,
        "size_bytes": facts.size,
        "platforms": facts.platforms,
    }
