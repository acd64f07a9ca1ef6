"""What was changed before: undo, history, and what was cut off; and how any change of a registry is begun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from regtui.errors import LoginNeeded, RegtuiError, StoreError
from regtui.operations.session import Session
from regtui.tui.changes import Changes
from regtui.tui.keys import binding
from regtui.tui.logins import Logins
from regtui.tui.screens.finding import FindingScreen
from regtui.tui.transfers import Transfers

if TYPE_CHECKING:
    from regtui.operations.history import KeptChange


class PastScreen(FindingScreen):
    """When the registry is connected, it offers to finish or put back what was cut off there."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("undo"), binding("history")]

    def change(self, what: Callable[[Changes], Awaitable[bool]]) -> None:
        """Begins a change of this registry; afterwards the tags are read again."""
        if session := self.loader.session:
            changes = Transfers(self.app, self.connections, session, self.glyphs, partial(self._log_in, self.logins))
            self.run_worker(self._change_and_look(changes, what), group="change", exclusive=True)

    async def _change_and_look(self, changes: Changes, what: Callable[[Changes], Awaitable[bool]]) -> None:
        if await what(changes):
            self.repositories.add(changes.repositories)
            self.loader.tags(self.tags.repository)

    async def _log_in(self, logins: Logins, error: LoginNeeded) -> Session | None:
        """For a change: the session of another login, or None when the user doesn't want to log in."""
        return await self.connections.session(logins.registry) if await logins.answer(error) else None

    def action_undo(self) -> None:
        self.change(lambda changes: changes.undo())

    # What was cut off

    def connected(self, session: Session) -> None:
        super().connected(session)
        self.run_worker(self._look_for_cut_off(session), group="cut off", exclusive=True)

    async def _look_for_cut_off(self, session: Session) -> None:
        """Offers to take up what was cut off in this registry; of others, the history says more."""
        try:
            own, others = await self.connections.cut_off(session)
        except StoreError as error:
            self.notify(str(error), severity="warning")
            return
        if own and session.read_only:
            self.notify(f"A change was cut off: {own[0].title}. U shows it", severity="warning")
        elif own:
            self.change(lambda changes: self._resume(changes, own))
        if others:
            self.notify(f"A change in {others[0].registry} was cut off. U shows it", severity="warning")

    async def _resume(self, changes: Changes, cut: Sequence[KeptChange]) -> bool:
        return any([await changes.resume(each) for each in cut])

    # History

    def action_history(self) -> None:
        from regtui.tui.screens.history import HistoryScreen

        session = self.loader.session
        settings = session.settings if session else self.settings  # the demo has a journal of its own
        self.app.push_screen(HistoryScreen(settings, self._changes_in), self._look_again)

    def _look_again(self, changed: set[str] | None) -> None:
        if changed and self.registry in changed:
            self.loader.tags(self.tags.repository)

    async def _changes_in(self, registry: str) -> Transfers | None:
        """What changes any registry, opened if need be; None when it can't be."""
        screen = self.at(registry)
        if isinstance(screen, PastScreen):
            logins = screen.logins
        else:
            logins = Logins(self, self.connections, registry, partial(self.connections.renew, registry))
        log_in = partial(self._log_in, logins)
        session: Session | None = None
        try:
            session = await self.connections.session(registry)
        except LoginNeeded as error:
            session = await log_in(error)
        except RegtuiError as error:
            self.notify(str(error), severity="warning")
        return Transfers(self.app, self.connections, session, self.glyphs, log_in) if session else None
