"""Pulls an image to a folder or a file of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget
from textual.widgets import Button
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from regtui.errors import RegtuiError, UsageError
from regtui.oci.reference import Reference
from regtui.oci.transports import DOCKER_ARCHIVE, OCI, is_local
from regtui.operations.naming import target_beside
from regtui.operations.session import Session
from regtui.tui.batches import batches
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.copy_to import CopyToDialog
from regtui.tui.screens.dialog import Dialog, Notice, explained, safe_button
from regtui.tui.widgets.steps import Part, Steps

if TYPE_CHECKING:
    from regtui.operations.archive_writing import ArchiveProgress

_PACE = 0.25  # seconds between two repaints


class PullDialog(CopyToDialog):
    """Answers where to: a layout, or a file."""

    QUESTION: ClassVar[str] = "To oci:FOLDER[:TAG], a layout, or docker-archive:FILE, which docker load reads:"
    PLACEHOLDER: ClassVar[str] = "oci:FOLDER or FILE.tar"

    def understood(self, text: str) -> Reference:
        """A path alone is an archive if it ends in `.tar`, else a layout."""
        if not is_local(text):
            if not text:
                raise UsageError("Nothing is named", "Write a folder, or a file that ends in .tar.")
            text = f"{DOCKER_ARCHIVE if text.endswith('.tar') else OCI}{text}"
        return target_beside(text, self.source)


class ArchiveDialog(Dialog[str]):
    """Writes an archive; answers its file when it is whole. None: nothing of it is there."""

    def __init__(
        self, session: Session, reference: Reference, target: Reference, platform: str, glyphs: Glyphs
    ) -> None:
        super().__init__(f"Pull {reference}")
        self._session = session
        self._reference = reference
        self._target = target
        self._platform = platform
        self._steps = Steps(glyphs=glyphs, rows=1)
        self._work: Worker[None] | None = None

    def body(self) -> Iterable[Widget]:
        yield self._steps
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")

    def on_mount(self) -> None:
        self._work = self.run_worker(self._write(), group="write", exclusive=True)

    async def _write(self) -> None:
        from regtui.operations.archive_writing import write_archive

        file = self._target.registry.removeprefix(DOCKER_ARCHIVE)
        names = [f"{self._target.repository}:{self._target.tag}"]
        writing = write_archive(self._session, self._reference, Path(file), platform=self._platform, names=names)
        try:
            async with aclosing(batches(writing, _PACE)) as arriving:
                async for events in arriving:
                    self._show(events[-1])
        except RegtuiError as error:
            self.query_one(Notice).say(explained(error))
        else:
            self.dismiss(file)

    def _show(self, at: ArchiveProgress) -> None:
        share = (at.layer + (at.done / at.size if at.size else 1.0)) / max(1, at.layers)
        self._steps.show(share, f"layer {at.layer + 1} of {at.layers}", [Part(at.layer, at.text, at.done, at.size)])

    def action_cancel(self) -> None:
        self.run_worker(self._stop(), group="stop", exclusive=True)

    async def _stop(self) -> None:
        """What was written goes before the dialog does."""
        if self._work is not None:
            self._work.cancel()
            with suppress(WorkerFailed, WorkerCancelled):
                await self._work.wait()
        self.dismiss(None)
