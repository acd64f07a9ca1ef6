"""While a change is worked out: what is read for it, with progress; a failure stands in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import LoginNeeded, RegtuiError
from regtui.tui.screens.dialog import Dialog, explained, safe_button, said

PlanOf = TypeVar("PlanOf")
Progress = Callable[[int, int], None]


class PlanningDialog(Dialog[PlanOf], Generic[PlanOf]):
    """Answers the plan; None when the user cancelled, or could read why there is none."""

    def __init__(
        self,
        title: str,
        make: Callable[[Progress], Awaitable[PlanOf]],
        log_in: Callable[[LoginNeeded], Awaitable[object]],
        reads: str = "tags",
    ) -> None:
        """`log_in` asks for a login that `make` lacked; it is called again when that answers True.

        `reads` are what its progress counts.
        """
        super().__init__(title)
        self._make = make
        self._log_in = log_in
        self._reads = reads
        self._read = (0, 0)

    def body(self) -> Iterable[Widget]:
        yield said("Reading what it would change …", "planning-state")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")

    def on_mount(self) -> None:
        self.set_interval(0.2, self._show)
        self.run_worker(self._plan(), exclusive=True)

    def _progress(self, done: int, total: int) -> None:
        self._read = (done, total)

    def _show(self) -> None:
        done, total = self._read
        if total:
            self._say(f"Checked {done:,} of {total:,} {self._reads} …")

    def _say(self, text: str) -> None:
        self.query_one(".planning-state", Static).update(Content(text))

    async def _plan(self) -> None:
        try:
            plan = await self._make_as_somebody()
        except RegtuiError as error:
            self._read = (0, 0)
            self._say(explained(error))
            self.query_one(Button).label = Content("Close")
        else:
            self.dismiss(plan)

    async def _make_as_somebody(self) -> PlanOf:
        try:
            return await self._make(self._progress)
        except LoginNeeded as error:
            if not await self._log_in(error):
                raise
            return await self._make(self._progress)
