"""Which panes find room: four from 120 columns, two from 80, else one; sliding as one goes in and out."""

from __future__ import annotations

REPOSITORIES, TAGS, DETAILS, FILES = ALL = 1, 2, 3, 4

WIDE, MEDIUM = 120, 80
"""Columns from which there are four panes, and two."""


def panes_shown(width: int, pane: int, *, zoomed: bool = False) -> tuple[int, ...]:
    """The panes on the screen, from the left, while `pane` has the focus."""
    if zoomed or width < MEDIUM:
        return (pane,)
    if width >= WIDE:
        return ALL
    return {
        REPOSITORIES: (REPOSITORIES, TAGS),
        TAGS: (TAGS, DETAILS),
        DETAILS: (TAGS, DETAILS),
        FILES: (DETAILS, FILES),
    }[pane]
