"""Going about in a registry: where one is, where one was, and what the panes show of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from regtui.oci.digest import short
from regtui.oci.manifest import Index
from regtui.oci.reference import Reference
from regtui.oci.transports import is_local
from regtui.operations.inspect import Inspected
from regtui.operations.places import remember
from regtui.operations.session import DEMO, Session
from regtui.tui.arrangement import DETAILS, REPOSITORIES, TAGS
from regtui.tui.connections import Connections
from regtui.tui.history import History, Link, Spot
from regtui.tui.keys import binding
from regtui.tui.loading import Loader
from regtui.tui.logins import Logins
from regtui.tui.screens.staying import StayingScreen
from regtui.tui.widgets.breadcrumb import Breadcrumb
from regtui.tui.widgets.details.details import Details, Place
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.repositories import Repositories
from regtui.tui.widgets.tags import Tags

_DEBOUNCE = 0.15  # seconds that the cursor has to stand on a tag before its details are read


class GoingScreen(StayingScreen):
    """Where one is, is a `Spot`: everything that is shown follows from it."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("back")]

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections, spot, history)
        self.logins = Logins(self, connections, self.registry, self._begin_again)
        self.loader = Loader(self, connections, self.logins.need)
        self._warned = 0  # warnings of the registry that were shown
        self._paused: datetime | None = None  # what the first line says of the registry's pause
        self._remembered = ""  # the repository that was opened last, and had tags
        self._chosen = ""  # what the last line says of marks

    def on_mount(self) -> None:
        self.stay()
        self.loader.files.offer(None)
        self.loader.connect(self.registry, self.connected, self.spot.namespace)
        self.enter(self.spot.pane)
        self.set_interval(1, self._look_for_pauses)

    def _look_for_pauses(self) -> None:
        """A registry that asks to wait says so by silence: nothing comes that would write the first line."""
        if (session := self.loader.session) and session.client.paused_until != self._paused:
            self.tell()

    def on_screen_resume(self) -> None:
        self.logins.resume()

    def arrive(self, spot: Spot | None) -> None:
        if not self.loader.session:
            self.loader.connect(self.registry, self.connected, spot.namespace if spot else "")
        if spot:
            self._show(spot)

    def connected(self, session: Session) -> None:
        self._fill()

    def _begin_again(self) -> None:
        """As somebody else, where one is."""
        self.spot = self.here if self.inspected else replace(self.spot, pane=self.pane)
        self._warned = 0
        self.loader.renew(self.registry, self._fill_again)

    def _fill_again(self, session: Session) -> None:
        reference = self.spot.reference
        if reference.repository and reference.repository == self.tags.repository:
            self.loader.tags(reference.repository, reference.tag)
        self._fill()

    # Where one is

    @property
    def here(self) -> Spot:
        """The spot as it stands now, to come back to."""
        place = self.details.place
        return replace(self.spot, pane=self.pane, tab=place.tab, cursor=place.cursor)

    @property
    def inspected(self) -> Inspected | None:
        """What the details show; None while they still show what was under the cursor before."""
        inspected, here = self.details.inspected, self.spot.shown
        if inspected is None or inspected.reference.repository != here.repository:
            return None
        found = inspected.document.digest if here.digest else inspected.reference.tag
        return inspected if found == here.version else None

    def _go(self, spot: Spot) -> None:
        self._history.leave(self.here)
        self._show(spot)

    def _show(self, spot: Spot) -> None:
        if spot.registry != self.registry:
            self.switch(spot.registry, spot)
            return
        self.spot = spot
        if spot.namespace:
            self.end_filter(REPOSITORIES)
        if self.loader.session:
            self._fill()
            self.loader.namespace(spot.namespace)
        self.enter(spot.pane)

    def _fill(self) -> None:
        """Starts what the spot needs and isn't there."""
        reference = self.spot.reference
        if reference.repository and reference.repository != self.tags.repository:
            self.end_filter(TAGS)
            self.repositories.show(reference.repository)
            self.loader.tags(reference.repository, reference.tag)
        elif reference.tag:
            self.tags.go_to(reference.tag)
        elif reference.repository and not reference.version and self.tags.current:
            self.spot = replace(self.spot, reference=reference.at(self.tags.current))
        if self.spot.shown.version:
            self.loader.details(self.spot.shown, self.arrived)
        else:
            self._show_no_details()
        if self.spot.namespace:
            self._remember(f"{self.registry}/{self.spot.namespace}/")
        self.tell()

    def _remember(self, place: str) -> None:
        if self.registry != DEMO:
            remember(self.settings, place)

    def _show_no_details(self) -> None:
        self.loader.stop(DETAILS)
        self.details.show_nothing()
        self.loader.files.offer(None)

    def arrived(self) -> None:
        """The details of the spot are there."""
        if self.spot.tab:
            self.details.go(Place(self.spot.tab, self.spot.cursor))
        self.entered(self.pane)

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
            self._go(Spot(Reference(self.registry, message.repository), pane=TAGS))

    def on_filter_bar_entered(self, message: FilterBar.Entered) -> None:
        """What is looked for among the repositories that are listed, the registry may find among all of them."""
        if self.pane == REPOSITORIES and not message.text.startswith("re:"):
            self.loader.search(message.text)

    def on_tags_looking_at(self, message: Tags.LookingAt) -> None:
        self.loader.look_at(message.tags)

    def on_tags_changed(self) -> None:
        self.panes[TAGS].title_text = self.tags.title_text
        self._chosen = self.tags.marks_text
        answered, total = self.tags.progress
        if total and self.tags.failure:
            self.say(TAGS, f"! {self.tags.failure.what}")
        else:
            self.say(TAGS, f"details {answered:,} of {total:,}" if answered < total else "")
        if total:
            self.repositories.set_count(self.tags.repository, total)
            if self.tags.repository != self._remembered:
                self._remembered = self.tags.repository
                self._remember(str(Reference(self.registry, self._remembered)))
        self.tell()

    def on_tags_highlighted(self, message: Tags.Highlighted) -> None:
        """The details follow the cursor, unless one went on from another tag into them."""
        reference = self.spot.reference
        if self.tags.repository != reference.repository or message.tag != self.tags.current:
            return  # said of a list that is no longer shown
        if message.tag and message.tag == reference.tag:
            self._refresh_facts(message)
        elif self.pane in (REPOSITORIES, TAGS) or not reference.version:
            self.spot = replace(self.spot, reference=reference.at(message.tag or ""), links=(), tab="", cursor=0)
            if message.tag:
                self.loader.details(self.spot.shown, self.arrived, wait=_DEBOUNCE)
            else:
                self._show_no_details()
        self.refresh_bindings()
        self.tell()

    def _refresh_facts(self, message: Tags.Highlighted) -> None:
        inspected = self.inspected
        if message.facts and inspected and not self.spot.links:
            if message.facts.digest == inspected.document.digest:
                self.details.show(inspected, message.facts)
            else:
                self.loader.details(self.spot.shown, self.arrived)

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

    # The first and the last line

    def tell(self) -> None:
        session = self.loader.session
        for warning in session.client.warnings[self._warned :] if session else ():
            self._warned += 1
            self.notify(f"{self.registry} says: {warning}", severity="warning", markup=False)
        self.breadcrumb.show(self.spot.parts, self._marks)
        error = self.tags.error(self.spot.reference.tag) if self.pane == TAGS else None
        self.keyline.show(self._chosen, f"! {error.what}" if error else self.going_on, failed=bool(error))

    @property
    def _marks(self) -> list[str]:
        """What must not be forgotten."""
        session = self.loader.session
        read_only = session.read_only if session else self.settings.for_registry(self.registry).read_only
        marks = ["read-only"] if read_only and not (session and session.mirror) else []
        if session and session.registry != DEMO and not is_local(session.registry):
            client = session.client
            marks += [f"mirror {session.mirror}, read-only"] * bool(session.mirror)
            marks += ["plain HTTP"] * (client.endpoint.scheme == "http")
            marks += ["TLS not checked"] * client.endpoint.insecure_tls
            marks += [self.loader.user] * bool(self.loader.user)
            marks += [f"pulls {client.pulls}"] * bool(client.pulls)
            self._paused = client.paused_until
            marks += [f"waits until {self._paused.astimezone():%H:%M:%S}"] if self._paused else []
        return marks
