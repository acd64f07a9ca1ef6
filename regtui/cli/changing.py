"""`regtui rm` and `regtui tag`: changes, each shown as a plan first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from regtui import words
from regtui.cli.connect import manifest_of, repository_of, with_session
from regtui.cli.execution import Outcome, execute
from regtui.cli.failures import say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, Table, ask, can_ask, json_time, print_json
from regtui.errors import UsageError
from regtui.oci.digest import Digest, short
from regtui.oci.reference import Reference
from regtui.operations.naming import target_beside
from regtui.patterns import Filter, WholeNames
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.removal import RemovalPlan
    from regtui.operations.session import Session


@dataclass(slots=True)
class _Wanted:
    """What is to go from one repository."""

    digests: list[Digest] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    expect: dict[str, Digest] = field(default_factory=dict)
    filters: Sequence[Filter] | None = None  # all tags that match any; without any filter, all tags


@click.command()
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="Delete every tag of the repository REF.")
@click.option(
    "--tags",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Delete those tags of the repository REF that match: 'pr-*', or 're:^pr-[0-9]+$'. May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Print what would go and how; change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask. Needed without a terminal.")
@click.option("--force", is_flag=True, help="Delete protected tags too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a repository: the plan and what came of it.")
@with_flags
def rm(
    references: Sequence[str],
    everything: bool,
    patterns: Sequence[str],
    dry_run: bool,
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Delete tags (REPO:TAG), or a digest with every tag on it (REPO@DIGEST).

    REPO:TAG@DIGEST deletes the tag if it still has that digest. A single - reads references from standard input, one a
    line. With --all or --tags, REF is a repository.
    """
    registry, wanted = _wanted(references, everything, patterns)
    if not dry_run and not yes and not can_ask():
        raise UsageError("There is no terminal to ask on", "Add --yes to delete without a question, or --dry-run.")

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.removal_plan import listed  # not for --help and completion

        plans = await _plans(session, wanted, Progress(run.quiet))
        if dry_run:
            for plan in plans:
                print_json({**plan.as_json(), "dry_run": True}) if as_json else _print(plan, err=False)
            return 0
        if not run.quiet:
            for plan in plans:
                _print(plan, err=True)
        protected = [f"{plan.repository}:{tag}" for plan in plans for tag in plan.protected]
        if protected and not force:
            raise UsageError(f"Protected: {listed(protected, 20)}", "--force deletes protected tags too.")
        if any(plan.steps for plan in plans) and not yes and not await _confirmed(plans, everything):
            say("Nothing was deleted")
            return 1
        return await _execute_all(session, plans, run, as_json)

    return with_session(registry, work)


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("new")
@click.option("--force", is_flag=True, help="Move NEW when it exists and points to something else.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: reference, source, digest, replaced, changed.")
@with_flags
def tag(reference: str, new: str, force: bool, as_json: bool) -> int:
    """Point a tag to what REF is. NEW is a tag in the same repository, or REPO[:TAG] in the same registry."""
    source = manifest_of(reference)
    target = target_beside(new, source)
    if target.registry != source.registry:
        raise UsageError(f"{target} is in another registry than {source}", "regtui cp copies to another registry.")

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.transfer import plan_copy  # not for --help and completion

        plan = await plan_copy(session, source, session, target)
        if plan.replaces and not plan.same and not force:
            raise UsageError(f"{target} exists and points to {plan.replaces}", "--force moves it.")
        outcome = Outcome() if plan.same else await execute(session, plan, silent=True)
        if outcome.code:
            return outcome.code
        if as_json:
            print_json(
                {
                    "reference": str(target),
                    "source": str(source),
                    "digest": plan.digest,
                    "replaced": None if plan.same else plan.replaces,
                    "changed": not plan.same,
                }
            )
        else:
            click.echo(f"{shown(str(target))} {'already points' if plan.same else 'points'} to {plan.digest}")
        return 0

    return with_session(source.registry, work)


def _wanted(texts: Sequence[str], everything: bool, patterns: Sequence[str]) -> tuple[str, dict[str, _Wanted]]:
    """The registry, and what is to go by repository."""
    if everything and patterns:
        raise UsageError("--all and --tags exclude each other", "--all takes every tag, --tags those that match.")
    if list(texts) == ["-"] and sys.stdin is not None:
        texts = [line.strip() for line in sys.stdin if line.strip()]
        if not texts:
            raise UsageError("Standard input names nothing to delete", "Write one reference a line: REPO:TAG")
    if not everything and not patterns:
        return _by_repository([manifest_of(text) for text in texts])
    repositories = [repository_of(text, "rm --all" if everything else "rm --tags PATTERN") for text in texts]
    filters = [WholeNames(pattern) for pattern in patterns]
    registry = _registry_of(repositories)
    return registry, {reference.repository: _Wanted(filters=filters) for reference in repositories}


