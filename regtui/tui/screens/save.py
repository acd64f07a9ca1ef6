"""Saves a file or a folder of an image: to where, what is written and what isn't, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from regtui.errors import RegtuiError
from regtui.oci.manifest import Descriptor
from regtui.operations.extracting import Extracted, ExtractionPlan, LeftOut, Progress, write
from regtui.operations.saving import last_target, remember_target, target_of
from regtui.operations.session import Session
from regtui.text import shown
from regtui.tui.batches import batches
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, facts, safe_button, said
from regtui.words import count, size, so_far

_NAMED = 3  # things that are left out and are named
_BAR = 40


class SaveDialog(Dialog[str]):
    """Answers a sentence that says what was saved; None when nothing was, and then nothing of it is there."""

    AUTO_FOCUS = "Input"

    def __init__(
        self, session: Session, repository: str, layers: Mapping[int, Descriptor], plan: ExtractionPlan, path: str
    ) -> None:
        """`path` is what is saved, as the image has it; `layers` by their numbers."""
        super().__init__(f"Save /{path}")
        self._session = session
        self._repository = repository
        self._layers = layers
        self._plan = plan
        self._glyphs = ASCII if session.settings.ascii else UNICODE
        self._may_overwrite = ""  # the folder, as it was typed, in which files may be overwritten
        self._missing: list[LeftOut] = []
        self._work: Worker[None] | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(facts([(label, self._glyphs.text(shown(text))) for label, text in self._rows()]))
        yield said("To the folder:", "question")
        yield Input(last_target(self._session.settings), compact=True, select_on_focus=False)
        yield Notice()
        yield said("", "save-bar")

    def _rows(self) -> list[tuple[str, str]]:
        plan = self._plan
        what = f"{count(plan.count, 'file')}, {size(plan.size)}"
        if plan.folders:
            what += f", in {count(len(plan.folders), 'folder')}"
        rows = [("What", what)]
        if plan.turned:
            rows.append(("Links", f"{count(plan.turned, 'absolute link')} made relative, to lead to the same here"))
        if plan.left_out:
            named = [f"{left.path} {left.why}" for left in plan.left_out[:_NAMED]]
            more = len(plan.left_out) - _NAMED
            rows.append(("Left out", "; ".join(named) + (f"; and {more:,} more" if more > 0 else "")))
        return [*rows, ("Not kept", "owners, setuid and setgid; modes and times are")]

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button(self._doing)

    @property
    def _doing(self) -> str:
        return f"Save {count(self._plan.count, 'file')}"

    def on_input_changed(self) -> None:
        self._may_overwrite = ""
        self.query_one(Notice).say("")
        self._label(self._doing)

    def on_input_submitted(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        if self._work is None or self._work.is_finished:
            self._work = self.run_worker(self._save(self.query_one(Input).value), group="save")

    async def _save(self, text: str) -> None:
        try:
            target = target_of(text)
            force = self._may_overwrite == text
            if not force and (number := await asyncio.to_thread(self._plan.in_the_way, target)):
                self._ask_to_overwrite(text, number)
                return
            self._freeze(True)
            done = await self._write(target, force)
        except RegtuiError as error:
            self._freeze(False)
            self._show("")
            self.query_one(Notice).say(explained(error))
        else:
            remember_target(self._session.settings, target)
            self.dismiss(done)

    def _ask_to_overwrite(self, text: str, number: int) -> None:
        self._may_overwrite = text
        there = "It is" if number == self._plan.count == 1 else f"{number:,} of them {'is' if number == 1 else 'are'}"
        self.query_one(Notice).say(f"{there} there already. Name another folder, or overwrite:")
        self._label(f"Overwrite {count(number, 'file')}")

    def _label(self, text: str) -> None:
        button = self.query_one(".-doing", Button)
        button.label = Content(text)
        button.refresh(layout=True)

    async def _write(self, target: Path, force: bool) -> str:
        done: Extracted | None = None
        events = write(self._session, self._repository, self._layers, self._plan, target, force=force)
        async with aclosing(batches(events)) as arriving:
            async for batch in arriving:
                for event in batch:
                    if isinstance(event, Extracted):
                        done = event
                    elif isinstance(event, LeftOut):
                        self._missing.append(event)
                if isinstance(last := batch[-1], Progress):
                    self._show(self._bar(last))
        assert done is not None, "something was planned"
        missing = len(self._missing) - len(self._plan.left_out)
        but = f"; {count(missing, 'file')} the layer lists but doesn't hold" if missing else ""
        return f"Saved {count(done.files, 'file')}, {size(done.size)}, to {target}{but}"

    def _bar(self, progress: Progress) -> str:
        read, total = progress.bytes_read, progress.bytes_total
        return f"{self._glyphs.bar(read / total if total else 1.0, _BAR)} {so_far(read, total)}"

    def _show(self, text: str) -> None:
        self.query_one(".save-bar", Static).update(Content(self._glyphs.text(shown(text))))

    def _freeze(self, frozen: bool) -> None:
        """While it writes there is nothing to change, and Cancel takes away what is written."""
        self.query_one(Input).disabled = frozen
        self.query_one(".-doing", Button).disabled = frozen
        if frozen:
            self.query_one(".-safe").focus()
            self._show("Asking for it ...")
        else:
            self.query_one(Input).focus()

    def action_cancel(self) -> None:
        self.run_worker(self._stop(), group="stop", exclusive=True)

    async def _stop(self) -> None:
        """What was written goes before the dialog does."""
        if self._work is not None:
            self._work.cancel()
            with suppress(WorkerFailed, WorkerCancelled):
                await self._work.wait()
        self.dismiss(None)
