"""Shells at a terminal of their own, with regtui's completion: what stands on the command line after Tab."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from tests.cli.conftest import LIMIT

_DUMP = "\x18p"
_START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "--interactive"],
}
_SETUP = {
    "bash": 'eval "$(regtui completion bash)"; bind -x \'"\\C-xp": printf "%s|" "$READLINE_LINE" >$OUT\'',
    "zsh": 'eval "$(regtui completion zsh)"; dump() { print -rn -- "$BUFFER|" >$OUT }; zle -N dump; '
    'bindkey "^Xp" dump; bindkey "^U" kill-whole-line',
    "fish": "regtui completion fish | source; bind \\cxp 'printf \"%s|\" (commandline) >$OUT'; "
    "bind \\cu kill-whole-line",
}


class Shell:
    def __init__(self, terminal: int, out: Path) -> None:
        self._terminal, self._out = terminal, out
        Thread(target=self._drain, daemon=True).start()

    def tab(self, typed: str) -> str:
        """The command line after `typed` and Tab."""
        return self._after(f"{typed}\t")

    def start(self, setup: str) -> None:
        """Waits until the shell takes keys, and has done `setup`."""
        os.write(self._terminal, f"{setup}\n".encode())
        end = time.monotonic() + LIMIT
        while not self._out.exists():
            assert time.monotonic() < end, "the shell doesn't start"
            os.write(self._terminal, _DUMP.encode())
            time.sleep(0.2)
        self._after("")

    def _after(self, keys: str) -> str:
        self._out.unlink(missing_ok=True)
        os.write(self._terminal, f"\x15{keys}{_DUMP}".encode())
        end = time.monotonic() + LIMIT
        while not (self._out.exists() and (line := self._out.read_text()).endswith("|")):
            assert time.monotonic() < end, f"no answer to {keys!r}"
            time.sleep(0.01)
        return line[:-1]

    def _drain(self) -> None:
        """A terminal that nobody reads stops who writes to it."""
        with suppress(OSError):
            while os.read(self._terminal, 65536):
                pass


@contextmanager
def shell(name: str, folder: Path) -> Iterator[Shell]:
    """An interactive `name` in an empty folder, with `regtui` in its path and the completion loaded."""
    import pty

    program = folder / "bin/regtui"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m regtui "$@"\n')
    program.chmod(0o755)
    path = shutil.which(name)
    assert path
    process, terminal = pty.fork()
    if not process:
        os.environ.update(
            PATH=f"{program.parent}:{os.environ['PATH']}", OUT=str(folder / "out"), PYTHONPATH=os.getcwd()
        )
        if name == "bash":
            os.environ["TERM"] = "dumb"
        os.chdir(folder)
        os.execv(path, [name, *_START[name]])
    try:
        at = Shell(terminal, folder / "out")
        at.start(_SETUP[name])
        yield at
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
