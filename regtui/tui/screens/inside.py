"""Inside an image: its platforms, its layers, and the files pane that shows what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from regtui.oci.digest import Digest, is_digest
from regtui.oci.manifest import Descriptor, Index, Manifest
from regtui.oci.reference import Reference
from regtui.operations.image_files import MergedTree
from regtui.operations.inspect import Inspected, find_image
from regtui.tui.arrangement import FILES
from regtui.tui.connections import Connections
from regtui.tui.file_scopes import FilesShown, Image
from regtui.tui.history import History, Link, Spot
from regtui.tui.keys import binding
from regtui.tui.reading_files import NO_LAYER
from regtui.tui.screens.going import GoingScreen
from regtui.tui.screens.waste import WasteScreen
from regtui.tui.widgets.details.details import Details


class InsideScreen(GoingScreen):
    """A layer is read when one goes to its files, and not before: it may be a big download."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("next_platform", show=True)]

    def __init__(self, connections: Connections, spot: Spot, history: History | None = None) -> None:
        super().__init__(connections, spot, history)
        self._indexes: dict[Reference, tuple[Descriptor, ...]] = {}  # that were seen, and their platforms

    @property
    def files_shown(self) -> FilesShown | None:
        """What pane 4 shows; None when nothing was read into it."""
        return self.files.shown

    # What is offered to the files pane

    def arrived(self) -> None:
        if (inspected := self.inspected) and isinstance(inspected.document.content, Index):
            self._indexes[self.spot.shown] = _platforms(inspected.document.content)
        self._offer()
        super().arrived()

    def _offer(self) -> None:
        inspected = self.inspected
        content = inspected.document.content if inspected else None
        if inspected and isinstance(content, Index):
            self.loader.files.offer(self._in_index(inspected, content), "This index has no image for any platform.")
        elif inspected and isinstance(content, Manifest):
            number = self.details.current_layer[1] if self.details.current_layer else None
            layers, platform = content.layers or (), self._platform_of(inspected)
            image = Image(inspected.reference, layers, number, platform, diff_ids=inspected.diff_ids)
            self.loader.files.offer(image, "This instruction made no layer." if content.layers else "No layers.")
        else:
            self.loader.files.offer(None, NO_LAYER)

    def _in_index(self, inspected: Inspected, index: Index) -> Image | None:
        child = self._usual(index, _platforms(index))
        if child is None or child.platform is None:
            return None
        return Image(inspected.reference.at(digest=Digest(child.digest)), platform=str(child.platform), is_known=False)

    def _usual(self, index: Index, platforms: Sequence[Descriptor]) -> Descriptor | None:
        """The image for this machine, or else the first."""
        mine = find_image(index, self.settings.platform)
        return mine if mine in platforms else next(iter(platforms), None)

    def _platform_of(self, inspected: Inspected) -> str:
        platform = inspected.config.platform if inspected.config else None
        return str(platform) if platform and platform.architecture else ""

    def entered(self, pane: int) -> None:
        super().entered(pane)
        if pane == FILES and self.inspected and self.loader.session:
            self.loader.files.read(self.loader.session)

    def on_details_layer_highlighted(self, message: Details.LayerHighlighted) -> None:
        self._offer()

    def on_details_layer_chosen(self, message: Details.LayerChosen) -> None:
        self.loader.files.narrow()
        self.enter(FILES)

    # The files pane

    def on_files_changed(self) -> None:
        self.panes[FILES].title_text = self.files.title_text

    def on_files_stopped(self) -> None:
        self.loader.files.stop()

    def on_files_scope_wanted(self) -> None:
        self.loader.files.widen(self.loader.session)

    def on_files_waste_wanted(self) -> None:
        if self.loader.session and self.inspected:
            shown = self.files_shown
            if shown and isinstance(shown.tree, MergedTree) and self.loader.files.is_done:
                self._show_waste()
            else:
                self.loader.files.whole(self.loader.session, self._show_waste)

    def _show_waste(self) -> None:
        shown = self.files_shown
        if shown and isinstance(shown.tree, MergedTree) and self.app.screen is self:
            self.app.push_screen(WasteScreen(shown.tree, self.files.of, self.settings), self._go_to_path)

    def _go_to_path(self, path: str | None) -> None:
        if path is not None and not self.files.go_to(path):
            self.notify("It was removed; this is where it was.", markup=False)

    # Platforms

    def action_next_platform(self) -> None:
        """From an index to this machine's image; from an image of an index to the next."""
        inspected = self.inspected
        content = inspected.document.content if inspected else None
        if isinstance(content, Index):
            if child := self._usual(content, _platforms(content)):
                self._go(replace(self.spot.follow(_link(child)), pane=self.pane))
            return
        siblings = self._siblings
        if siblings:
            digests = [child.digest for child in siblings]
            at = digests.index(str(self.spot.links[-1].digest)) if self.spot.links[-1].digest in digests else -1
            link = _link(siblings[(at + 1) % len(siblings)])
            self._show(replace(self.here, links=(*self.spot.links[:-1], link)))

    @property
    def _siblings(self) -> tuple[Descriptor, ...]:
        """The platforms of the index that one came from."""
        links = self.spot.links
        return self._indexes.get(replace(self.spot, links=links[:-1]).shown, ()) if links else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        allowed = super().check_action(action, parameters)
        if allowed and action == "next_platform":
            inspected = self.inspected
            is_index = inspected is not None and isinstance(inspected.document.content, Index)
            return is_index or len(self._siblings) > 1
        return allowed


def _platforms(index: Index) -> tuple[Descriptor, ...]:
    """The images of an index that say what they run on; attestations are none."""
    return tuple(child for child in index.images if child.platform and is_digest(child.digest))


def _link(child: Descriptor) -> Link:
    return Link(str(child.platform), Digest(child.digest))
