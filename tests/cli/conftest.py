"""`regtui` as users run it: a process, its exit code and its two streams."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LIMIT = 30
"""Seconds that a command may take at most."""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of standard output, one a line, each with the version of the format."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(each.pop("version") == 1 for each in found)
        return found


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "regtui", *arguments]


def regtui(*arguments: str, stdin: str = "", environ: dict[str, str] | None = None) -> Ran:
    """Runs `regtui` without a terminal. Whatever it was asked, it never shows a traceback."""
    done = subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, **(environ or {})},
    )
    assert "Traceback" not in done.stderr
    assert "Traceback" not in done.stdout
    return Ran(done.returncode, done.stdout, done.stderr)


class AtTerminal:
    """A `regtui` with a terminal to be asked at; its results and its errors go to pipes."""

    def __init__(self, process: subprocess.Popen[str], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Until `text` stands on the terminal or on standard error."""
        assert self.process.stderr
        end = time.monotonic() + LIMIT
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} never came: {self.shown!r}"
            for stream in (self._terminal, self.process.stderr.fileno()):
                try:
                    self.shown += os.read(stream, 65536).decode()
                except BlockingIOError:
                    time.sleep(0.01)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed: not while a password is asked for."""
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def end(self) -> Ran:
        out, err = self.process.communicate(timeout=LIMIT)
        assert "Traceback" not in err
        return Ran(self.process.returncode, out, self.shown + err)


@contextmanager
def at_terminal(*arguments: str) -> Iterator[AtTerminal]:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        command(*arguments),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl+C and /dev/tty work
    )
    os.close(theirs)
    assert process.stderr
    os.set_blocking(ours, False)
    os.set_blocking(process.stderr.fileno(), False)
    try:
        yield AtTerminal(process, ours)
    finally:
        os.close(ours)
        process.kill()
        process.wait()
