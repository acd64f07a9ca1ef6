"""What the *Packages* tab shows is read here: the image's layers, as far as they aren't known, then its databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from regtui.errors import RegtuiError
from regtui.operations.contents import is_known
from regtui.operations.image_files import MergedTree, image_files
from regtui.operations.packages import Done, Package, Progress, packages_of
from regtui.operations.session import Session
from regtui.tui.batches import batches
from regtui.tui.screens.panes import PanesScreen
from regtui.tui.widgets.details.packages import ImageLayers
from regtui.words import size, so_far

_GROUP: Final = "packages"
_LITTLE: Final = 1_000_000
"""Bytes that are downloaded without asking."""
_AGAIN: Final = "Press K to try again."

Told = Callable[[RegtuiError, str, str | None], RegtuiError]


class PackagesReading:
    """Fills the tab: by itself when that costs little, else when one asks for it by K."""

    def __init__(self, screen: PanesScreen, told: Told) -> None:
        """`told` gives an error as its pane says it: with more that one can do, and the repository that was wanted."""
        self._screen = screen
        self._pane = screen.details.packages
        self._told = told

    def look(self, session: Session) -> None:
        """The tab is on the screen."""
        if self._pane.image and self._pane.is_idle:
            self._screen.run_worker(self._look(session, self._pane.image), group=_GROUP, exclusive=True)

    def read(self, session: Session) -> None:
        """The user asks for them."""
        if self._pane.image and self._pane.is_idle:
            self._screen.run_worker(self._read(session, self._pane.image), group=_GROUP, exclusive=True)

    def stop(self) -> None:
        """Nothing more comes in; requests are cancelled."""
        self._screen.workers.cancel_group(self._screen, _GROUP)
        if not self._pane.is_idle:
            self._pane.stopped("Stopped. Press K to read them.")

    async def _look(self, session: Session, image: ImageLayers) -> None:
        unknown = [layer.size for layer in image.layers if not await is_known(session, layer)]
        if sum(unknown) <= _LITTLE:
            await self._read(session, image)
        elif self._pane.image is image:
            known, layers = len(image.layers) - len(unknown), len(image.layers)
            note = f", {known:,} of {layers:,} layers known" if known else ""
            self._pane.invite(f"Press K to read the packages ({size(sum(unknown))}{note}).")

    async def _read(self, session: Session, image: ImageLayers) -> None:
        self._pane.start()
        try:
            async with aclosing(batches(_packages(session, image))) as arriving:
                async for events in arriving:
                    if self._pane.image is not image:
                        return
                    for event in events:
                        if isinstance(event, list):
                            self._pane.add(event)
                        elif isinstance(event, Done):
                            self._pane.finish(event)
                    last = events[-1]
                    if isinstance(last, Progress):
                        self._pane.progress(f"reading … {so_far(last.bytes_read, last.bytes_total)}")
        except RegtuiError as error:
            if self._pane.image is image:
                self._pane.fail(self._told(error, _AGAIN, image.reference.repository))


async def _packages(session: Session, image: ImageLayers) -> AsyncGenerator[Progress | list[Package] | Done, None]:
    repository, tree = image.reference.repository, MergedTree()
    async with aclosing(image_files(session, repository, image.layers, tree, diff_ids=image.diff_ids)) as steps:
        async for step in steps:
            yield step
    async with aclosing(packages_of(session, repository, image.layers, tree)) as events:
        async for event in events:
            yield event
