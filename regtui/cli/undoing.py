"""`regtui history` and `regtui undo`: what was changed from this machine, and its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regtui import words
from regtui.cli.connect import with_session
from regtui.cli.execution import execute
from regtui.cli.failures import say
from regtui.cli.flags import Run, this_run, with_flags
from regtui.cli.output import Progress, Table, ask, can_ask, json_time, print_json
from regtui.errors import UsageError
from regtui.operations import history as kept
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.session import Session
    from regtui.operations.undo import UndoPlan

_LOOKED_AT = 1000
"""Changes that are looked through for what undid another one."""


@click.command()
@click.argument("change", metavar="[ID]", type=click.IntRange(1), required=False)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many changes at most.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line: a change, or with an ID one of its steps."
)
@with_flags
def history(change: int | None, limit: int, as_json: bool) -> None:
    """List the latest changes made from this machine, the newest first; with an ID, the steps of that one."""
    run = this_run()
    if change is not None:
        _steps(run, change, as_json)
        return
    table = Table("ID", "TIME", "USER", "STATE", "REGISTRY", "CHANGE", right=("ID",))
    listed = kept.changes(run.settings, max(limit, _LOOKED_AT))
    undone = kept.undone_by(listed)
    for item in listed[:limit]:
        row = {"id": item.id, "time": json_time(item.time), "user": item.user, "registry": item.registry}
        by = undone.get(item.id)
        is_cut_off = item.is_cut_off and not by  # what was put back is done with
        if as_json:
            print_json({**row, "title": item.title, "state": item.state, "cut_off": is_cut_off, "undone_by": by})
            continue
        state = "cut off" if is_cut_off else f"undone by {by}" if by else item.state
        table.row(str(item.id), json_time(item.time) or "", item.user, state, item.registry, item.title)
    if not as_json:
        table.close()
    if not run.quiet and (forgotten := kept.forgotten(run.settings)):
        number, before = forgotten
        say(f"{words.count(number, 'change')} from before {before:%Y-%m-%d} forgotten, for their age (journal_days)")


def _steps(run: Run, number: int, as_json: bool) -> None:
    change = kept.one_change(run.settings, number)
    steps = kept.steps(run.settings, number)
    if as_json:
        for step in steps:
            print_json({"step": step.number + 1, "outcome": step.outcome, "detail": step.detail, **step.intent})
        return
    say(f"{change.title}, in {change.registry}, {words.exact(change.time)} by {change.user}")
    table = Table("STEP", "OUTCOME", "WHAT", "DETAIL", right=("STEP",))
    for step in steps:
        table.row(str(step.number + 1), step.outcome, kept.step_text(step), step.detail)
    table.close()


@click.command()
@click.argument("change", metavar="[ID]", type=click.IntRange(1), required=False)
@click.option("--dry-run", is_flag=True, help="Print what would come back; change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask. Needed without a terminal.")
@click.option("--force", is_flag=True, help="Undo it even where a tag was pushed anew since.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what comes back, and what came of it.")
@with_flags
def undo(change: int | None, dry_run: bool, yes: bool, force: bool, as_json: bool) -> int:
    """Undo a change: the last one, or that with the ID which `regtui history` shows.

    It works until the registry's garbage collection has run.
    """
    if not dry_run and not yes and not can_ask():
        raise UsageError("There is no terminal to ask on", "Add --yes to undo without a question, or --dry-run.")
    undone = kept.one_change(this_run().settings, change)

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.undo import plan_undo  # not for --help and completion

        progress = Progress(run.quiet)

        def checked(done: int, total: int) -> None:
            progress(f"checked {done:,} of {total:,} blobs and manifests")

        try:
            plan = await plan_undo(session, undone.id, force=force, progress=checked)
        finally:
            progress.clear()
        if as_json and (dry_run or not plan.steps):
            print_json(plan.as_json() | {"dry_run": dry_run, "done": 0, "failed": 0, "left": 0, "errors": []})
        elif not run.quiet or dry_run:
            _print(plan, err=not dry_run)
        if dry_run or not plan.steps:
            return 0
        if not yes and (await ask("Undo it? [y/N]")).lower() not in ("y", "yes"):
            say("Nothing was changed")
            return 1
        outcome = await execute(session, plan, silent=as_json)
        if as_json:
            print_json(plan.as_json() | {"dry_run": False} | outcome.as_json())
        return outcome.code

    return with_session(undone.registry, work)


def _print(plan: UndoPlan, *, err: bool) -> None:
    click.echo(shown(plan.title if plan.steps else f"{plan.title}: there is nothing left to do"), err=err)
    table = Table("  TAG", "BECOMES", err=err)
    for place, digest in plan.restored:
        table.row(f"  {place}", digest)
    for place in plan.removed:
        table.row(f"  {place}", "deleted")
    if plan.steps:
        table.close()
    for note in (*(f"Along go {what}" for what in plan.along), *plan.warnings):
        click.echo(f"  {shown(note)}", err=err)
