"""`regtui cp` and `regtui mv`: a tag with all that is behind it, to another place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from regtui.cli.connect import manifest_of, with_sessions
from regtui.cli.execution import Outcome, execute
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, ask, can_ask, print_json
from regtui.errors import UsageError
from regtui.operations.naming import target_beside
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.plan import Plan
    from regtui.operations.session import Session
    from regtui.operations.transfer import CopyPlan, MovePlan


def _options(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object: the plan and what came of it."),
        click.option("--force", is_flag=True, help="Move DST when it exists, and take protected tags too."),
        click.option("--yes", is_flag=True, help="Don't ask. Needed without a terminal."),
        click.option("--dry-run", is_flag=True, help="Print what would be sent; change nothing."),
        click.argument("target", metavar="DST"),
        click.argument("source", metavar="SRC"),
    ):
        command = option(command)
    return command


@click.command()
@_options
@click.option("--referrers", is_flag=True, help="Bring signatures, SBOMs and attestations along.")
@with_flags
def cp(source: str, target: str, referrers: bool, dry_run: bool, yes: bool, force: bool, as_json: bool) -> int:
    """Copy SRC, a tag or digest, to the tag DST, in the same registry or in another one.

    The whole index is copied, or with --platform one image of it. DST is TAG, REPO[:TAG] in the registry of SRC, or
    HOST/[REPO][:TAG]; what it leaves out is as in SRC.
    """
    reference = manifest_of(source)
    to = target_beside(target, reference)
    _must_be_able_to_ask(dry_run, yes)

    async def work(sessions: list[Session], run: Run) -> int:
        from regtui.operations.transfer import plan_copy  # not for --help and completion

        progress = Progress(run.quiet)
        plan = await plan_copy(
            sessions[0],
            reference,
            sessions[-1],
            to,
            platform=run.settings.named_platform,
            referrers=referrers,
            progress=lambda done, total: progress(f"looked for {done:,} of {total:,} blobs"),
        )
        progress.clear()
        return await run_copy(sessions[-1], plan, run, dry_run=dry_run, yes=yes, force=force, as_json=as_json)

    return with_sessions([reference.registry, to.registry], work)


@click.command()
@_options
@with_flags
def mv(source: str, target: str, dry_run: bool, yes: bool, force: bool, as_json: bool) -> int:
    """Copy the tag SRC to the tag DST with all that refers to it, then delete SRC. Siblings of SRC stay."""
    reference = manifest_of(source)
    to = target_beside(target, reference)
    _must_be_able_to_ask(dry_run, yes)

    async def work(sessions: list[Session], run: Run) -> int:
        from regtui.operations.transfer import plan_move  # not for --help and completion

        if run.settings.named_platform:
            raise UsageError("A move takes all platforms", "regtui cp --platform copies one of them.")
        plan = await plan_move(sessions[0], reference, sessions[-1], to)
        if plan.removal.protected and not force and not dry_run:
            raise UsageError(f"{reference} is protected", "--force moves it all the same.")
        return await _move(sessions, plan, run, dry_run=dry_run, yes=yes, force=force, as_json=as_json)

    return with_sessions([reference.registry, to.registry], work)


async def run_copy(
    session: Session, plan: CopyPlan, run: Run, *, dry_run: bool, yes: bool, force: bool, as_json: bool
) -> int:
    """Shows a copy's plan, asks, does it, and says what came of it."""
    if dry_run or plan.same:
        if as_json:
            print_json({**plan.as_json(), "dry_run": dry_run, **Outcome().as_json()})
        elif plan.same:
            click.echo(f"{shown(str(plan.target))} points to {plan.digest} already")
        else:
            _print(plan, plan.title, err=False)
        return 0
    _must_not_overwrite(session, plan, force)
    if not run.quiet:
        _print(plan, plan.title, err=True)
    if not yes and not await _agreed(plan.action):
        return FAILED
    outcome = await execute(session, plan, silent=True)
    if as_json:
        print_json({**plan.as_json(), "dry_run": False, **outcome.as_json()})
    elif not outcome.code:
        click.echo(f"{shown(str(plan.target))} points to {plan.digest}")
    _say_undo(outcome, run, as_json)
    return outcome.code


async def _move(
    sessions: list[Session], plan: MovePlan, run: Run, *, dry_run: bool, yes: bool, force: bool, as_json: bool
) -> int:
    title = f"Move {plan.copy.source_reference} to {plan.copy.target}"
    if dry_run:
        print_json({**plan.as_json(), "dry_run": True}) if as_json else _print(plan, title, err=False)
        return 0
    _must_not_overwrite(sessions[-1], plan.copy, force)
    if not run.quiet:
        _print(plan, title, err=True)
    if not yes and not await _agreed("Move"):
        return FAILED
    outcomes: list[Outcome] = []
    steps: list[tuple[Session, Plan]] = [(sessions[-1], plan.copy), (sessions[0], plan.removal)]
    for session, part in steps:
        if outcomes and outcomes[-1].code:
            break
        outcomes.append(await execute(session, part, silent=True))
        _say_undo(outcomes[-1], run, as_json)
    code = outcomes[-1].code
    if as_json:
        print_json({**plan.as_json(), "dry_run": False, "changes": [outcome.as_json() for outcome in outcomes]})
    elif not code:
        click.echo(f"{shown(str(plan.copy.target))} points to {plan.copy.digest}")
    elif len(outcomes) < len(steps):
        say(f"{plan.copy.source_reference} was left as it is")
    return code


def _must_be_able_to_ask(dry_run: bool, yes: bool) -> None:
    if not dry_run and not yes and not can_ask():
        raise UsageError("There is no terminal to ask on", "Add --yes to go on without a question, or --dry-run.")


def _must_not_overwrite(session: Session, plan: CopyPlan, force: bool) -> None:
    if plan.replaces and plan.replaces != plan.digest and not force:
        lock = ", and is protected" if session.settings.is_protected(plan.registry, plan.target.tag) else ""
        raise UsageError(f"{plan.target} exists and points to {plan.replaces}{lock}", "--force moves it.")


def _print(plan: CopyPlan | MovePlan, title: str, *, err: bool) -> None:
    click.echo(shown(title), err=err)
    for label, text in plan.lines():
        if label != "Undo":  # by a key; here by a command, once it is done
            click.echo(f"  {shown(label):9} {shown(text)}", err=err)
    for warning in plan.warnings:
        click.echo(f"  {shown(warning)}", err=err)


async def _agreed(action: str) -> bool:
    if (await ask(f"{action}? [y/N]")).lower() in ("y", "yes"):
        return True
    say("Nothing was changed")
    return False


def _say_undo(outcome: Outcome, run: Run, as_json: bool) -> None:
    if outcome.done and not run.quiet and not as_json:
        say(f"Undo: regtui undo {outcome.change}")
