"""Where files grow until they are whole."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

_FORGOTTEN = 24 * 60 * 60
"""Seconds after which an unfinished file is given up."""


class Scratch:
    """A folder for what isn't whole yet, on the same file system as the layouts: from here files are renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self) -> Path:
        """A name that no other file has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / str(uuid.uuid4())

    def place(self, data: bytes, target: Path) -> None:
        """`data` as the file `target`, at once: after a crash there is the old file or the new, each whole."""
        temporary = self.new()
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, target)

    def sweep(self) -> None:
        """Removes what was begun more than a day ago and never finished."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder):
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < time.time() - _FORGOTTEN:
                        os.unlink(entry.path)
