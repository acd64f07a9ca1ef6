"""What the panes show is fetched here: one worker a pane, a new one ends the old, a failure stands in its pane."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

from regtui.errors import LoginNeeded, RealmNotTrusted, RegtuiError
from regtui.oci.reference import Reference
from regtui.operations import inventory
from regtui.operations.inspect import inspect, referrers
from regtui.operations.inventory import Attention
from regtui.operations.places import opened_in
from regtui.operations.session import Session
from regtui.tui.arrangement import ALL, DETAILS, REPOSITORIES, TAGS
from regtui.tui.batches import batches
from regtui.tui.connections import Connections
from regtui.tui.reading_files import FilesReading
from regtui.tui.reading_packages import PackagesReading
from regtui.tui.screens.dialog import explained
from regtui.tui.screens.panes import NO_REPOSITORY, PanesScreen
from regtui.words import count

_AGAIN = "Press r to try again."
_COMMAND = re.compile(r"(?:Or l|L)og in(?: as another user)?: regtui login \S+$")  # an error's advice; here it is a key


class Loader:
    """Fills the panes, and says on the screen what is going on in each."""

    def __init__(
        self, screen: PanesScreen, connections: Connections, need_login: Callable[[LoginNeeded, str], None]
    ) -> None:
        """`need_login` is called when what the user asked for can't be shown without a login: why, and a repository."""
        self._screen = screen
        self._connections = connections
        self._need_login = need_login
        self._attention = Attention(connections.settings.details)
        self.files = FilesReading(screen, self._told)
        self.packages = PackagesReading(screen, self._told)
        self.session: Session | None = None
        self.user = ""
        """Who is logged in, or empty."""

    def _start(self, pane: int, work: Coroutine[Any, Any, object]) -> None:
        self._screen.run_worker(work, group=f"pane {pane}", exclusive=True)

    def stop(self, pane: int) -> None:
        """Nothing more comes into a pane; its requests are cancelled."""
        self._screen.workers.cancel_group(self._screen, f"pane {pane}")
        self._screen.say(pane, "")

    def renew(self, registry: str, then: Callable[[Session], None]) -> None:
        """Begins again with another login: everything stops, and the registry is connected to anew."""
        for pane in ALL:
            self.stop(pane)
        self._screen.workers.cancel_group(self._screen, "search")
        self.session = None
        self.files.forget()
        self.packages.stop()
        self._connections.renew(registry)
        self.connect(registry, then)

    # Repositories

    def connect(self, registry: str, then: Callable[[Session], None], namespace: str = "") -> None:
        """Opens the registry and lists its repositories; `then` is called in between, with the session.

        The cursor goes to the `namespace`, or to the one in the settings; it is listed by itself where not all can be.
        """
        self._start(REPOSITORIES, self._connect(registry, then, namespace))

    async def _connect(self, registry: str, then: Callable[[Session], None], namespace: str) -> None:
        pane, say = self._screen.repositories, partial(self._screen.say, REPOSITORIES)
        pane.empty_text = f"Connecting to {registry} …"
        say(f"connecting to {registry}")
        try:
            session = await self._connections.session(registry)
        except RegtuiError as error:
            told = self._told(error, f"{_AGAIN} R goes to another registry.", "")
            pane.fail(told)
            if not self._screen.tags.repository:
                self._screen.tags.empty_text = str(told)
            self._screen.details.show_nothing(str(told))
            say("not connected")
            return
        self.session, self.user = session, await session.client.user()
        pane.keep(await asyncio.to_thread(opened_in, session.settings, registry))
        if not self._screen.tags.repository:
            self._screen.tags.empty_text = NO_REPOSITORY
        then(session)
        is_listed = await self._catalog(session)
        if wanted := namespace or session.settings.for_registry(registry).namespace:
            if not is_listed:
                await self._namespace(session, wanted)
            elif namespace or pane.cursor == 0:
                pane.go_to(wanted)

    def catalog(self) -> None:
        """Lists the repositories again."""
        if self.session:
            self._start(REPOSITORIES, self._catalog(self.session))

    async def _catalog(self, session: Session) -> bool:
        """Whether the registry has a list."""
        pane, say = self._screen.repositories, partial(self._screen.say, REPOSITORIES)
        pane.start()
        say("listing repositories")
        try:
            async with aclosing(batches(inventory.repositories(session))) as arriving:
                async for pages in arriving:
                    pane.add([name for page in pages for name in page])
        except RegtuiError as error:
            whose = inventory.vendor_name(session) or session.registry
            search = f"Type / and a name, then Enter, to search {whose}. " if inventory.can_search(session) else ""
            pane.fail(self._told(error, f"Press o, or Enter here, to name one. {search}{_AGAIN}"))
            say(f"! {pane.unlisted}, not listed: {error.what}" if pane.unlisted else f"! {error.what}")
            return False
        pane.finish()
        say("")
        return True

    def namespace(self, name: str) -> None:
        """Lists the repositories below a namespace, if one is named: the registry may not list all of its own."""
        if self.session and name:
            self._screen.run_worker(self._namespace(self.session, name), group="search", exclusive=True)

    async def _namespace(self, session: Session, name: str) -> None:
        pane, say = self._screen.repositories, partial(self._screen.say, REPOSITORIES)
        say(f"listing {name}")
        found = 0
        try:
            async with aclosing(batches(inventory.repositories(session, name))) as arriving:
                async for pages in arriving:
                    pane.find([repository for page in pages for repository in page])
                    if not found:
                        pane.go_to(name)
                    found += sum(map(len, pages))
        except RegtuiError as error:
            say(f"! {error.what}")
        else:
            say(f"{count(found, 'repository')} in {name}")

    def search(self, words: str) -> None:
        """Asks the registry for repositories by words, where it can be asked; what it finds joins the list."""
        if self.session and inventory.can_search(self.session):
            self._screen.run_worker(self._search(self.session, words), group="search", exclusive=True)

    async def _search(self, session: Session, words: str) -> None:
        pane, say = self._screen.repositories, partial(self._screen.say, REPOSITORIES)
        whose = inventory.vendor_name(session) or session.registry
        say(f"searching {whose} for {words}")
        found = 0
        try:
            async with aclosing(batches(inventory.search(session, words))) as arriving:
                async for pages in arriving:
                    hits = [hit.repository for page in pages for hit in page]
                    pane.find(hits, words)
                    found += len(hits)
                    say(f"searching {whose} for {words}: {found:,} so far")
        except RegtuiError as error:
            say(f"! {error.what}")
        else:
            say(f"{whose} found {'the first ' * (found >= inventory.HITS)}{count(found, 'repository')} for {words}")

    # Tags

    def tags(self, repository: str, at: str = "") -> None:
        """Lists a repository's tags and reads what they point to, until others are shown; the cursor goes to `at`."""
        if self.session and repository:
            self._start(TAGS, self._tags(self.session, repository, at))

    def look_at(self, tags: tuple[str, ...]) -> None:
        """What is in view is read first."""
        self._attention.look_at(tags)

    async def _tags(self, session: Session, repository: str, at: str) -> None:
        pane, settings = self._screen.tags, session.settings
        self._attention = Attention(settings.details)
        pane.start(repository, lambda tag: settings.is_protected(session.registry, tag))
        if at:
            pane.go_to(at)
        try:
            async with aclosing(batches(inventory.tags(session, repository, self._attention))) as arriving:
                async for events in arriving:
                    pane.apply(events)
        except RegtuiError as error:
            pane.fail(self._told(error, _AGAIN, repository))

    # Details

    def details(self, reference: Reference, then: Callable[[], None], *, wait: float = 0.0) -> None:
        """Shows a manifest, after `wait` seconds in which the cursor may go on; `then` is called when it is there."""
        if self.session:
            self._start(DETAILS, self._details(self.session, reference, then, wait))

    async def _details(self, session: Session, reference: Reference, then: Callable[[], None], wait: float) -> None:
        pane, say = self._screen.details, partial(self._screen.say, DETAILS)
        await asyncio.sleep(wait)
        pane.show_loading(reference)
        say(f"reading {reference.tag or reference.digest}")
        try:
            facts = self._screen.tags.facts(reference.tag) if reference.tag else None
            inspected = await inspect(session, reference, expected=facts.digest if facts else None)
        except RegtuiError as error:
            pane.fail(self._told(error, "", reference.repository))
            say("")
            return
        pane.show(inspected, self._screen.tags.facts(reference.tag) if reference.tag else None)
        then()
        say("looking for signatures and the like")
        try:
            found = await referrers(session, reference.repository, inspected.document.digest)
        except RegtuiError as error:
            say(f"no signatures and the like: {explained(error)}")
        else:
            pane.show_referrers(found)
            say("")

    def _told(self, error: RegtuiError, more: str, asked_for: str | None = None, /) -> RegtuiError:
        """An error as its pane says it, with what one can do. A login that may help is asked for.

        `asked_for` is the repository that the user wanted, empty for the registry; None when he didn't ask for it. Who
        is logged in and may not do it is not asked: a registry of tokens says the same of what is not there.
        """
        advice = error.advice
        if isinstance(error, LoginNeeded):
            advice = _COMMAND.sub("", advice).strip()
            more = f"Press L to log in{' as another user' if self.user else ''}. {more}"
            if asked_for is not None and (not self.session or not self.user or isinstance(error, RealmNotTrusted)):
                self._need_login(error, asked_for)
        return RegtuiError(error.what, f"{RegtuiError(advice).sentences if advice else ''} {more}".strip())
