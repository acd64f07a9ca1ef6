"""The registries and references that were opened before."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from regtui.store.files import private_folder

LIMIT = 200
"""Places that are kept."""

_FILE_LIMIT = 256 * 1024


class Places:
    """A small list in the state folder, newest first. It is a convenience: what goes wrong with it stops nobody."""

    def __init__(self, folder: Path, name: str = "places") -> None:
        self._file = folder / f"{name}.json"

    def recent(self) -> list[str]:
        """References as they were opened (`localhost:5000`, `docker.io/library/debian:12`), the newest first."""
        try:
            with self._file.open("rb") as file:
                listed = json.loads(file.read(_FILE_LIMIT))
        except (OSError, ValueError, RecursionError):
            return []
        return [place for place in listed if isinstance(place, str)][:LIMIT] if isinstance(listed, list) else []

    def remember(self, reference: str) -> None:
        """Puts a reference at the top. Of two processes that do it in the same moment, one may win."""
        places = [reference, *(place for place in self.recent() if place != reference)][:LIMIT]
        draft = self._file.with_name(f"{self._file.stem}.{os.getpid()}.new")
        with contextlib.suppress(OSError):
            private_folder(self._file.parent)
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(places, indent=0))
            draft.replace(self._file)
