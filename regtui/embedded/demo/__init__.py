"""The demo: a registry whose contents are made on the spot, the same every time, without any network."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from starlette.types import ASGIApp

from regtui.embedded.app import registry_app
from regtui.embedded.demo.catalog import TAGS, make
from regtui.embedded.demo.writer import Shelf, Writer
from regtui.embedded.layout import Layout
from regtui.embedded.repositories import Repositories


class Demo:
    """A demo registry. Changes are real, and last until `close`, which removes its folder.

    `app` is an ASGI application that several event loops in several threads may call; `folder` is what `close` removes.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="regtui-demo-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.root = self.folder / "registry"
        self.root.mkdir()
        self.app: ASGIApp = registry_app(DemoRepositories(self.root))

    def close(self) -> None:
        self._folder.cleanup()


def demo_app() -> Demo:
    """A new demo registry. Its lists are there at once; a repository's contents are made when they are first read."""
    return Demo()


class DemoRepositories(Repositories):
    """Repositories that don't exist until somebody looks."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._shelf = Shelf(root / ".shelf")
        self._making = threading.Lock()
        self._made: set[str] = set()

    def names(self) -> list[str]:
        return sorted({*TAGS, *super().names()})

    def tags(self, name: str) -> Sequence[str] | None:
        tags = TAGS.get(name)
        return tags() if tags and name not in self._made else super().tags(name)

    def get(self, name: str) -> Layout | None:
        self._make(name)
        return super().get(name)

    def create(self, name: str) -> Layout:
        self._make(name)
        return super().create(name)

    def _make(self, name: str) -> None:
        if name not in TAGS or name in self._made:
            return
        with self._making:
            if name not in self._made:
                make(name, Writer(self.root / name, self._shelf))
                self._made.add(name)
