"""Folders, files and databases that only their owner can read."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Makes the folder (0700) with its parents; one that is there keeps its mode. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def private_file(path: Path) -> Path:
    """Makes the file (0600) when it is missing, and takes it from others when it is there. Raises `OSError`.

    SQLite gives its -wal and -shm files the mode of the database. One that is there is not opened: closing it again
    would let go the locks that SQLite holds on it elsewhere in this process.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    return path


def open_private(path: Path, patience: float) -> sqlite3.Connection:
    """A database in WAL mode, without transactions of its own; `patience` is how many seconds to wait for others.

    Raises `OSError`, `sqlite3.Error`.
    """
    database = sqlite3.connect(private_file(path), timeout=patience, isolation_level=None, check_same_thread=False)
    end = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:  # the switch does not wait by itself when another process does it, too
            if time.monotonic() > end:
                database.close()
                raise
            time.sleep(0.02)
        except sqlite3.DatabaseError:
            database.close()
            raise
        else:
            return database
