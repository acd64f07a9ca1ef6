"""Going from one registry to another: each has a screen of its own, which stays as one left it."""

from __future__ import annotations

from regtui.tui.connections import Connections
from regtui.tui.history import History, Spot
from regtui.tui.screens.panes import PanesScreen


class StayingScreen(PanesScreen):
    """One registry's; all share a history."""

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections.settings)
        self.connections = connections
        self.spot = spot
        self.registry = spot.registry
        self._history = history or History()

    # What subclasses say

    @property
    def here(self) -> Spot:
        """The spot as it stands now, to come back to."""
        raise NotImplementedError

    def arrive(self, spot: Spot | None) -> None:
        """Another registry was left for this one: for a spot, or for where one was here."""
        raise NotImplementedError

    def _go(self, spot: Spot) -> None:
        """Goes there; Backspace comes back."""
        raise NotImplementedError

    # From one to another

    def stay(self) -> None:
        """Called when it is mounted: from now on the screen is kept when another is shown."""
        if not self._is_open(self.registry):
            self.app.install_screen(self, _name(self.registry))

    def open(self, spot: Spot) -> None:
        """Goes to a registry, repository, tag or digest; Backspace comes back. An open registry is as one left it."""
        if spot.registry != self.registry and spot == Spot(spot.reference) and self._is_open(spot.registry):
            self._history.leave(self.here)
            self.switch(spot.registry, None)
        else:
            self._go(spot)

    def switch(self, registry: str, spot: Spot | None) -> None:
        """To another registry's screen, which is made if the registry isn't open."""
        self._history.stood.pop(registry, None)
        self._history.stood.pop(self.registry, None)
        self._history.stood[self.registry] = self.here
        if self._is_open(registry):
            screen = self.app.get_screen(_name(registry), StayingScreen)
            self.app.switch_screen(screen)
            screen.arrive(spot)
        elif spot:
            self.app.switch_screen(type(self)(self.connections, spot, self._history))

    def at(self, registry: str) -> StayingScreen | None:
        """A registry's screen, if one has opened it."""
        return self.app.get_screen(_name(registry), StayingScreen) if self._is_open(registry) else None

    def _is_open(self, registry: str) -> bool:
        return self.app.is_screen_installed(_name(registry))


def _name(registry: str) -> str:
    """Of a registry's screen among those that stay."""
    return f"registry {registry}"
