"""Executes a plan from the command line: results as they come, and a signal stops it only after the step in hand."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from regtui.cli.failures import FAILED, say
from regtui.cli.flags import this_run
from regtui.cli.output import Progress
from regtui.text import shown
from regtui.words import ago

if TYPE_CHECKING:
    from regtui.operations.plan import Plan
    from regtui.operations.runner import Runner
    from regtui.operations.session import Session

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE = 3.0  # seconds that the command has, once the steps in hand are done, to end by itself


@dataclass(slots=True)
class Outcome:
    """How many steps were done, failed and were left; `code` is the command's exit code so far."""

    done: int = 0
    failed: int = 0
    left: int = 0
    errors: list[str] = field(default_factory=list)
    change: int | None = None  # the journal's number of it
    signal: int = 0

    @property
    def code(self) -> int:
        return 128 + self.signal if self.signal else FAILED if self.failed or self.left else 0

    def as_json(self) -> dict[str, object]:
        return {
            "done": self.done,
            "failed": self.failed,
            "left": self.left,
            "errors": self.errors,
            "change": self.change,
        }


async def execute(session: Session, plan: Plan, *, silent: bool, continues: int | None = None) -> Outcome:
    """Does a plan's steps; each that is done is a line on standard output, unless `silent`.

    With `continues`, they take the place of what was not done of that change in the journal.
    """
    from regtui.operations.runner import Finished, Runner, StepDone, StepFailed_  # not for --help and completion
    from regtui.operations.running import Running

    outcome, runner, running = Outcome(), Runner(session), Running(plan)
    progress = Progress(this_run().quiet)
    if not this_run().quiet:
        _tell_cut_off(session, {continues, plan.request.get("change")})
    with _stopped_by_signals(runner, outcome):
        try:
            async for event in runner.execute(plan, continues):
                running.note(event)
                if isinstance(event, StepDone) and not silent:
                    progress.clear()
                    click.echo(shown(f"{event.text}: done"))
                elif isinstance(event, StepFailed_):
                    outcome.errors.append(f"{event.text}: {event.error}")
                    progress.clear()
                    say(outcome.errors[-1])
                elif isinstance(event, Finished):
                    outcome.done, outcome.failed, outcome.left = event.done, event.failed, event.left
                    outcome.change = event.change
                else:
                    progress(running.line())
        finally:  # standard output may be gone; the registry must not be left halfway
            runner.stop()
            await asyncio.to_thread(runner.wait)
            progress.clear()
    if outcome.left and outcome.signal:
        say(f"Stopped: {outcome.done} of {len(plan.steps)} steps are done")
    return outcome


def _tell_cut_off(session: Session, taken_up: Container[object]) -> None:
    """A line for each change of this registry that was cut off, but for those that are taken up now."""
    from regtui.operations.resume import cut_off

    for change in cut_off(session):
        if change.registry == session.registry and change.id not in taken_up:
            say(f"Change {change.id}, {change.title}, was cut off {ago(change.time)}: regtui resume {change.id}")


@contextmanager
def _stopped_by_signals(runner: Runner, outcome: Outcome) -> Iterator[None]:
    """A signal ends the command after the steps in hand.

    A terminal that has stopped reading blocks whoever writes to it, and with that the loop: then a thread does it.
    """
    stopped, over = Event(), Event()

    def stop(number: int, frame: FrameType | None) -> None:
        outcome.signal = outcome.signal or number
        stopped.set()

    def end() -> None:
        stopped.wait()
        while not over.is_set():
            runner.stop()
            runner.wait()
            if not over.wait(_GRACE) and runner.wait(0):
                os._exit(outcome.code)

    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    Thread(target=end, name="regtui-ending", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        stopped.set()
        for number, handler in before.items():
            signal.signal(number, handler)
