"""The keys: every action's id, its keys unless the settings say otherwise, and the words for help and footer.

Widgets take their bindings from here, by `binding`, so that `App.set_keymap` can change each of them by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import ActiveBinding, Binding


class Action(NamedTuple):
    """What a key does: `keys` as Textual names them (`.` is `full_stop`), `words` as help and footer say it."""

    keys: tuple[str, ...]
    words: str


ACTIONS: dict[str, Action] = {
    # moving in any list
    "down": Action(("down", "j"), "down"),
    "up": Action(("up", "k"), "up"),
    "page_down": Action(("pagedown",), "page down"),
    "page_up": Action(("pageup",), "page up"),
    "first": Action(("g", "home"), "first"),
    "last": Action(("G", "end"), "last"),
    "open": Action(("enter",), "open"),
    "right": Action(("right", "l"), "unfold or open"),
    "left": Action(("left", "h"), "fold or out"),
    # tags
    "mark": Action(("space",), "mark"),
    "mark_range": Action(("v",), "mark a range"),
    "mark_shown": Action(("A",), "mark all shown"),
    "invert_marks": Action(("I",), "invert marks"),
    "sort": Action(("s",), "sort by the next column"),
    "reverse": Action(("S",), "reverse the order"),
    "hidden": Action(("full_stop",), "show what is hidden"),
    # files
    "scope": Action(("a",), "more of the image: the layers below, all, one"),
    "largest": Action(("m",), "jump to the largest file, then to the next largest"),
    "waste": Action(("W",), "what wastes most"),
    "unfold_all": Action(("e",), "unfold all folders"),
    "fold_all": Action(("E",), "fold all folders"),
    "packages": Action(("K",), "packages"),
    "next_platform": Action(("n",), "next platform"),
    # what one does with what is shown
    "delete": Action(("d",), "delete"),
    "delete_digest": Action(("D",), "delete the digest, all its tags"),
    "retag": Action(("t",), "retag or copy"),
    "pull": Action(("p",), "pull to a folder or file"),
    "push": Action(("P",), "push from a folder or file"),
    "compare": Action(("c",), "compare with another tag"),
    "compare_content": Action(("C",), "compare the files' content"),
    "tag_log": Action(("T",), "what this tag pointed to before"),
    "undo": Action(("u",), "undo the last change"),
    "history": Action(("U",), "history of changes"),
    "copy": Action(("y",), "copy"),
    "save": Action(("w",), "save to a folder"),
    "filter": Action(("slash",), "filter"),
    "find": Action(("f",), "find a path"),
    "refresh": Action(("r",), "refresh"),
    # in a file
    "find_previous": Action(("N",), "previous match"),
    "go_to_line": Action(("colon",), "go to a line"),
    "hex": Action(("H",), "hex or text"),
    "fold": Action(("F",), "fold long lines"),
    # going about
    "pane_1": Action(("1",), "go to the repositories"),
    "pane_2": Action(("2",), "go to the tags"),
    "pane_3": Action(("3",), "go to the details"),
    "pane_4": Action(("4",), "go to the files"),
    "next_pane": Action(("tab",), "next pane"),
    "previous_pane": Action(("shift+tab",), "previous pane"),
    "out": Action(("escape",), "out"),
    "back": Action(("backspace",), "back"),
    "previous_tab": Action(("left_square_bracket",), "previous tab"),
    "next_tab": Action(("right_square_bracket",), "next tab"),
    "zoom": Action(("z",), "zoom the pane"),
    "open_reference": Action(("o",), "open any reference"),
    "registries": Action(("R",), "switch registry"),
    "requests": Action(("ctrl+l",), "request log"),
    "log_in": Action(("L",), "log in"),
    "palette": Action(("ctrl+p",), "every command"),
    "help": Action(("question_mark",), "help"),
    "quit": Action(("q",), "quit"),
    "ask_to_quit": Action(("ctrl+c",), "ask to quit"),
}

MOVING = frozenset({"down", "up", "page_down", "page_up", "first", "last", "right", "left"})
"""What needs no name in the palette, and stands at the end of the help."""


def by_use(active: Mapping[str, ActiveBinding]) -> list[tuple[str, ActiveBinding]]:
    """Live bindings in the order of `ACTIONS`."""
    place = {action: number for number, action in enumerate(ACTIONS)}
    return sorted(active.items(), key=lambda item: place.get(item[1].binding.id or "", len(place)))


def binding(id: str, action: str = "", *, show: bool = False) -> Binding:
    """The binding of an action in `ACTIONS`; `action` names the method if it isn't the id's. `show`: in the footer."""
    entry = ACTIONS[id]
    return Binding(",".join(entry.keys), action or id, entry.words, show=show, id=id)
