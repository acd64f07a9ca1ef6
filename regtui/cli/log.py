"""What is logged: what went wrong inside regtui goes to a file, for its makers; what a registry asks for is said."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_file() -> Path:
    """`regtui.log` in the state folder, found without the settings: they may be what is wrong."""
    import platformdirs

    return Path(os.environ.get("REGTUI_STATE_DIR") or platformdirs.user_state_path("regtui")) / "regtui.log"


@contextmanager
def warnings_to_log_file() -> Iterator[None]:
    """Meanwhile what any library or room logs as a warning or worse goes to the file, and not to standard error."""
    handler = _LogFile(logging.WARNING)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def pauses_said(say: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile each pause that a registry asks for, in whatever thread, is said when it begins."""
    handler = _Said(say)
    pace = logging.getLogger("regtui.registry.pace")
    pace.addHandler(handler)
    pace.setLevel(logging.INFO)
    try:
        yield
    finally:
        pace.setLevel(logging.NOTSET)
        pace.removeHandler(handler)


class _Said(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


class _LogFile(logging.Handler):
    """Opens the file for each record: they are rare, and most runs have none. A full disk stops nobody."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            file = log_file()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(file, "a", errors="backslashreplace", opener=_private) as log:
                log.write(f"{self.format(record)}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
