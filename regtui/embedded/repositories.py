"""The repositories of a folder: each folder below it that is an OCI layout."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from regtui.embedded.layout import Layout
from regtui.embedded.refusals import OWN_ENTRIES
from regtui.embedded.scratch import Scratch
from regtui.errors import ReferenceError
from regtui.oci.digest import Digest
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import check_repository


class ReadableRepository(Protocol):
    """What is read of one repository. See `Layout`."""

    def find(self, version: str) -> Descriptor | None: ...

    def referrers(self, subject: Digest) -> list[Descriptor]: ...

    def open(self, digest: Digest | str) -> tuple[BinaryIO, int, int]: ...


class Readable(Protocol):
    """What is read of a registry. See `Repositories`."""

    def names(self) -> list[str]: ...

    def tags(self, name: str) -> Sequence[str] | None: ...

    def get(self, name: str) -> ReadableRepository | None: ...


class Repositories:
    """Layouts by the names of their repositories: `team/app` is the layout in `ROOT/team/app`.

    A repository may stand below another (`team/app/api`). Names come checked. Every thread may call this at any time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scratch = Scratch(root / ".uploads")  # no repository's name begins with a dot
        self._lock = threading.Lock()
        self._layouts: dict[str, Layout] = {}

    def names(self) -> list[str]:
        """All repositories, sorted."""
        return sorted(self._on_disk())

    def tags(self, name: str) -> Sequence[str] | None:
        """The sorted tags of a repository; None when there is no such repository."""
        layout = self.get(name)
        return layout.contents().names if layout else None

    def get(self, name: str) -> Layout | None:
        """A repository's layout, if it exists."""
        layout = self._layouts.get(name) or Layout(self.root / name, self.scratch)
        return self._keep(name, layout) if layout.exists else None

    def create(self, name: str) -> Layout:
        """A repository's layout, made empty when it doesn't exist."""
        layout = self._keep(name, Layout(self.root / name, self.scratch))
        layout.create()
        return layout

    def holding(self, digest: Digest) -> Layout | None:
        """Any repository that has a blob."""
        layouts = (self.get(name) for name in self._on_disk())
        return next((layout for layout in layouts if layout and layout.has(digest)), None)

    def _keep(self, name: str, layout: Layout) -> Layout:
        with self._lock:
            return self._layouts.setdefault(name, layout)

    def _on_disk(self) -> list[str]:
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [each for each in folders if each not in OWN_ENTRIES and _is_part(each)]
            name = os.path.relpath(folder, self.root)
            if name != "." and "index.json" in files and "oci-layout" in files:
                found.append(name)
        return found


def _is_part(name: str) -> bool:
    try:
        check_repository(name)
    except ReferenceError:
        return False
    return True
