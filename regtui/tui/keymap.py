"""The user's own keys: the settings' `[keys]` checked, and keys as people write them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from textual.binding import Binding
from textual.keys import Keys, key_to_character

from regtui.errors import ConfigError
from regtui.text import shown
from regtui.tui.keys import ACTIONS

_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "backspace": "Backspace",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "space": "space",
    "slash": "/",
    "backslash": "\\",
    "minus": "-",
    "plus": "+",
    "underscore": "_",
    "at": "@",
}
_MODIFIERS = {"ctrl", "alt", "shift", "super", "meta", "hyper"}


def key_name(key: str) -> str:
    """A key of Textual's as help and the last line write it: `?`, `Esc`, `ctrl+p`."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _NAMES.get(last) or key_to_character(last) or last])


def keymap(keys: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """What `App.set_keymap` takes. Raises `ConfigError` for unknown actions, bad key names and clashes.

    Textual would take any of these silently.
    """
    wanted = {action: tuple(_checked(action, key) for key in given) for action, given in keys.items()}
    taken: dict[str, str] = {}
    for action, (default, words) in ACTIONS.items():
        for key in wanted.get(action, default):
            if taken.setdefault(key, words) != words:
                raise ConfigError(
                    f"The key {key_name(key)} means two things: {taken[key]}, and {words}",
                    f"Give {action} another key in [keys], or the other one.",
                )
    return {action: ",".join(given) for action, given in wanted.items()}


def _checked(action: str, key: str) -> str:
    if action not in ACTIONS:
        near = difflib.get_close_matches(action, ACTIONS, 1)
        advice = f"Did you mean {near[0]}?" if near else f"The actions are {', '.join(ACTIONS)}."
        raise ConfigError(f"There is no action {shown(action, 60)!r} to give a key to in [keys]", advice)
    *modifiers, last = key.split("+") if key not in ("+", "") else [key]
    if not _MODIFIERS.issuperset(modifiers) or not _is_key(last):
        raise ConfigError(
            f"{shown(key, 60)!r} in [keys], for {action}, is no key",
            "Write a character, or a name such as f5, pageup, ctrl+r or shift+tab.",
        )
    return next(iter(Binding.make_bindings([Binding(key, action)]))).key if last != "," else "comma"


def _is_key(name: str) -> bool:
    if len(name) == 1:
        return name.isprintable()
    if name in {key.value for key in Keys} or name == "space":
        return True
    try:
        return bool(unicodedata.lookup(name.replace("_", " ")))
    except KeyError:
        return key_to_character(name) is not None
