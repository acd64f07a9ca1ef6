"""The colours: regtui's own dark and light theme, and those that Textual brings."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

from regtui.errors import ConfigError
from regtui.text import shown

DARK = Theme(
    name="dark",
    primary="#6aa8f0",
    secondary="#3b5b86",
    accent="#e3b341",
    warning="#e3b341",
    error="#f0786e",
    success="#6cc07a",
    foreground="#d6dae0",
    background="#14171c",
    surface="#1b1f26",
    panel="#222832",
    variables={
        "border": "#6aa8f0",
        "border-blurred": "#4a5361",
        "block-cursor-background": "#2d4a73",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#242b36",
        "scrollbar": "#4a5361",
        "scrollbar-background": "#1b1f26",
    },
)
LIGHT = Theme(
    name="light",
    dark=False,
    primary="#1f5fae",
    secondary="#b9cdea",
    accent="#8a5a00",
    warning="#8a5a00",
    error="#b3261e",
    success="#1d6f33",
    foreground="#1d2128",
    background="#fbfbfa",
    surface="#f1f2f3",
    panel="#e4e7eb",
    variables={
        "border": "#1f5fae",
        "border-blurred": "#9aa3af",
        "block-cursor-background": "#cfe0f7",
        "block-cursor-foreground": "#0d1116",
        "block-cursor-blurred-background": "#e6eaf0",
        "scrollbar": "#9aa3af",
        "scrollbar-background": "#f1f2f3",
    },
)
NO_COLOR = "ansi-dark"
"""Textual's theme that sends no colour of its own: with `NO_COLOR` set nothing but bold, dim and reverse is left."""

THEMES = {theme.name: theme for theme in (DARK, LIGHT, *BUILTIN_THEMES.values()) if not theme.ansi}
"""Those to choose from, by name."""


def theme_named(name: str) -> Theme:
    """The settings' theme; the dark one when none is named. Raises `ConfigError`."""
    if name and name not in THEMES:
        raise ConfigError(f"There is no theme {shown(name, 60)!r}", f"There are {', '.join(THEMES)}.")
    return THEMES[name] if name else DARK
