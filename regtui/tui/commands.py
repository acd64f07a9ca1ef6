"""The command palette: what can be done here, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from regtui.tui.keymap import key_name
from regtui.tui.keys import MOVING, by_use
from regtui.tui.themes import THEMES


class Commands(Provider):
    """Every live action of the screen below the palette with its key, then the themes."""

    async def discover(self) -> Hits:
        for name, callback, key in self._commands():
            yield DiscoveryHit(_with_key(Content(name), key), callback, name)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, callback, key in (*self._commands(), *self._themes()):
            if score := matcher.match(name):
                yield Hit(score, _with_key(matcher.highlight(name), key), callback, name)

    def _commands(self) -> Iterator[tuple[str, Callable[[], Any], str]]:
        seen = {"palette", *MOVING}
        for key, (node, binding, enabled, _) in by_use(self.screen.active_bindings):
            if binding.id and enabled and binding.id not in seen:
                seen.add(binding.id)
                name = binding.description[:1].upper() + binding.description[1:]
                yield name, partial(self.app.run_action, binding.action, node), key_name(key)

    def _themes(self) -> Iterator[tuple[str, Callable[[], Any], str]]:
        for name in THEMES:
            yield f"Theme: {name}", partial(setattr, self.app, "theme", name), ""


def _with_key(name: Content, key: str) -> Content:
    return Content.assemble(name, (f"  {key}", "dim")) if key else name
