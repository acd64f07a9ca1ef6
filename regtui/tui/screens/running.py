"""A change while it is done: how far it is, what failed, a way to stop it between steps, and to try again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, suppress
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import LoginNeeded, RegtuiError, StoreError
from regtui.operations import history
from regtui.operations.plan import Plan
from regtui.operations.runner import Finished, RunnerEvent, StepDone, StepFailed_
from regtui.operations.running import Running
from regtui.operations.session import Session
from regtui.text import shown
from regtui.tui.batches import batches
from regtui.tui.connections import Connections
from regtui.tui.failures import Failures
from regtui.tui.glyphs import Glyphs
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, doing_button, explained, safe_button, said
from regtui.tui.widgets.steps import Steps
from regtui.words import count

_PACE = 0.25  # seconds between two repaints: over SSH each costs bytes
_PARTS = 4  # that send bytes are seen at once


class RunningDialog(Dialog[bool]):
    """Closes itself when everything was done; else it says what wasn't, and offers to try just that again.

    It can't be closed while the change runs. True when anything may have been changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [binding("quit", "leave")]

    def __init__(
        self, plan: Plan, connections: Connections, session: Session, glyphs: Glyphs, continues: int | None = None
    ) -> None:
        """`continues` is the change of the journal whose steps the plan takes up."""
        super().__init__(plan.title)
        self._plan = plan
        self._connections = connections
        self._session = session
        self._glyphs = glyphs
        self.change = continues
        """The journal's number of it, as far as there is one."""
        self.leaves_over = False
        """Whether the user wants the rest done, and it has to be planned anew: tags may hold throw-away manifests."""
        self._steps = Steps(glyphs=glyphs, rows=_PARTS if plan.to_send else 1)
        self._begin(plan)
        self._is_over = self._is_done = self._was_sent = False
        self.refusal: LoginNeeded | None = None
        """Why a step was refused to who is logged in, or to nobody."""

    def _begin(self, plan: Plan) -> None:
        self._plan = plan
        self._progress = Running(plan)
        self._failures = Failures(plan)
        self._broken = ""  # why nothing further could be sent
        self._done: set[int] = set()  # steps, counted from 0

    @property
    def is_whole(self) -> bool:
        """Whether everything was done."""
        return self._is_done

    def body(self) -> Iterable[Widget]:
        yield self._steps
        yield said("", "running-state")
        yield Static(markup=False, classes="running-failures")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Stop")
        yield doing_button("Try again")

    def on_mount(self) -> None:
        self._run_plan()

    def on_screen_resume(self) -> None:
        if self._is_done:  # meanwhile another dialog stood in front
            self.dismiss(True)

    def action_cancel(self) -> None:
        if self._is_over:
            self.dismiss(True)
        else:
            self._connections.stop()
            self._write("running-state", "Stopping after the steps in hand …")

    async def action_leave(self) -> None:
        """`q`: closes what is over, and asks before it quits in the middle of a change."""
        if self._is_over:
            self.action_cancel()
        else:
            await self.app.action_quit()

    def confirm(self) -> None:
        self.run_worker(self._again(), exclusive=True)

    async def _again(self) -> None:
        """Tries those steps again that were not done, unless one may have left its throw-away manifest on a tag."""
        with suppress(StoreError):  # then the steps fail, and say so
            steps = await asyncio.to_thread(history.steps, self._session, self.change or 0)
            self.leaves_over = bool(history.left_over(steps))
        if self.leaves_over:
            self.dismiss(True)
            return
        self._begin(self._plan.rest(self._undone))
        self._is_over = False
        self.refusal = None
        self._run_plan()

    @property
    def _undone(self) -> list[int]:
        return [number for number in range(len(self._plan.steps)) if number not in self._done]

    def _run_plan(self) -> None:
        self._label("Stop")
        self._write("running-state", "Esc stops it after the steps in hand.")
        self.query_one(".running-failures").display = False
        self.run_worker(self._run(), group="run", exclusive=True)

    async def _run(self) -> None:
        self._steps.follow(self._progress)
        finished: Finished | None = None
        try:
            execution = self._connections.execute(self._session, self._plan, self.change)
            async with aclosing(batches(execution, _PACE)) as arriving:
                async for events in arriving:
                    for event in events:
                        self._take(event)
                        finished = event if isinstance(event, Finished) else finished
                    self._steps.follow(self._progress)
                    if any(isinstance(event, StepFailed_) for event in events):
                        self._list_failures()
        except RegtuiError as error:
            self._broken = f"! {explained(error)}"
            self._note(error)
            self._list_failures()
        self._is_over = True
        self._is_done = finished is not None and not finished.failed and not finished.left
        if not self._is_done:
            self._end(finished)
        elif self.is_active:
            self.dismiss(True)

    def _take(self, event: RunnerEvent) -> None:
        self._progress.note(event)
        if isinstance(event, StepDone):
            self._done.add(event.number - 1)
        elif isinstance(event, StepFailed_):
            self._failures.note(event)
            self._note(event.error)

    def _note(self, error: RegtuiError) -> None:
        if isinstance(error, LoginNeeded):
            self.refusal = error

    def _end(self, finished: Finished | None) -> None:
        """Says how it ended; what was not done can be tried again, as a part of the same change."""
        how_far, _, _ = self._progress.line().partition(" · ")  # without the time that is left
        self._steps.show(self._progress.share, how_far, ())
        if finished:
            self.change = finished.change
            parts = [f"{count(finished.done, 'step')} done"]
            parts += [f"{finished.failed:,} failed"] * bool(finished.failed)
            parts += [f"{finished.left:,} not begun"] * bool(finished.left)
            self._was_sent = self._was_sent or bool(finished.done or finished.failed)
            undo = "u undoes what was done." if self._was_sent else "Nothing was changed."
            self._write("running-state", f"{', '.join(parts)}. {undo}")
        else:
            self._write("running-state", "Nothing further was sent.")
        is_rest = finished is not None and bool(self._undone)
        self._label("Close", ("Try again" if finished and finished.failed else "Go on") * is_rest)

    def _label(self, safe: str, again: str = "") -> None:
        for button, label in zip(self.query(Button), (safe, again), strict=True):
            button.label, button.display = Content(label), bool(label)
            button.refresh(layout=True)

    def _list_failures(self) -> None:
        self.query_one(".running-failures").display = True
        self._write("running-failures", "\n".join([*self._failures.lines(), *[self._broken] * bool(self._broken)]))

    def _write(self, what: str, text: str) -> None:
        lines = [self._glyphs.text(shown(line)) for line in text.split("\n")]
        self.query_one(f".{what}", Static).update(Content("\n".join(lines)))
