"""The frame of the main screen: a first line, four panes, a last line; which panes find room, which has the focus."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from regtui.config import Settings
from regtui.tui.arrangement import ALL, DETAILS, FILES, REPOSITORIES, TAGS, panes_shown
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.widgets.breadcrumb import Breadcrumb
from regtui.tui.widgets.details.details import Details
from regtui.tui.widgets.details.packages import Packages
from regtui.tui.widgets.files.files import Files
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.pane import Pane
from regtui.tui.widgets.repositories import Repositories
from regtui.tui.widgets.tags import Tags

NO_REPOSITORY = "Choose a repository in pane 1."


class PanesScreen(Screen[None], inherit_bindings=False):
    """Knows nothing of registries: subclasses fill the panes and say what Enter and Esc mean."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("filter", show=True),
        binding("zoom"),
        *(binding(f"pane_{number}", f"pane({number})") for number in ALL),
        binding("next_pane", "turn(1)"),
        binding("previous_pane", "turn(-1)"),
        binding("previous_tab", "tab(-1)"),
        binding("next_tab", "tab(1)"),
    ]

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.glyphs = ASCII if settings.ascii else UNICODE
        self.pane = REPOSITORIES
        self._zoomed = False
        self._says: dict[int, str] = {}
        look = self.glyphs
        options: dict[str, Any] = {"glyphs": look, "page_jump": settings.page_jump}
        self.repositories = Repositories(**options)
        self.tags = Tags(**options, empty_text=NO_REPOSITORY)
        self.details = Details(**options, number=DETAILS, id="pane-3")
        self.files = Files(**options)
        self.breadcrumb = Breadcrumb(glyphs=look)
        self.keyline = KeyLine(glyphs=look)
        self._filters = {number: FilterBar() for number in (REPOSITORIES, TAGS, FILES)}
        self.panes: dict[int, Pane] = {
            REPOSITORIES: self._pane(REPOSITORIES, "Repositories", self.repositories),
            TAGS: self._pane(TAGS, "Tags", self.tags),
            DETAILS: self.details,
            FILES: self._pane(FILES, "Files", self.files),
        }
        self._filters[DETAILS] = self.details.filter
        self._right = Vertical(self.panes[DETAILS], self.panes[FILES], id="right")

    def _pane(self, number: int, title: str, listing: Lines) -> Pane:
        return Pane(listing, self._filters[number], number=number, title=title, glyphs=self.glyphs, id=f"pane-{number}")

    def compose(self) -> ComposeResult:
        yield self.breadcrumb
        yield Horizontal(self.panes[REPOSITORIES], self.panes[TAGS], self._right, id="panes")
        yield self.keyline

    # Focus and room

    def enter(self, pane: int) -> None:
        """Gives a pane the focus, and room; at once, for keys may be waiting that are meant for it."""
        self.pane = pane
        self._arrange()
        if pane == DETAILS:
            self.details.focus_list()
        else:
            self.set_focus(self.panes[pane].query_one(Lines), scroll_visible=False)
        self.entered(pane)

    def entered(self, pane: int) -> None:
        """Called when another pane has the focus."""

    def _arrange(self) -> None:
        shown = panes_shown(self.size.width, self.pane, zoomed=self._zoomed)
        for number, pane in self.panes.items():
            pane.display = number in shown
        self._right.display = DETAILS in shown or FILES in shown
        self._right.set_class(shown == (DETAILS, FILES), "-beside")
        self.set_class(shown == (TAGS, DETAILS), "-two")

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        pane = next((node for node in event.widget.ancestors if isinstance(node, Pane)), None)
        if pane and pane.number != self.pane:
            self.pane = pane.number
            self._arrange()
            self.entered(pane.number)
        self.tell()

    def action_pane(self, number: int) -> None:
        self.enter(number)

    def action_turn(self, by: int) -> None:
        self.enter((self.pane - 1 + by) % len(ALL) + 1)

    def action_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._arrange()

    def action_tab(self, by: int) -> None:
        if by > 0:
            self.details.action_next_tab()
        else:
            self.details.action_previous_tab()

    def step_out(self) -> bool:
        """Out of a filter, or of a zoomed pane; False when there is neither."""
        if self.end_filter(self.pane):
            return True
        if self._zoomed:
            self.action_zoom()
            return True
        return False

    # Filters

    def action_filter(self) -> None:
        self._filters[self.pane].open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text; and of the details only the packages have a filter."""
        if isinstance(self.focused, Input) and action != "turn":
            return False
        return None if action == "filter" and self.pane == DETAILS and not self.details.can_filter else True

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        listings: dict[int, Repositories | Tags | Packages | Files] = {
            REPOSITORIES: self.repositories,
            TAGS: self.tags,
            DETAILS: self.details.packages,
            FILES: self.files,
        }
        pane = next(number for number, bar in self._filters.items() if bar is message.bar)
        self.say(-pane, listings[pane].set_filter(message.text))  # apart from what is going on there

    def on_filter_bar_left(self) -> None:
        self.enter(self.pane)

    def end_filter(self, pane: int) -> bool:
        """Shows everything again; False when nothing was filtered."""
        bar = self._filters.get(pane)
        if bar is None or not bar.text:
            return False
        bar.clear()
        return True

    # The last line

    def say(self, pane: int, text: str) -> None:
        """What is going on in a pane, for the last line; empty: nothing."""
        if self._says.get(pane, "") != text:
            self._says[pane] = text
            self.tell()

    def tell(self) -> None:
        """Writes the first and the last line."""

    @property
    def going_on(self) -> str:
        """What to say of it: of the focused pane first."""
        return (
            self._says.get(-self.pane)
            or self._says.get(self.pane)
            or next((text for text in self._says.values() if text), "")
        )
