"""The main screen: a registry in four panes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from regtui.oci.digest import short
from regtui.oci.manifest import Index
from regtui.oci.reference import Reference
from regtui.operations.places import remember
from regtui.operations.session import DEMO, Session
from regtui.tui.arrangement import DETAILS, FILES, REPOSITORIES, TAGS
from regtui.tui.changes import Changes
from regtui.tui.connections import Connections
from regtui.tui.history import History, Link, Spot
from regtui.tui.keys import binding
from regtui.tui.loading import Loader
from regtui.tui.screens.copy import CopyDialog, what_to_copy
from regtui.tui.screens.open import OpenDialog
from regtui.tui.screens.panes import PanesScreen
from regtui.tui.screens.start import StartScreen
from regtui.tui.widgets.breadcrumb import Breadcrumb
from regtui.tui.widgets.details.details import Details, Place
from regtui.tui.widgets.repositories import Repositories
from regtui.tui.widgets.tags import Tags
from regtui.words import size

_DEBOUNCE = 0.15  # seconds that the cursor has to stand on a tag before its details are read


CHANGING = frozenset({"delete", "delete_digest", "retag", "undo"})
"""What changes the registry: under --read-only these are neither keys nor commands."""


class BrowserScreen(PanesScreen):
    """Where one is, is a `Spot`: everything that is shown follows from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("delete", show=True),
        binding("retag", show=True),
        binding("copy", show=True),
        binding("delete_digest"),
        binding("undo"),
        binding("refresh", show=True),
        binding("out", show=True),
        binding("back"),
        binding("open_reference", show=True),
        binding("registries"),
    ]

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections.settings)
        self.connections = connections
        self.spot = spot
        self._history = history or History()
        self.loader = Loader(self, connections)

    def on_mount(self) -> None:
        self.loader.offer(None, None)
        self.loader.connect(self.spot.reference.registry, self._connected)
        self.enter(self.spot.pane)

    def _connected(self, session: Session) -> None:
        self._fill()

    # Where one is

    def open(self, reference: Reference) -> None:
        """Goes to a registry, repository, tag or digest; Backspace comes back."""
        self._go(spot_of(reference))

    @property
    def _here(self) -> Spot:
        """The spot as it stands now, to come back to."""
        place = self.details.place
        return replace(self.spot, pane=self.pane, tab=place.tab, cursor=place.cursor)

    def _go(self, spot: Spot) -> None:
        self._history.leave(self._here)
        self._show(spot)

    def _show(self, spot: Spot) -> None:
        if spot.reference.registry != self.spot.reference.registry:
            self.app.switch_screen(BrowserScreen(self.connections, spot, self._history))
            return
        self.spot = spot
        if self.loader.session:
            self._fill()
        self.enter(spot.pane)

    def _fill(self) -> None:
        """Starts what the spot needs and isn't there."""
        reference = self.spot.reference
        if reference.repository and reference.repository != self.tags.repository:
            self.end_filter(TAGS)
            self.repositories.show(reference.repository)
            self.loader.tags(reference.repository, reference.tag)
            if reference.registry != DEMO:
                remember(self.settings, str(Reference(reference.registry, reference.repository)))
        elif reference.tag:
            self.tags.go_to(reference.tag)
        if self.spot.shown.version:
            self.loader.details(self.spot.shown, self._arrived)
        else:
            self.loader.stop(DETAILS)
            self.details.show_nothing()
        self.tell()

    def _arrived(self) -> None:
        """The details of the spot are there."""
        if self.spot.tab:
            self.details.go(Place(self.spot.tab, self.spot.cursor))
        layer, number = self.details.current_layer or (None, None)
        inspected = self.details.inspected
        is_index = inspected is not None and isinstance(inspected.document.content, Index)
        self.loader.offer(
            layer, number, "An index has no layers: enter one of its platforms in pane 3." if is_index else ""
        )
        self.entered(self.pane)

    def entered(self, pane: int) -> None:
        """A layer is read when one goes to its files, and not before: it may be a big download."""
        if pane == FILES and (layer := self.details.current_layer):
            self.loader.files(self.spot.reference.repository, *layer)

    def action_back(self) -> None:
        if spot := self._history.back():
            self._show(spot)

    def action_out(self) -> None:
        if self.step_out():
            return
        if self.pane == DETAILS and self.spot.links:
            self._out_of_link()
        elif self.pane > REPOSITORIES:
            self.enter(self.pane - 1)

    def _out_of_link(self) -> None:
        parent = replace(self.spot, links=self.spot.links[:-1], pane=DETAILS, tab="", cursor=0)
        last = self._history.back()
        if last and (last.reference, last.links) == (parent.reference, parent.links):
            parent = replace(last, pane=DETAILS)
        elif last:
            self._history.leave(last)
        self._show(parent)

    def on_lines_out(self) -> None:
        self.action_out()

    def on_breadcrumb_chosen(self, message: Breadcrumb.Chosen) -> None:
        if message.index < 2:
            self.enter(REPOSITORIES if message.index == 0 else TAGS)
        else:
            self._go(replace(self.spot, links=self.spot.links[: message.index - 2], pane=DETAILS, tab="", cursor=0))

    # What the panes say

    def on_repositories_changed(self) -> None:
        self.panes[REPOSITORIES].title_text = self.repositories.title_text

    def on_repositories_opened(self, message: Repositories.Opened) -> None:
        if message.repository == self.spot.reference.repository:
            self.enter(TAGS)
        else:
            self._go(Spot(Reference(self.spot.reference.registry, message.repository), pane=TAGS))

    def on_tags_looking_at(self, message: Tags.LookingAt) -> None:
        self.loader.look_at(message.tags)

    def on_tags_changed(self) -> None:
        self.panes[TAGS].title_text = self.tags.title_text
        answered, total = self.tags.progress
        self.say(TAGS, f"details {answered:,} of {total:,}" if answered < total else "")
        if total:
            self.repositories.set_count(self.tags.repository, total)
        self.tell()

    def on_tags_highlighted(self, message: Tags.Highlighted) -> None:
        """The details follow the cursor, unless one went on from another tag into them."""
        reference = self.spot.reference
        if message.tag and message.tag == reference.tag:
            self._refresh_facts(message)
        elif message.tag and (self.pane in (REPOSITORIES, TAGS) or not reference.version):
            self.spot = replace(self.spot, reference=reference.at(message.tag), links=(), tab="", cursor=0)
            self.loader.details(self.spot.shown, self._arrived, wait=_DEBOUNCE)
        self.refresh_bindings()
        self.tell()

    def _refresh_facts(self, message: Tags.Highlighted) -> None:
        inspected = self.details.inspected
        if message.facts and inspected and not self.spot.links:
            if message.facts.digest == inspected.document.digest:
                self.details.show(inspected, message.facts)
            else:
                self.loader.details(self.spot.shown, self._arrived)

    def on_tags_opened(self, message: Tags.Opened) -> None:
        if message.tag == self.spot.reference.tag and not self.spot.links:
            self.enter(DETAILS)
        else:
            self._go(Spot(self.spot.reference.at(message.tag), pane=DETAILS))

    def on_details_follow(self, message: Details.Follow) -> None:
        inspected, digest = self.details.inspected, message.reference.digest
        if inspected and digest:
            content = inspected.document.content
            children = (content.manifests or ()) if isinstance(content, Index) else ()
            platform = next(
                (str(child.platform) for child in children if child.digest == digest and child.platform), ""
            )
            self._go(replace(self.spot.follow(Link(platform or short(digest), digest)), pane=DETAILS))

    def on_details_leaving(self, message: Details.Leaving) -> None:
        self._history.leave(replace(self.spot, pane=DETAILS, tab=message.place.tab, cursor=message.place.cursor))

    def on_details_layer_highlighted(self, message: Details.LayerHighlighted) -> None:
        self.loader.offer(message.layer, message.number, "This instruction made no layer.")

    def on_details_layer_chosen(self, message: Details.LayerChosen) -> None:
        self.enter(FILES)

    # Doing something

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        allowed = super().check_action(action, parameters)
        if allowed and action in CHANGING:
            if self.settings.for_registry(self.spot.reference.registry).read_only:
                return False
            return True if self._may(action) else None
        return allowed

    def _may(self, action: str) -> bool:
        reference = self.spot.reference
        if self.loader.session is None or action == "undo":
            return self.loader.session is not None
        if action == "retag":
            return bool(self.spot.shown.version)
        return bool(reference.tag or self.tags.marked or (action == "delete_digest" and reference.digest))

    def action_refresh(self) -> None:
        reference = self.spot.reference
        if not self.loader.session:
            self.loader.connect(reference.registry, self._connected)
        elif self.pane == REPOSITORIES:
            self.loader.catalog()
        elif self.pane == TAGS and reference.repository:
            self.loader.tags(reference.repository)
        elif self.pane == DETAILS and self.spot.shown.version:
            self.spot = self._here
            self.loader.details(self.spot.shown, self._arrived)
        elif layer := self.details.current_layer:
            self.loader.files(reference.repository, *layer, again=True)

    def action_delete(self) -> None:
        self._change(lambda changes: changes.delete(self.spot.reference.repository, self._meant))

    def action_delete_digest(self) -> None:
        reference = self.spot.reference
        if self._meant:
            self._change(lambda changes: changes.delete(reference.repository, self._meant, whole_digests=True))
        else:
            self._change(lambda changes: changes.delete(reference.repository, (), digest=reference.digest))

    def action_retag(self) -> None:
        self._change(lambda changes: changes.retag(self.spot.shown))

    def action_undo(self) -> None:
        self._change(lambda changes: changes.undo())

    @property
    def _meant(self) -> tuple[str, ...]:
        """The marked tags, else the one where one is."""
        return self.tags.marked or tuple(tag for tag in (self.spot.reference.tag,) if tag)

    def _change(self, what: Callable[[Changes], Awaitable[bool]]) -> None:
        if session := self.loader.session:
            changes = Changes(self.app, self.connections, session, self.glyphs)
            self.run_worker(self._change_and_look(what(changes)), group="change", exclusive=True)

    async def _change_and_look(self, change: Awaitable[bool]) -> None:
        if await change and self.tags.repository:
            self.loader.tags(self.tags.repository)

    def action_copy(self) -> None:
        self.run_worker(self._copy(), group="copy", exclusive=True)

    async def _copy(self) -> None:
        reference, digest = self.spot.shown, None
        if self.pane == REPOSITORIES:
            reference = Reference(reference.registry, self.repositories.current or "")
        elif self.details.inspected:
            digest = self.details.inspected.document.digest
        elif facts := self.tags.facts(reference.tag):
            digest = facts.digest
        choice = await self.app.push_screen_wait(CopyDialog(what_to_copy(reference, digest), self.glyphs))
        if choice:
            self.app.copy_to_clipboard(choice.value)
            self.notify(f"Copied {choice.value}", markup=False)

    def action_open_reference(self) -> None:
        self.app.push_screen(OpenDialog(self.spot.reference), self._opened)

    def action_registries(self) -> None:
        self.app.push_screen(StartScreen(self.connections, switching=True), self._opened)

    def _opened(self, reference: Reference | None) -> None:
        if reference:
            self.open(reference)

    # The first and the last line

    def tell(self) -> None:
        self.breadcrumb.show(self.spot.parts, self._marks)
        marked = self.tags.marked
        chosen = f"{len(marked):,} marked · {size(self.tags.marked_size)}" if marked else ""
        error = self.tags.error(self.spot.reference.tag) if self.pane == TAGS else None
        self.keyline.show(chosen, f"! {error.what}" if error else self.going_on, failed=bool(error))

    @property
    def _marks(self) -> list[str]:
        """What must not be forgotten."""
        marks = ["read-only"] if self.settings.for_registry(self.spot.reference.registry).read_only else []
        session = self.loader.session
        if session and session.registry != DEMO:
            client = session.client
            marks += ["plain HTTP"] * (client.endpoint.scheme == "http")
            marks += ["TLS not checked"] * client.endpoint.insecure_tls
            marks += [f"pulls {client.pulls}"] * bool(client.pulls)
        return marks


def spot_of(reference: Reference) -> Spot:
    """Where a reference opens: a tag or digest in the details, a repository in its tags."""
    return Spot(reference, pane=DETAILS if reference.version else TAGS if reference.repository else REPOSITORIES)
