"""The marks that panes draw, in Unicode and in ASCII, and the bars.

Widgets write the Unicode marks. `Glyphs.text` turns a line into what the terminal can show: of our own marks the ASCII
look, of all other text the escapes.
"""

from __future__ import annotations

from dataclasses import dataclass

_ASCII_LOOK = str.maketrans(
    {
        "▸": "+",
        "▾": "-",
        "⊘": "#",
        "…": "...",
        "·": "-",
        "›": ">",
        "→": "->",
        "↑": "^",
        "⇒": "=>",
        "–": "-",
        "—": "-",
        "×": "x",
        "█": "#",
        "▐": "#",
        "┃": "|",
        "│": "|",
        "─": "-",
        "├": "|",
        "└": "`",
        "’": "'",
    }
)
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One of `UNICODE` and `ASCII`."""

    ascii: bool
    cursor: str
    cut: str  # stands for what found no room
    thumb: str  # of the scroll bar

    def text(self, text: str) -> str:
        """A line as this terminal can show it."""
        if not self.ascii or text.isascii():
            return text
        return text.translate(_ASCII_LOOK).encode("ascii", "backslashreplace").decode()

    def bar(self, share: float, width: int) -> str:
        """A bar of `width` cells, filled by `share` (0 to 1); something of anything above 0."""
        share = min(max(share, 0.0), 1.0)
        if self.ascii:
            return ("#" * max(round(share * width), share > 0))[:width].ljust(width)
        whole, eighths = divmod(max(round(share * width * 8), share > 0), 8)
        return ("█" * whole + _EIGHTHS[eighths].strip())[:width].ljust(width)


UNICODE = Glyphs(ascii=False, cursor="▌", cut="…", thumb="▐")
ASCII = Glyphs(ascii=True, cursor=">", cut="~", thumb="#")

MORE, OPEN = "▸", "▾"
BRANCH = "└"
PUSHED = "↑"
LOCK = "⊘"
MARK, SIBLING = "*", "="
UNKNOWN, FAILED, PARTIAL, NONE = "…", "!", "~", "–"
