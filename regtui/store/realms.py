"""Login servers that the user said belong to a registry."""

from __future__ import annotations

import json
import os
from pathlib import Path

from regtui.errors import StoreError
from regtui.store.files import private_folder

_FILE_LIMIT = 256 * 1024


class Realms:
    """A small file in the state folder: the hosts (`HOST` or `HOST:PORT`) that may see each registry's credentials."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "realms.json"

    def of(self, registry: str) -> frozenset[str]:
        """The confirmed login servers of a registry. What can't be read confirms nothing."""
        return frozenset(self._read().get(registry, ()))

    def trust(self, registry: str, realm: str) -> None:
        """Remembers a login server. Of two processes that do it at the same moment, one wins. Raises `StoreError`."""
        known = self._read()
        known[registry] = sorted({*known.get(registry, ()), realm})
        draft = self._file.with_name(f"realms.{os.getpid()}.new")
        try:
            private_folder(self._file.parent)
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(known, indent=1))
            draft.replace(self._file)
        except OSError as error:
            raise StoreError(f"{self._file} can't be written: {error.strerror}") from error

    def _read(self) -> dict[str, list[str]]:
        try:
            with self._file.open("rb") as file:
                known = json.loads(file.read(_FILE_LIMIT))
        except (OSError, ValueError, RecursionError):
            return {}
        return {
            registry: [realm for realm in realms if isinstance(realm, str)]
            for registry, realms in (known.items() if isinstance(known, dict) else ())
            if isinstance(realms, list)
        }
