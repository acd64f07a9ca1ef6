"""`regtui resume`: what becomes of a change that was cut off."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_session
from regtui.cli.execution import execute
from regtui.cli.failures import say
from regtui.cli.flags import Run, this_run, with_flags
from regtui.cli.output import ask, can_ask, json_time, print_json
from regtui.errors import UsageError
from regtui.operations import history
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.history import KeptChange
    from regtui.operations.plan import Plan
    from regtui.operations.session import Session

_TYPE_THE_NUMBER = 20
"""Beyond so many steps that finish a change, a yes is not enough."""
_SHOWN = 20
"""Steps of a plan that are printed."""
_FINISH, _PUT_BACK, _LEAVE = "finish", "put back", "leave"
_ANSWERS = {"f": _FINISH, "p": _PUT_BACK, "l": _LEAVE}


@click.command()
@click.argument("what", metavar="[ID|REF]", required=False)
@click.option("--finish", "choice", flag_value=_FINISH, help="Do the rest, but for what was moved since.")
@click.option("--put-back", "choice", flag_value=_PUT_BACK, help="Undo what was done of it.")
@click.option("--leave", "choice", flag_value=_LEAVE, help="Change nothing, and say no more of it.")
@click.option("--dry-run", is_flag=True, help="Print what was cut off, or what would be done; change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask. Needed without a terminal.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the plan and what came of it.")
@with_flags
def resume(what: str | None, choice: str | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Finish or put back a change that was cut off: the last one, or that with the ID which `regtui history` shows.

    With a REF (REPO:TAG), put back what a removal that was cut off on another machine left on that tag.
    """
    if not dry_run and not yes and choice != _LEAVE and not can_ask():
        raise UsageError("There is no terminal to ask on", "Add --yes, with --finish or --put-back, or --dry-run.")
    if what is not None and not what.isdecimal():
        if choice not in (None, _PUT_BACK):
            raise UsageError(f"{shown(what, 100)} can only be put back", "regtui rm deletes the tag.")
        return _left_over(what, dry_run, yes, as_json)
    change = _chosen(what)
    if change is None:
        say("No change was cut off")
        return 0
    if choice is None and (dry_run or yes or as_json):
        _tell(change, as_json=as_json, err=not dry_run)
        if dry_run:
            return 0
        raise UsageError("There is more than one way", "Add --finish, --put-back or --leave.")
    if choice == _LEAVE:
        return _leave(change)
    return with_session(
        change.registry, lambda session, run: _resume(session, run, change, choice, dry_run, yes, as_json)
    )


def _chosen(number: str | None) -> KeptChange | None:
    """By its number, or the last that was cut off; says how many others were."""
    from regtui.operations.resume import cut_off

    settings = this_run().settings
    if number is not None:
        return history.one_change(settings, int(number))
    waiting = cut_off(settings)
    for other in waiting[1:]:
        say(f"Change {other.id}, {other.title}, was cut off too: regtui resume {other.id}")
    return waiting[0] if waiting else None


def _tell(change: KeptChange, *, as_json: bool, err: bool) -> None:
    """What is known of it, without asking the registry."""
    steps = history.steps(this_run().settings, change.id)
    left_over = history.left_over(steps)
    done = sum(step.outcome is history.Outcome.DONE for step in steps)
    started = sum(step.outcome is history.Outcome.STARTED for step in steps)
    total = sum(step.outcome not in (history.Outcome.RESUMED, history.Outcome.REPLANNED) for step in steps)
    if as_json:
        print_json(
            {
                "id": change.id,
                "time": json_time(change.time),
                "user": change.user,
                "registry": change.registry,
                "title": change.title,
                "cut_off": change.is_cut_off,
                "steps": total,
                "done": done,
                "may_have_been_sent": started,
                "left_over": left_over,
            }
        )
        return
    began = f"{words.ago(change.time)} by {change.user}"
    click.echo(shown(f"Change {change.id} in {change.registry}, {began}: {change.title}"), err=err)
    ended = "It was cut off" if change.is_cut_off else f"It is {change.state}"
    so_far = f"{done:,} of {words.count(total, 'step')} done, {started:,} may have been sent"
    click.echo(f"  {ended}: {so_far}", err=err)
    if left_over:
        click.echo(f"  May hold a throw-away manifest: {shown(', '.join(left_over))}", err=err)


