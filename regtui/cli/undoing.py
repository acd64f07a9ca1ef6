"""`regtui history` and `regtui undo`: what was changed from this machine, and its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regtui.cli.connect import with_session
from regtui.cli.execution import execute
from regtui.cli.failures import say
from regtui.cli.flags import Run, this_run, with_flags
from regtui.cli.output import Table, ask, can_ask, json_time, print_json
from regtui.errors import UsageError
from regtui.operations.history import changes, one_change
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.session import Session
    from regtui.operations.undo import UndoPlan


@click.command()
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many changes at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: id, time, user, registry, title, state.")
@with_flags
def history(limit: int, as_json: bool) -> None:
    """List the latest changes made from this machine, the newest first."""
    table = Table("ID", "TIME", "STATE", "REGISTRY", "CHANGE", right=("ID",))
    for change in changes(this_run().settings, limit):
        row = {"id": change.id, "time": json_time(change.time), "user": change.user, "registry": change.registry}
        if as_json:
            print_json({**row, "title": change.title, "state": change.state})
        else:
            table.row(str(change.id), json_time(change.time) or "", change.state, change.registry, change.title)
    if not as_json:
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
    undone = one_change(this_run().settings, change)

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.undo import plan_undo  # not for --help and completion

        plan = await plan_undo(session, undone.id, force=force)
        if as_json and (dry_run or not plan.steps):
            print_json(_as_json(plan) | {"dry_run": dry_run, "done": 0, "failed": 0, "left": 0, "errors": []})
        elif not run.quiet or dry_run:
            _print(plan, err=not dry_run)
        if dry_run or not plan.steps:
            return 0
        if not yes and (await ask("Undo it? [y/N]")).lower() not in ("y", "yes"):
            say("Nothing was changed")
            return 1
        outcome = await execute(session, plan, silent=as_json)
        if as_json:
            print_json(_as_json(plan) | {"dry_run": False} | outcome.as_json())
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


def _as_json(plan: UndoPlan) -> dict[str, object]:
    return {
        "change": plan.change.id,
        "registry": plan.registry,
        "restored": [{"reference": f"{plan.registry}/{place}", "digest": digest} for place, digest in plan.restored],
        "removed": [f"{plan.registry}/{place}" for place in plan.removed],
    }
