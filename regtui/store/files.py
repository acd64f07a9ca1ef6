"""Folders and files that only their owner can read."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Makes the folder (0700) with its parents; one that is there keeps its mode. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def private_file(path: Path) -> Path:
    """Makes the file (0600) when it is missing, and takes it from others when it is there. Raises `OSError`.

    SQLite gives its -wal and -shm files the mode of the database.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return path
