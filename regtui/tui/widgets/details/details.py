"""The third pane: one manifest in tabs, everything in it a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import ContentSwitcher

from regtui.errors import ReferenceError, RegtuiError
from regtui.oci.digest import parse_digest
from regtui.oci.manifest import Descriptor, Index, Manifest
from regtui.oci.reference import Reference
from regtui.operations.facts import TagFacts
from regtui.operations.inspect import Inspected, Referrer
from regtui.text import shown
from regtui.tui.glyphs import UNICODE, Glyphs
from regtui.tui.keys import binding
from regtui.tui.widgets.details.entries import configuration, overview
from regtui.tui.widgets.details.json_view import JsonView
from regtui.tui.widgets.details.layers import Layers, Platforms
from regtui.tui.widgets.details.listing import Listing
from regtui.tui.widgets.details.packages import ImageLayers, Packages
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.pane import Pane

_NOTHING = "Nothing is selected. Choose a tag in pane 2."


class Place(NamedTuple):
    """Where the user stands in the details, to come back to."""

    tab: str
    cursor: int


class Details(Pane):
    """*Overview*, *Manifest*, *Config*, *Layers*, *Packages* of an image; *Platforms* of an index in their place."""

    DEFAULT_CSS = """
    Details ContentSwitcher { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [binding("previous_tab"), binding("next_tab", show=True)]

    @dataclass
    class Follow(Message):
        """A link to another manifest was entered."""

        reference: Reference

    @dataclass
    class Leaving(Message):
        """A link within the details was entered: this is where the user stood before."""

        place: Place

    @dataclass
    class LayerHighlighted(Message):
        """The cursor stands on a layer (or on none)."""

        layer: Descriptor | None
        number: int | None

    @dataclass
    class LayerChosen(Message):
        """A layer was entered: its files are wanted."""

        layer: Descriptor
        number: int

    def __init__(
        self, *, number: int = 3, glyphs: Glyphs = UNICODE, page_jump: bool = False, id: str | None = None
    ) -> None:
        super().__init__(number=number, glyphs=glyphs, id=id)
        look: Any = {"glyphs": glyphs, "page_jump": page_jump}
        # Held here, and not looked for: an answer may come while the screen is being taken down.
        self._switcher = ContentSwitcher(initial="overview")
        self._overview = Listing(**look, id="overview", empty_text=_NOTHING)
        self._manifest = JsonView(**look, id="manifest")
        self._config = Listing(**look, id="config")
        self._config_json = JsonView(**look, id="config-json")
        self._layers = Layers(**look, id="layers", empty_text="No layers.")
        self._platforms = Platforms(**look, id="platforms", empty_text="An empty index.")
        self.packages = Packages(**look, id="packages")
        self.filter = FilterBar()
        """Of the packages."""
        lists = (self._overview, self._manifest, self._config, self._config_json, self._layers, self._platforms)
        self._lists: dict[str, Lines] = {str(one.id): one for one in (*lists, self.packages)}
        self._tabs: tuple[str, ...] = ()
        self._tab = "overview"
        self._inspected: Inspected | None = None
        self._facts: TagFacts | None = None
        self._referrers: Sequence[Referrer] | None = None

    def compose(self) -> ComposeResult:
        with self._switcher:
            yield from self._lists.values()
        yield self.filter

    def on_mount(self) -> None:
        self._title()

    # What is shown

    def show_nothing(self, why: str = _NOTHING) -> None:
        """No manifest is chosen; `why` says what one can do."""
        self._blank(why)

    def show_loading(self, reference: Reference) -> None:
        self._blank(f"Reading {reference} …")

    def fail(self, error: RegtuiError) -> None:
        """The manifest could not be read; the pane says why and how to try again."""
        self._blank(f"{error.sentences} Press r to try again.")

    def show(self, inspected: Inspected, facts: TagFacts | None = None) -> None:
        """A manifest; its referrers follow by `show_referrers`. The tab stays, where the new one has it."""
        same = self._inspected is not None and self._inspected.document.digest == inspected.document.digest
        self._inspected, self._facts = inspected, facts
        if not same:
            self._referrers = None
        document = inspected.document
        self._tabs = ("overview", "manifest")
        self._overview.show(overview(inspected, facts, self._referrers), keep_cursor=same)
        if not same:
            self._manifest.show(document.raw)
        if isinstance(document.content, Index):
            self._tabs += ("platforms",)
            if not same:
                self._platforms.show(document.children)
        elif isinstance(document.content, Manifest):
            self._tabs += (self._show_config(inspected), "layers")
            if "config" in self._tabs:
                self._tabs += ("packages",)
            if not same:
                self._layers.show(inspected.steps)
                layers = document.content.layers or ()
                self.packages.offer(ImageLayers(inspected.reference, layers, inspected.diff_ids))
        self._switch(self._tab if self._tab in self._tabs else "overview")

    def show_referrers(self, referrers: Sequence[Referrer]) -> None:
        if self._inspected:
            self._referrers = referrers
            entries = overview(self._inspected, self._facts, referrers)
            self._overview.show(entries, keep_cursor=True)

    @property
    def inspected(self) -> Inspected | None:
        """What is shown now."""
        return self._inspected

    @property
    def current_layer(self) -> tuple[Descriptor, int] | None:
        """The layer under the cursor of the *Layers* tab."""
        step = self._layers.current if "layers" in self._tabs else None
        return (step.layer, step.layer_number) if step and step.layer and step.layer_number is not None else None

    # Where the user stands

    def find_layer(self, digest: str) -> None:
        """The cursor of the *Layers* tab to the layer with this digest."""
        self._layers.find(digest)

    @property
    def place(self) -> Place:
        return Place(self._tab, self._list.cursor)

    def go(self, place: Place) -> None:
        """Back to where the user was; a tab that what is shown doesn't have becomes the overview."""
        self._switch(place.tab if place.tab in self._tabs else "overview")
        self._list.move_to(place.cursor)

    def focus_list(self) -> None:
        self.screen.set_focus(self._list, scroll_visible=False)  # at once: keys may be waiting that are meant for it

    @property
    def has_packages(self) -> bool:
        return "packages" in self._tabs

    def go_to_packages(self) -> None:
        self._switch("packages")

    @property
    def can_filter(self) -> bool:
        return self._switcher.current == "packages"

    def action_next_tab(self) -> None:
        self._turn(1)

    def action_previous_tab(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        if self._tabs:
            self._switch(self._tabs[(self._tabs.index(self._tab) + by) % len(self._tabs)])

    # Links

    def on_listing_chosen(self, message: Listing.Chosen) -> None:
        message.stop()
        self._follow(message.link.digest)

    def on_platforms_chosen(self, message: Platforms.Chosen) -> None:
        message.stop()
        self._follow(message.link.digest)

    def on_json_view_chosen(self, message: JsonView.Chosen) -> None:
        """A descriptor in the JSON: the config and the layers have tabs of their own, all else is a manifest."""
        message.stop()
        digest = message.fields["digest"]
        document = self._inspected.document if self._inspected else None
        if document and digest in [blob.digest for blob in document.blobs]:
            self.post_message(self.Leaving(self.place))
            layers = self._layers
            is_config = digest == document.blobs[0].digest
            self._switch("layers" if not is_config and layers.find(digest) else self._tabs[2])
            self.focus_list()
        else:
            self._follow(digest)

    def on_layers_highlighted(self, message: Layers.Highlighted) -> None:
        message.stop()
        self.post_message(self.LayerHighlighted(message.layer, message.number))

    def on_layers_chosen(self, message: Layers.Chosen) -> None:
        message.stop()
        self.post_message(self.LayerChosen(message.layer, message.number))

    def _follow(self, digest: str) -> None:
        if self._inspected:
            try:
                target = self._inspected.reference.at(digest=parse_digest(digest))
            except ReferenceError as error:
                self.notify(shown(str(error)), severity="error", markup=False)
            else:
                self.post_message(self.Follow(target))

    # Tabs

    def _show_config(self, inspected: Inspected) -> str:
        if inspected.config is not None or inspected.config_error:
            listing = self._config
            listing.empty_text = (
                f"{inspected.config_error.sentences} Press r to try again." if inspected.config_error else ""
            )
            listing.show(configuration(inspected.config) if inspected.config else ())
            return "config"
        self._config_json.show(inspected.config_raw)
        return "config-json"

    def _blank(self, why: str) -> None:
        self._inspected, self._referrers, self._tabs = None, None, ()
        listing = self._overview
        listing.show(())
        listing.empty_text = why
        held = self._holds_focus
        self._turn_to("overview")
        if held:
            self.focus_list()
        self._title()

    def _turn_to(self, tab: str) -> None:
        if self._switcher.children:
            self._switcher.current = tab
        if tab == "packages":
            self.packages.look()
        elif self.filter.display:
            self.filter.clear()

    def _switch(self, tab: str) -> None:
        held = self._holds_focus
        self._tab = tab
        self._turn_to(tab)
        if held:
            self.focus_list()
        self._title()

    def _title(self) -> None:
        if not self._tabs:
            self.title_text = "Details"
            return
        names = [tab.removesuffix("-json").capitalize() for tab in self._tabs]
        at = self._tabs.index(self._tab)
        names[at] = f"[{names[at]}]"
        room, first = self.outer_size.width - 8, 0
        while room > 0 and first < at and len(" ".join(names[first:])) + 2 * bool(first) > room:
            first += 1  # the tab that is shown finds room
        self.title_text = " ".join([self.glyphs.cut] * bool(first) + names[first:])

    def on_resize(self) -> None:
        self._title()
        super().on_resize()

    @property
    def _holds_focus(self) -> bool:
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors

    @property
    def _list(self) -> Lines:
        return self._lists[self._switcher.current or "overview"]