def _leave(change: KeptChange) -> int:
    from regtui.operations.resume import leave

    settings = this_run().settings
    left_over = history.left_over(history.steps(settings, change.id))
    leave(settings, change)
    say(f"Change {change.id} is left as it is; regtui undo {change.id} can still put it back")
    for tag in left_over:
        say(f"{tag} may hold a throw-away manifest: regtui resume {change.registry}/{tag}")
    return 0


async def _resume(
    session: Session, run: Run, change: KeptChange, choice: str | None, dry_run: bool, yes: bool, as_json: bool
) -> int:
    from regtui.operations.resume import leave, plan_rest
    from regtui.operations.session import open_session
    from regtui.operations.undo import plan_undo

    if choice is None:
        _tell(change, as_json=False, err=True)
        choice = _ANSWERS.get((await ask("Finish it (f), put it back (p), or leave it (l)?")).lower()[:1])
    if choice is None:
        say("Nothing was changed")
        return 1
    if choice == _LEAVE:
        return _leave(change)
    async with AsyncExitStack() as others:

        async def open_other(registry: str) -> Session:
            other = await open_session(registry, run.settings.for_others(), log=run.log)
            return await others.enter_async_context(aclosing(other))

        is_finished = choice == _FINISH
        plan = await plan_rest(session, change, open_other) if is_finished else await plan_undo(session, change.id)
        if dry_run or not run.quiet:
            _show(plan, as_json=as_json and dry_run, err=not dry_run)
        if dry_run:
            return 0
        if not plan.steps:
            if change.is_cut_off:
                leave(session, change)
            if as_json:
                print_json({**plan.as_json(), "dry_run": False, "done": 0, "failed": 0, "left": 0, "errors": []})
            return 0
        if not yes and not await _confirmed(plan, is_finished):
            say("Nothing was changed")
            return 1
        return await _execute(session, plan, as_json, change.id if is_finished else None)


def _left_over(text: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    reference = manifest_of(text)
    if not reference.tag or reference.digest:
        raise UsageError(f"{reference} is no tag", "Write REPOSITORY:TAG.")

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.resume import plan_left_over

        plan = await plan_left_over(session, reference.repository, reference.tag)
        if dry_run or not run.quiet:
            _show(plan, as_json=as_json and dry_run, err=not dry_run)
        if dry_run:
            return 0
        if not yes and not await _confirmed(plan, False):
            say("Nothing was changed")
            return 1
        return await _execute(session, plan, as_json, None)

    return with_session(reference.registry, work)


def _show(plan: Plan, *, as_json: bool, err: bool) -> None:
    if as_json:
        print_json({**plan.as_json(), "dry_run": True})
        return
    click.echo(shown(plan.title if plan.steps else f"{plan.title}: there is nothing left to do"), err=err)
    for step in plan.steps[:_SHOWN]:
        click.echo(f"  {shown(step.describe())}", err=err)
    if len(plan.steps) > _SHOWN:
        click.echo(f"  … and {len(plan.steps) - _SHOWN:,} more", err=err)
    for label, text in plan.lines():
        if label == "Undo":  # by a key
            continue
        click.echo(f"  {shown(label):9} {shown(text)}", err=err)
    for warning in plan.warnings:
        click.echo(f"  {shown(warning)}", err=err)


async def _confirmed(plan: Plan, is_finished: bool) -> bool:
    if is_finished and len(plan.steps) > _TYPE_THE_NUMBER:
        return await ask(f"Finish it: type {len(plan.steps)}, the number of steps, to go on:") == str(len(plan.steps))
    return (await ask(f"{'Finish it' if is_finished else 'Put it back'}? [y/N]")).lower() in ("y", "yes")


async def _execute(session: Session, plan: Plan, as_json: bool, continues: int | None) -> int:
    outcome = await execute(session, plan, silent=as_json, continues=continues)
    if as_json:
        print_json({**plan.as_json(), "dry_run": False, **outcome.as_json()})
    elif outcome.done and not this_run().quiet:
        say(f"Undo: regtui undo {outcome.change}, until the registry's garbage collection runs")
    return outcome.code
