"""What the files pane shows is read here: a layer, the image up to a layer, or all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from regtui.errors import RegtuiError
from regtui.oci.manifest import Manifest
from regtui.operations.contents import is_known
from regtui.operations.files import Done, Entries, Entry, FilesEvent, FileTree, Progress, layer_files
from regtui.operations.image_files import LayersProgress, MergedTree, image_files
from regtui.operations.inspect import inspect
from regtui.operations.session import Session
from regtui.speed import Speed
from regtui.tui.arrangement import FILES
from regtui.tui.file_scopes import NEXT, Image, Kept, KeptFiles, Scope, View
from regtui.tui.screens.panes import PanesScreen
from regtui.words import count, size, so_far

NO_LAYER: Final = "No layer is chosen: layers are in pane 3, under Layers."
_PORTION: Final = 500  # entries that are added to a tree in one turn of the loop
_PACE: Final = 0.5  # seconds between two first lines
_MUCH: Final = 50_000_000  # bytes to download that are said beforehand
_ROOM: Final = 9  # lines of the pane in which an error finds room beside rows

Told = Callable[[RegtuiError, str, str | None], RegtuiError]


class FilesReading:
    """Fills the files pane when one goes to it. A reading can be stopped, and goes on."""

    def __init__(self, screen: PanesScreen, told: Told) -> None:
        """`told` gives an error as its pane says it: with more that one can do, and the repository that was wanted."""
        self._screen = screen
        self._pane = screen.files
        self._told = told
        self._kept = KeptFiles()
        self._image: Image | None = None
        self._why = NO_LAYER
        self._scope: Scope = "layer"
        self._shows: Hashable = None  # what is there, or on its way, or stopped
        self._task: object = None  # of what is on its way, or stopped
        self._gate = asyncio.Event()
        self._far = ""
        self._reading = ""  # what is said while nobody knows yet how fast it is
        self._then: Callable[[], None] | None = None

    @property
    def is_done(self) -> bool:
        """Whether what is shown was read to its end."""
        return self._shows is not None and self._task is None and self._pane.shown is not None

    # What is offered

    def offer(self, image: Image | None, why: str = NO_LAYER) -> None:
        """Another image, or another layer of it, is under the cursor: it is read when one goes to the pane.

        What was read before is there at once. `why` says why there is none.
        """
        self._image, self._why = image, why
        view = self._view
        if view is not None and view.key == self._shows:
            return
        self._end()
        if view is None:
            self._pane.wait("", why)
        elif not self._show_kept(view):
            self._pane.wait(view.title, view.invitation)
        self._retitle()

    @property
    def _view(self) -> View | None:
        image = self._image
        if image is None or (image.is_known and not image.layers):
            return None
        view = View(image, self._scope if image.is_known else "image")
        return view if view.scope == "image" or image.number is not None else None

    def widen(self, session: Session | None) -> None:
        """The next scope: more of the image, or again one layer."""
        if session and self._image and self._image.is_known and self._image.layers:
            self._scope = NEXT[self._scope]
            if self._scope == "below" and not self._image.number:  # below the lowest there is nothing
                self._scope = "image"
            self.read(session)

    def narrow(self) -> None:
        """A layer was chosen: of the whole image no more is wanted than it."""
        if self._scope == "image":
            self._scope = "layer"

    def whole(self, session: Session, then: Callable[[], None]) -> None:
        """Reads the whole image; `then` is called when it is there."""
        self._scope = "image"
        self.read(session, then=then)

    def alone(self, session: Session, then: Callable[[], None]) -> None:
        """Reads the layer in hand; `then` is called when it is there."""
        self._scope = "layer"
        self.read(session, then=then)

    # Reading

    def read(self, session: Session, *, again: bool = False, then: Callable[[], None] | None = None) -> None:
        """Reads what is offered, unless it is there or on its way. `again`: anew, or on from where it was stopped."""
        view = self._view
        if view is None:
            self.offer(self._image, self._why)
            return
        if view.key == self._shows:
            self._then = then or self._then
            if again and self._task and not self._gate.is_set():
                self._gate.set()
                self._pane.say("reading on …", reading=True)
                return
            if not again:
                if then and self._task is None:
                    then()
                return
        self._end()
        if again:
            self._kept.forget(view)
        elif self._show_kept(view):
            self._retitle()
            if then:
                then()
            return
        self._shows, self._task, self._then = view.key, object(), then
        self._gate.set()
        self._screen.run_worker(self._read(session, view, self._task), group=f"pane {FILES}", exclusive=True)

    def stop(self) -> None:
        """Holds the reading, and what was read. A connection that breaks meanwhile costs nothing: another goes on."""
        if self._task and self._gate.is_set():
            self._gate.clear()
            self._pane.say(f"stopped at {self._far}; r reads on" if self._far else "stopped; r reads on")
            self._screen.say(FILES, "r reads on")

    def forget(self) -> None:
        """All that was read is another login's."""
        self._kept, self._image = KeptFiles(), None
        self._end()

    def _end(self) -> None:
        self._shows, self._task, self._then, self._far = None, None, None, ""
        self._screen.workers.cancel_group(self._screen, f"pane {FILES}")
        self._screen.say(FILES, "")

    def _show_kept(self, view: View) -> bool:
        kept = self._kept.get(view)
        if kept is None:
            return False
        self._shows = view.key
        self._pane.start(view.title, kept.shown, self._kept.below(view))
        self._pane.finish(kept.summary)
        return True

    def _retitle(self) -> None:
        self._screen.panes[FILES].title_text = self._pane.title_text

    async def _read(self, session: Session, view: View, task: object) -> None:
        repository = view.image.reference.repository
        try:
            if not view.image.is_known:
                self._pane.wait(view.title, f"Reading the image for {view.image.platform} …")
                view = View(await _found(session, view.image), "image")
                self._image, self._scope = view.image, "image"
            shown = view.begun()
            self._pane.start(view.title, shown, self._kept.below(view))
            self._retitle()
            self._reading = "reading files"
            self._screen.say(FILES, self._reading)
            to_read = await self._say_how_much(session, view)
            if isinstance(shown.tree, FileTree):
                diff_id = view.diff_ids[0] if view.diff_ids else ""
                events = layer_files(session, repository, view.layers[0], diff_id=diff_id)
                unpacked = await self._follow(events, to_read)
            else:
                layers = image_files(session, repository, view.layers, shown.tree, diff_ids=view.diff_ids)
                unpacked = await self._follow(layers, to_read)
        except RegtuiError as error:
            told = self._told(error, "Press r to try again.", repository)
            self._task = self._shows = None
            self._pane.fail(told)
            self._screen.say(FILES, f"! {told}" if self._pane.size.height < _ROOM else "")  # else the pane says it all
            self._retitle()
            return
        summary = await asyncio.to_thread(_summary, shown.tree, len(view.layers), unpacked)
        self._kept.keep(view, Kept(shown, summary))
        self._task = None
        self._pane.finish(summary)
        self._screen.say(FILES, "")
        if self._then:
            self._then()
        await self._look_below(session, view)

    async def _say_how_much(self, session: Session, view: View) -> int:
        """Bytes to download at most: what is known costs none, and a table of contents few."""
        new = [layer for layer in view.layers if not await is_known(session, layer)]
        to_read = sum(layer.size for layer in new)
        if to_read > _MUCH:
            self._reading = f"{size(to_read)} in {count(len(new), 'layer')} to read. Esc stops."
            self._screen.say(FILES, self._reading)
        return to_read

    async def _follow(self, source: AsyncGenerator[FilesEvent | LayersProgress, None], to_read: int) -> int | None:
        """Takes what comes; returns the bytes unpacked, where they are told."""
        speed, said = Speed(), 0.0
        unpacked = None
        async with aclosing(source) as events:
            async for event in events:
                if isinstance(event, Entries):
                    await self._add(event.entries)
                elif isinstance(event, Done):
                    unpacked = event.unpacked
                else:
                    self._pane.grown()
                    now = time.monotonic()
                    speed.note(event.bytes_read, now)
                    total = max(event.bytes_read, min(event.bytes_total, to_read))
                    self._far = so_far(event.bytes_read, total)
                    if now - said >= _PACE and self._gate.is_set():
                        said = now
                        fast = speed.text(total)
                        self._pane.say(_progress(event, self._far), reading=True)
                        self._screen.say(FILES, fast or self._reading)
                if not self._gate.is_set():
                    await self._gate.wait()
                    speed = Speed()
        return unpacked

    async def _add(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), _PORTION):
            self._pane.add(entries[start : start + _PORTION])
            await asyncio.sleep(0)

    async def _look_below(self, session: Session, view: View) -> None:
        """The marks of a layer alone, where the layers below cost no request."""
        if view.scope != "layer" or not view.number or self._kept.below(view):
            return
        below = view._replace(scope="below")
        for layer in below.layers:
            if not await is_known(session, layer):
                return
        shown = below.begun()
        assert isinstance(shown.tree, MergedTree)
        try:
            async with aclosing(
                image_files(session, view.image.reference.repository, below.layers, shown.tree, diff_ids=below.diff_ids)
            ) as events:
                async for _ in events:
                    pass
        except RegtuiError:
            return  # it is no more than marks
        self._kept.keep(below, Kept(shown, await asyncio.to_thread(_summary, shown.tree, len(below.layers), None)))
        self._pane.set_below(shown.tree)


async def _found(session: Session, image: Image) -> Image:
    """An index's image with its layers."""
    found = await inspect(session, image.reference)
    content = found.document.content
    if not isinstance(content, Manifest) or not content.layers:
        raise RegtuiError(f"{found.reference} is no image that has layers")
    number, diff_ids = len(content.layers) - 1, found.diff_ids
    return replace(image, layers=content.layers, number=number, is_known=True, diff_ids=diff_ids)


def _progress(event: Progress, far: str) -> str:
    where = f"layer {event.layer + 1} of {event.layers} · " if isinstance(event, LayersProgress) else ""
    return f"reading {where}{far} · {count(event.entries, 'entry')}"


def _summary(tree: FileTree | MergedTree, layers: int, unpacked: int | None) -> str:
    """What stands in the first line in the end."""
    if isinstance(tree, FileTree):
        return f"{count(tree.entries, 'entry')} · {size(tree.size)} unpacked"
    wasted = sum(waste.wasted for waste in tree.waste())
    text = f"{count(tree.entries, 'entry')} · {size(tree.root.size)}"
    return f"{text} · {tree.efficiency():.1%} efficient · {size(wasted)} wasted (W)" if wasted else text
