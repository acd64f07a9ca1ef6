"""`regtui ls` and `regtui tags`: what is in a registry and in a repository, line by line as it arrives."""

from __future__ import annotations

import re
from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import repository_of, with_session
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Table, json_time, print_json
from regtui.errors import UsageError
from regtui.oci.reference import Reference, check_repository, parse_reference
from regtui.oci.transports import is_local, prefix_of
from regtui.operations import inventory
from regtui.operations.inventory import Failed, Read
from regtui.operations.naming import resolve
from regtui.operations.session import Session
from regtui.text import shown


@click.command()
@click.argument("registry")
@click.option("--search", "words", metavar="WORDS", help="What the registry finds for these words, the best first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: repository, reference.")
@with_flags
def ls(registry: str, words: str | None, as_json: bool) -> int:
    """List the repositories of REGISTRY, or of a namespace in it: docker.io/library."""
    registry, namespace = _namespace(registry)
    if words is not None and namespace:
        raise UsageError("--search asks the whole registry", f"Write: regtui ls {registry} --search WORDS")

    async def work(session: Session, run: Run) -> int:
        if words is not None:
            return await _search(session, words, as_json)
        found = False
        async with aclosing(inventory.repositories(session, namespace)) as pages:
            async for names in pages:
                for name in names:
                    found = True
                    if as_json:
                        print_json({"repository": name, "reference": prefix_of(registry) + name})
                    else:
                        click.echo(shown(name))
        if namespace and not found:
            say(f"{registry} lists no repository below {namespace}/. Tags of one: regtui tags {registry}/{namespace}")
        return 0

    return with_session(registry, work)


async def _search(session: Session, words: str, as_json: bool) -> int:
    if not inventory.can_search(session):
        raise UsageError(
            f"{session.registry} can't be searched", f"What it has: regtui ls {session.registry} | grep WORD"
        )
    table = Table("REPOSITORY", "STARS", "DESCRIPTION", right=("STARS",))
    async with aclosing(inventory.search(session, words)) as pages:
        async for page in pages:
            for hit in page:
                if as_json:
                    name = {"repository": hit.repository, "reference": f"{session.registry}/{hit.repository}"}
                    print_json({**name, "description": hit.description, "stars": hit.stars})
                else:
                    table.row(hit.repository, "-" if hit.stars is None else f"{hit.stars:,}", hit.description)
    if not as_json:
        table.close()
    return 0


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


def _namespace(text: str) -> tuple[str, str]:
    """A registry and a namespace in it; the one place where a bare word is a host and no image of Docker Hub."""
    if is_local(text.strip()):
        return resolve(text).registry, ""
    host, _, namespace = re.sub(r"^https?://", "", text.strip()).partition("/")
    registry, namespace = parse_reference(f"{host}/").registry, namespace.strip("/")
    if namespace in ("", "v2"):
        return registry, ""
    if ":" in namespace or "@" in namespace:
        raise UsageError(f"{shown(text, 300)} is more than a namespace", f"Its tags: regtui tags {registry}/REPOSITORY")
    return registry, check_repository(namespace)


def _cells(row: Read) -> tuple[str, ...]:
    facts = row.facts
    created = (json_time(facts.created) or "-") + ("*" if facts.created_source == "pushed" else "")
    return created, words.size(facts.size), facts.kind, ",".join(facts.platforms) or "-", facts.digest


def _as_json(repository: Reference, row: Read | Failed) -> dict[str, object]:
    name = {"reference": str(repository.at(row.tag)), "tag": row.tag}
    if isinstance(row, Failed):
        unknown = dict.fromkeys(
            ("digest", "media_type", "kind", "created", "created_source", "pushed", "pulled", "size_bytes")
        )
        return {**name, **unknown, "platforms": [], "immutable": False, "error": str(row.error)}
    facts = row.facts
    return {
        **name,
        "digest": facts.digest,
        "media_type": facts.media_type,
        "kind": facts.kind,
        "created": json_time(facts.created),
        "created_source": facts.created_source,
        "pushed": json_time(facts.pushed),
        "pulled": json_time(facts.pulled),
        "size_bytes": facts.size,
        "platforms": facts.platforms,
        "immutable": row.immutable,
    }
