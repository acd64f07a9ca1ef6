"""Who asks for a login, and when: one question at a time for a registry, and none again that was answered with no."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from regtui.errors import LoginNeeded, RealmNotTrusted
from regtui.tui.connections import Connections
from regtui.tui.screens.dialog import Dialog


class Logins:
    """Belongs to a registry's screen; `then` is called after each login, to start again what failed."""

    def __init__(self, screen: Screen[None], connections: Connections, registry: str, then: Callable[[], None]) -> None:
        self._screen = screen
        self._connections = connections
        self.registry = registry
        self._then = then
        self._declined: set[str] = set()
        self._waiting: tuple[LoginNeeded, str] | None = None
        self._is_asking = False

    def need(self, error: LoginNeeded, repository: str = "") -> None:
        """Something that the user asked for can't be shown without a login; `repository` is what it was for."""
        self._waiting = error, repository
        self.resume()

    def resume(self) -> None:
        """Asks what there is to ask, unless another dialog or registry is in front; then it is asked afterwards."""
        if self._waiting and self._waiting[1] in self._declined:
            self._waiting = None
        elif self._waiting and self._screen.is_current and not self._is_asking:
            self.ask(*self._waiting)

    def ask(self, error: LoginNeeded | None = None, repository: str = "") -> None:
        """Opens the dialog; without an error the user himself wants to log in."""
        self._waiting, self._is_asking = None, True
        self._screen.app.push_screen(self._question(error), partial(self._answered, repository))

    async def answer(self, error: LoginNeeded) -> bool:
        """Asks in the course of a change, in front of its dialogs. True when the session is another now."""
        is_in = await self._screen.app.push_screen_wait(self._question(error))
        if is_in:
            self._answered("", is_in)
        return bool(is_in)

    def _answered(self, repository: str, is_in: bool | None) -> None:
        self._is_asking = False
        if is_in:
            self._waiting = None
            self._declined.clear()
            self._then()
        else:
            self._declined.add(repository)
            self.resume()

    def _question(self, error: LoginNeeded | None) -> Dialog[bool]:
        if isinstance(error, RealmNotTrusted):
            from regtui.tui.screens.realm import RealmDialog

            return RealmDialog(self._connections.settings, self.registry, error)
        from regtui.tui.screens.login import LoginDialog

        return LoginDialog(self._connections, self.registry, error)
