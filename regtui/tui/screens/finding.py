"""From a pane to the search for a path, and from what it found to the place in the files pane."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from regtui.oci.digest import Digest
from regtui.oci.reference import Reference
from regtui.operations.find import Found, Image
from regtui.operations.image_files import MergedTree
from regtui.tui.arrangement import FILES, REPOSITORIES, TAGS
from regtui.tui.connections import Connections
from regtui.tui.history import History, Link, Spot
from regtui.tui.keys import binding
from regtui.tui.screens.find import FindScreen, Search
from regtui.tui.screens.packages import PackagesScreen

_KEPT = 3  # searches whose rows are kept


class _Place(NamedTuple):
    """Where one goes when the details of the image are there."""

    image: Digest | None
    found: Found


class FindingScreen(PackagesScreen):
    """A repository is searched from its tags, an image from its details and its files."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("find", show=True)]

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections, spot, history)
        self._searches: dict[Reference, Search] = {}  # the last ones: who comes back sees what was found
        self._place: _Place | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        allowed = super().check_action(action, parameters)
        if allowed and action == "find":
            return True if self.loader.session and self._searched else None
        return allowed

    @property
    def _searched(self) -> Reference | None:
        """What a search from the pane in hand looks into."""
        if self.pane == REPOSITORIES:
            repository = self.repositories.current
            return Reference(self.registry, repository) if repository else None
        if self.pane == TAGS:
            return Reference(self.registry, self.tags.repository) if self.tags.repository else None
        if self.pane == FILES and self.files_shown:
            return self.files_shown.reference
        return self.inspected.reference if self.inspected else None

    def action_find(self) -> None:
        where, session = self._searched, self.loader.session
        if where and session:
            screen = FindScreen(session, self._searches.get(where) or Search(where), self.settings)
            self.app.push_screen(screen, partial(self._back_from, screen))

    def _back_from(self, screen: FindScreen, found: Found | None) -> None:
        search = screen.search
        if search.text:
            self._searches.pop(search.where, None)
            self._searches = dict([*self._searches.items(), (search.where, search)][-_KEPT:])
        if found is None:
            return
        shown = self.inspected.document.digest if self.inspected else None
        image = next((image for image in found.images if image.reference.digest == shown), found.images[0])
        self._place = _Place(image.reference.digest, found)
        if image.reference.digest == shown:
            self._show_place()
        else:
            self._go(self._spot_of(image, search.where))

    def _spot_of(self, image: Image, searched: Reference) -> Spot:
        """An image of an index is reached over that, so that one can go on to its other platforms."""
        digest = image.reference.digest
        link = (Link(image.platform, digest),) if image.platform and digest else ()
        if searched.version:
            return replace(self.spot, links=self.spot.links + link, pane=FILES, tab="", cursor=0)
        return Spot(image.reference.at(image.tags[0]), link, FILES)

    @property
    def _is_at_place(self) -> bool:
        return bool(self._place and self.inspected and self.inspected.document.digest == self._place.image)

    def arrived(self) -> None:
        super().arrived()
        self._show_place()
        self._place = None  # whoever went elsewhere meanwhile isn't called back

    def entered(self, pane: int) -> None:
        if not self._is_at_place:  # what is read there follows
            super().entered(pane)

    def _show_place(self) -> None:
        """In the whole image where it is in it, else in the layer that has it."""
        place, session = self._place, self.loader.session
        if not (place and session and self._is_at_place):
            return
        self._place = None
        found = place.found
        self.details.find_layer(found.layer.digest)
        self._offer()
        read = self.loader.files.whole if found.state == "present" else self.loader.files.alone
        read(session, partial(self._go_to_found, found.path))
        self.enter(FILES)

    def _go_to_found(self, path: str) -> None:
        """In the whole image, what a layer wrote into a link to a folder is in that folder."""
        tree = self.files_shown.tree if self.files_shown else None
        node = tree.find(path, follow=False) if isinstance(tree, MergedTree) else None
        self._go_to_path(node.path if node else path)
