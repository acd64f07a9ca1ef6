"""The command palette: what can be done here, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from regtui.tui.keymap import key_name
from regtui.tui.themes import THEMES

_NOT_LISTED = {"palette", "up", "down", "left", "right"}


class Commands(Provider):
    """Every live action of the screen below the palette, then the themes."""

    async def discover(self) -> Hits:
        for name, callback, keys in self._commands():
            yield DiscoveryHit(name, callback, help=keys)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, callback, keys in (*self._commands(), *self._themes()):
            if score := matcher.match(name):
                yield Hit(score, matcher.highlight(name), callback, help=keys)

    def _commands(self) -> Iterator[tuple[str, Any, str]]:
        seen: set[str] = set()
        for key, (node, binding, enabled, _) in self.screen.active_bindings.items():
            if binding.id and enabled and binding.id not in seen | _NOT_LISTED:
                seen.add(binding.id)
                name = binding.description[:1].upper() + binding.description[1:]
                yield name, partial(self.app.run_action, binding.action, node), f"Key: {key_name(key)}"

    def _themes(self) -> Iterator[tuple[str, Any, str]]:
        for name in THEMES:
            yield (
                f"Theme: {name}",
                partial(setattr, self.app, "theme", name),
                "Until regtui ends; in the settings: theme",
            )
