"""Starts a command or the app: the one place that knows both faces, and imports each only when it is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regtui.cli.program import Start


def main() -> int:
    """Does what the words after `regtui` say, and returns the exit code: 0, 1 failed, 2 not understood."""
    if sys.argv[1:] == ["--version"]:
        from regtui import __version__

        print(f"regtui {__version__}")
        return 0
    try:
        from regtui.cli.program import run

        return run(sys.argv[1:], _start_app)
    except KeyboardInterrupt:  # while it was still being imported
        return 130


def _start_app(start: Start) -> int:
    from regtui.tui.app import run

    return run(start.reference, start.settings, start.credentials, start.namespace)


if __name__ == "__main__":
    sys.exit(main())
