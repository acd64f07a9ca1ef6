"""The last line: what one can do here, from the live bindings, and on the right what is going on."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.app import RenderResult
from textual.binding import ActiveBinding
from textual.content import Content
from textual.widget import Widget

from regtui.text import shown
from regtui.tui.cells import fit
from regtui.tui.glyphs import UNICODE, Glyphs
from regtui.tui.keymap import key_name

_ALWAYS = "help"
_ORDER = (
    "stop",
    "mark",
    "scope",
    "delete",
    "retag",
    "compare",
    "open",
    "filter",
    "save",
    "copy",
    "next_tab",
    "sort",
    "refresh",
)
"""The most useful first; others follow, the nearest to the focus first."""
_IN_FILES = ("stop", "open", "save", "scope", "waste", "largest", "filter", "find", "sort", "next_platform", "compare")
"""In the files pane, where what is done to tags comes last: nothing there is deleted."""
_IN_DETAILS = ("stop", "open", "next_tab", "packages", "find", "next_platform", "filter", "sort", "compare", "copy")
"""In the details, which one reads; what is done to their tag comes after that."""
_SHORT = {
    "delete_digest": "delete digest",
    "open_reference": "open by name",
    "mark_range": "range",
    "sort": "sort",
    "save": "save",
    "compare": "compare",
    "compare_content": "content",
    "go_to_line": "line",
    "hex": "hex",
    "scope": "layer or all",
    "largest": "largest",
    "waste": "waste",
}


class KeyLine(Widget):
    """One line, of three parts: what is chosen, the keys, the status. The status keeps its room, the keys are cut."""

    DEFAULT_CSS = "KeyLine { height: 1; width: 1fr; background: $panel; color: $foreground; }"

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._chosen = ""
        self._status = ""
        self._failed = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def show(self, chosen: str, status: str, *, failed: bool = False) -> None:
        """`chosen` is what is marked; `failed` when the status says why something could not be read."""
        if (chosen, status, failed) != (self._chosen, self._status, self._failed):
            self._chosen, self._status, self._failed = chosen, status, failed
            self.refresh()

    def render(self) -> RenderResult:
        width, cut, look = self.size.width, self.glyphs.cut, self.glyphs.text
        status = look(shown(self._status))
        status = fit(status, min(cell_len(status), max(0, width * 2 // 3)), cut)
        room = max(0, width - 2 - cell_len(status))
        chosen = look(shown(self._chosen))
        pieces: list[tuple[str, str]] = [(chosen, "bold"), ("   ", "")] if chosen else []
        used = sum(cell_len(text) for text, _ in pieces)
        for key, words in self._keys(self.screen.active_bindings, room - used):
            pieces += [(key, "bold"), (f" {words}  ", "")]
            used += cell_len(key) + cell_len(words) + 3
        gap = " " * max(0, room - used)
        return Content.assemble(" ", *pieces, gap, (status, "bold" if self._failed else ""), " ")

    @staticmethod
    def _keys(active: Mapping[str, ActiveBinding], room: int) -> list[tuple[str, str]]:
        """Keys and words that find room, the most useful first, the help always the last."""
        keys: dict[str, tuple[str, str]] = {}
        for key, (_, binding, enabled, _) in active.items():
            action = "stop" if binding.action == "stop" else binding.id or binding.action
            if binding.show and enabled and action not in keys:
                keys[action] = (key_name(key), _SHORT.get(action, binding.description))
        last = keys.pop(_ALWAYS, None)
        kept: list[tuple[str, str]] = []
        room -= cell_len("".join(last)) + 3 if last else 0
        here = _IN_FILES if "scope" in keys else _IN_DETAILS if {"next_tab", "find"} <= keys.keys() else ()
        order = dict.fromkeys((*here, *_ORDER))
        for entry in [keys.pop(action) for action in order if action in keys] + list(keys.values()):
            size = cell_len("".join(entry)) + 3
            if size <= room:
                kept.append(entry)
                room -= size
        return kept + ([last] if last and room >= 0 else [])
