"""Locks that the system lets go when their process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class LockFile:
    """A file that one process at a time holds (`flock`). Programs started by that process do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Holds the file until `release`; False when somebody else does. Raises `OSError`."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        if not self._is_there(descriptor):  # who held it has just removed it: a lock on it would hold nobody off
            os.close(descriptor)
            return self.take()
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Removes the file and lets it go."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def is_held(self) -> bool:
        """Whether a process, this one too, holds the file now."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
