"""What two images differ in, as tabs: in short, config, layers, files, packages."""

from __future__ import annotations

from typing import Any

from textual.widgets import ContentSwitcher

from regtui.operations.compare import Facts, Packages
from regtui.tui.glyphs import Glyphs
from regtui.tui.widgets.comparison.differences import Differences
from regtui.tui.widgets.comparison.rows import fact_rows, layer_rows, package_rows
from regtui.tui.widgets.comparison.sides import Sides
from regtui.tui.widgets.details.listing import Listing
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.pane import Pane

_READING = "Reading …"


class ComparisonPane(Pane):
    """Holds the lists; the screen fills them."""

    DEFAULT_CSS = """
    ComparisonPane ContentSwitcher { height: 1fr; }
    """

    def __init__(self, *, glyphs: Glyphs, page_jump: bool) -> None:
        options: dict[str, Any] = {"glyphs": glyphs, "page_jump": page_jump}
        self.summary = Listing(**options, id="summary", empty_text=_READING)
        self.config = Sides("WHAT", **options, id="config", empty_text=_READING)
        self.layers_tab = Sides("INSTRUCTION", narrow=9, **options, id="layers", empty_text=_READING)
        self.files = Differences(**options, id="files")
        self.packages = Sides("PACKAGE", narrow=24, **options, id="packages")
        lists = (self.summary, self.config, self.layers_tab, self.files, self.packages)
        self._lists: dict[str, Lines] = {str(one.id): one for one in lists}
        self.tab = "summary"
        self._switcher = ContentSwitcher(*lists, initial=self.tab)
        self.filter = FilterBar()
        super().__init__(self._switcher, self.filter, number=1, glyphs=glyphs)

    def on_mount(self) -> None:
        self.go_to(self.tab)

    # Tabs

    @property
    def list(self) -> Lines:
        """What the tab shows."""
        return self._lists[self.tab]

    def turn(self, by: int) -> None:
        """To the next tab, or the one before."""
        self.filter.clear()
        names = [*self._lists]
        self.go_to(names[(names.index(self.tab) + by) % len(names)])

    def go_to(self, tab: str) -> None:
        self.tab = self._switcher.current = tab
        names = (f"[{name.capitalize()}]" if name == tab else name.capitalize() for name in self._lists)
        self.title_text = " ".join(names)
        self.focus_list()

    def focus_list(self) -> None:
        self.screen.set_focus(self.list, scroll_visible=False)

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        return self.list.set_filter(text) if isinstance(self.list, Sides | Differences) else ""

    # What is shown

    def show_facts(self, part: Facts) -> None:
        self.config.show(fact_rows(part), "Nothing is told of either.")
        self.layers_tab.show(layer_rows(part), "Neither has layers.")

    def show_packages(self, part: Packages) -> None:
        found = f"{part.before:,} packages in A, {part.after:,} in B: no difference."
        why = [found if part.before or part.after else "No packages in either.", *(f"{note}." for note in part.notes)]
        self.packages.show(package_rows(part), " ".join(why))

    def show_no_facts(self, why: str) -> None:
        """Nothing is compared; `why` says why, and what one can do."""
        self.config.show((), why)
        self.layers_tab.show((), why)
        self.show_no_files(why)

    def show_no_files(self, why: str) -> None:
        """No layer is read, or none is read yet."""
        self.files.clear(why)
        self.packages.show((), why)
