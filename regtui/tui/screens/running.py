"""A change while it is done: how far it is, what failed, and a way to stop it between two steps."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import LoginNeeded, RegtuiError
from regtui.operations.plan import Plan
from regtui.operations.runner import Finished, RunnerEvent, StepFailed_, StepStarted
from regtui.operations.session import Session
from regtui.text import shown
from regtui.tui.batches import batches
from regtui.tui.connections import Connections
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, explained, safe_button, said
from regtui.words import count

_BAR = 40
_NAMED = 100  # failures that are listed; all are counted


class RunningDialog(Dialog[bool]):
    """Closes itself when everything was done; else it says what wasn't. True in both cases."""

    def __init__(self, plan: Plan, connections: Connections, session: Session, glyphs: Glyphs) -> None:
        super().__init__(plan.title)
        self._plan = plan
        self._connections = connections
        self._session = session
        self._glyphs = glyphs
        self._failures: list[str] = []
        self._is_over = False
        self.refusal: LoginNeeded | None = None
        """Why a step was refused to who is logged in, or to nobody."""

    def body(self) -> Iterable[Widget]:
        yield said("", "running-bar")
        yield said("", "running-step")
        yield Static(markup=False, classes="running-failures")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Stop after this step")

    def on_mount(self) -> None:
        self.run_worker(self._run(), exclusive=True)

    def action_cancel(self) -> None:
        if self._is_over:
            self.dismiss(True)
        else:
            self._connections.stop()
            self._write("running-step", "Stopping after the step in hand …")

    async def _run(self) -> None:
        self._write("running-bar", self._bar(0))
        finished: Finished | None = None
        try:
            async with aclosing(batches(self._connections.execute(self._session, self._plan))) as arriving:
                async for events in arriving:
                    for event in events:
                        self._take(event)
                        finished = event if isinstance(event, Finished) else finished
                    self._show(events[-1])
        except RegtuiError as error:
            self._note(error, explained(error))
        if finished and not finished.failed and not finished.left:
            self.dismiss(True)
        else:
            self._end(finished)

    def _take(self, event: RunnerEvent) -> None:
        if isinstance(event, StepFailed_):
            self._note(event.error, f"{shown(event.text)}: {explained(event.error)}")

    def _note(self, error: RegtuiError, text: str) -> None:
        self._failures.append(text)
        if isinstance(error, LoginNeeded):
            self.refusal = error

    def _show(self, event: RunnerEvent) -> None:
        if isinstance(event, Finished):
            return
        done = event.number - isinstance(event, StepStarted)
        self._write("running-bar", self._bar(done))
        self._write("running-step", event.text)
        if self._failures:
            self._list_failures()

    def _end(self, finished: Finished | None) -> None:
        self._is_over = True
        button = self.query_one(Button)
        button.label = Content("Close")
        if finished:
            parts = [f"{count(finished.done, 'step')} done"]
            parts += [f"{finished.failed:,} failed"] * bool(finished.failed)
            parts += [f"{finished.left:,} not begun"] * bool(finished.left)
            undo = "u undoes what was done." if finished.done else "Nothing was changed."
            self._write("running-step", f"{', '.join(parts)}. {undo}")
        else:
            self._write("running-step", "Nothing further was sent.")
        self._list_failures()

    def _list_failures(self) -> None:
        more = len(self._failures) - _NAMED
        lines = self._failures[:_NAMED] + ([f"and {more:,} more"] if more > 0 else [])
        self._write("running-failures", "\n".join(f"! {self._glyphs.text(line)}" for line in lines))

    def _bar(self, done: int) -> str:
        total = len(self._plan.steps)
        return f"{self._glyphs.bar(done / total if total else 1.0, _BAR)} {done:,} of {total:,}"

    def _write(self, what: str, text: str) -> None:
        lines = [self._glyphs.text(shown(line)) for line in text.split("\n")]
        self.query_one(f".{what}", Static).update(Content("\n".join(lines)))