def _registry_of(references: Sequence[Reference]) -> str:
    registries = dict.fromkeys(reference.registry for reference in references)
    if len(registries) > 1:
        raise UsageError(f"These are of several registries: {', '.join(registries)}", "Name those of one at a time.")
    return references[0].registry


def _by_repository(references: Sequence[Reference]) -> tuple[str, dict[str, _Wanted]]:
    wanted: dict[str, _Wanted] = {}
    for reference in references:
        of_repository = wanted.setdefault(reference.repository, _Wanted())
        if reference.tag:
            of_repository.tags.append(reference.tag)
            if reference.digest:
                of_repository.expect[reference.tag] = reference.digest
        elif reference.digest:
            of_repository.digests.append(reference.digest)
    return _registry_of(references), wanted


async def _plans(session: Session, wanted: dict[str, _Wanted], progress: Progress) -> list[RemovalPlan]:
    """One plan a repository, and one a digest before it; what goes along with a digest is not planned twice."""

    def checked(done: int, total: int) -> None:
        progress(f"checked {done:,} of {total:,} tags")

    from regtui.operations import removal  # not for --help and completion

    plans: list[RemovalPlan] = []
    for repository, what in wanted.items():
        if what.filters is not None:
            plans.append(await removal.plan_all(session, repository, what.filters, progress=checked))
            continue
        gone: set[str] = set()
        for digest in dict.fromkeys(what.digests):
            if digest in gone:
                continue
            plan = await removal.plan_removal(
                session, repository, (), whole_digests=True, digest=digest, progress=checked
            )
            plans.append(plan)
            gone.update(plan.removed_digests, (item.tag for item in plan.going))
        tags = [tag for tag in dict.fromkeys(what.tags) if tag not in gone]
        if tags:
            plans.append(await removal.plan_removal(session, repository, tags, expect=what.expect, progress=checked))
    progress.clear()
    return plans


def _print(plan: RemovalPlan, *, err: bool) -> None:
    if not plan.steps:
        click.echo(f"{shown(plan.repository)} has no tag to delete", err=err)
    else:
        click.echo(shown(plan.title), err=err)
        table = Table("  TAG", "DIGEST", "CREATED", "SIZE", "KIND", err=err)
        for item in plan.going:
            created = json_time(item.created) or "-"
            table.row(f"  {item.tag}", short(item.digest), created, words.size(item.size), item.kind)
        table.close()
        for label, text in plan.lines():
            if label == "Undo":  # by a key; here by a command, once it is done
                continue
            click.echo(f"  {shown(label):9} {shown(text)}", err=err)
    for warning in plan.warnings:
        click.echo(f"  {shown(warning)}", err=err)


async def _confirmed(plans: Sequence[RemovalPlan], everything: bool) -> bool:
    """Asks for a yes; for a name or a number where much goes, or what is protected."""
    from regtui.operations.removal_plan import MANY

    count = sum(len(plan.going) for plan in plans)
    what, to_type = f"Delete {count} tags", str(count)
    if len(plans) == 1:
        what = plans[0].action + (", all that there are" if everything else "")
        to_type = plans[0].repository if everything else plans[0].to_type
    elif not everything and count <= MANY and not any(plan.to_type for plan in plans):
        to_type = ""
    if to_type:
        return await ask(f"{what}: type {to_type} to go on:") == to_type
    return (await ask(f"{what}? [y/N]")).lower() in ("y", "yes")


async def _execute_all(session: Session, plans: Sequence[RemovalPlan], run: Run, as_json: bool) -> int:
    """One plan after the other; the first that isn't done whole is the last."""
    for plan in plans:
        outcome = await execute(session, plan, silent=as_json)
        if as_json:
            print_json({**plan.as_json(), "dry_run": False, **outcome.as_json()})
        elif outcome.done and not run.quiet:
            say(f"Undo: regtui undo {outcome.change}, until the registry's garbage collection runs")
        if outcome.code:
            if outcome.failed and not run.quiet:
                left = f", and {outcome.left:,} were not tried" if outcome.left else ""
                say(f"{outcome.failed:,} of {words.count(len(plan.steps), 'step')} failed{left}")
            return outcome.code
    return 0
