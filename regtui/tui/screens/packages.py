"""The packages of what is shown: K goes to them, and reads them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from regtui.oci.manifest import Index
from regtui.oci.reference import Reference
from regtui.operations.inspect import Inspected
from regtui.operations.session import Session
from regtui.tui.arrangement import DETAILS
from regtui.tui.connections import Connections
from regtui.tui.history import History, Spot
from regtui.tui.keys import binding
from regtui.tui.screens.inside import InsideScreen


class PackagesScreen(InsideScreen):
    """The details' tab of that name."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("packages", show=True)]

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections, spot, history)
        self._wanted: Reference | None = None  # whose packages are to be shown when the details are there

    def action_packages(self) -> None:
        """Of an index, those of the image for this machine."""
        if self.loader.session is None or not self.spot.shown.version:
            return
        self._wanted = self.spot.shown
        self._history.leave(self.here)
        self.enter(DETAILS)
        if self.inspected:
            self._show_packages(self.loader.session, self.inspected)

    def arrived(self) -> None:
        super().arrived()
        if self.loader.session and self.inspected and self.spot.shown == self._wanted:
            self._show_packages(self.loader.session, self.inspected)

    def _show_packages(self, session: Session, inspected: Inspected) -> None:
        self._wanted = None
        if self.details.has_packages:
            self.details.go_to_packages()
            self.loader.packages.read(session)
            return
        before = self.spot
        if isinstance(inspected.document.content, Index):
            self.action_next_platform()
        if self.spot == before:
            self.notify("Packages are in images only.", markup=False)
        else:
            self._wanted = self.spot.shown

    def on_packages_looked(self) -> None:
        if self.loader.session:
            self.loader.packages.look(self.loader.session)

    def on_packages_stopped(self) -> None:
        self.loader.packages.stop()
