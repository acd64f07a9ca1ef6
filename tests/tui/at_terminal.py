"""`regtui` in a pseudo terminal: what it writes there, and what the screen shows after that."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

from rich.cells import cell_len

PATIENCE = 15.0
COLUMNS, LINES = 80, 24

_WRITTEN = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[^\[]|([^\x1b])", re.DOTALL)


class Terminal:
    """A pseudo terminal with a program in it. It is the program's own: when it is closed, the program is hung up."""

    def __init__(self, command: list[str]) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(COLUMNS, LINES)
        self.before = self.settings()
        self.output = b""
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self, patience: float) -> None:
        """What comes within so many seconds, or nothing."""
        if select.select([self.master], [], [], patience)[0]:
            with contextlib.suppress(OSError):
                self.output += os.read(self.master, 65536)

    def read_until(self, text: bytes) -> None:
        """Until it was written, ever."""
        self._until(lambda: text in self.output, repr(text))

    def show(self, text: str) -> None:
        """Reads until the screen shows a text."""
        self._until(lambda: text in self.screen, repr(text))

    def settle(self) -> None:
        """Reads until nothing new comes: what was typed has been heard."""
        size = -1
        while len(self.output) > size:
            size = len(self.output)
            self.read(0.3)

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"{what} never came:\n{self.screen}\n{self.output[-2000:]!r}"
            self.read(0.2)

    def end(self) -> int:
        """The exit code; output is read meanwhile, as a terminal does."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read(0.1)
        return self.process.returncode

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.master)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def is_full(self) -> bool:
        """Whether it takes no more bytes: who writes to it waits."""
        return not select.select([], [self.slave], [], 0)[1]

    def fill(self) -> None:
        """Somebody else writes to it until it takes no more; nobody reads."""
        other = os.open(os.ttyname(self.slave), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(other, b".")
        os.close(other)

    def hang_up(self) -> None:
        """As when an SSH session is closed: nobody has the terminal any more, and the program gets SIGHUP."""
        for each in (self.slave, self.master):
            os.close(each)
        self.slave = self.master = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.master >= 0:
            self.hang_up()

    @property
    def screen(self) -> str:
        """What is seen on it now. Textual places the cursor and writes; it never scrolls, and erases only at once."""
        cells = [[" "] * (COLUMNS + 1) for _ in range(LINES + 1)]
        row = column = 0
        for parameters, command, character in _WRITTEN.findall(self.output.decode(errors="replace")):
            if command == "H":
                row, column = (int(number or 1) - 1 for number in (parameters or ";").split(";"))
            elif command == "J":
                cells = [[" "] * (COLUMNS + 1) for _ in range(LINES + 1)]
            elif character == "\n":
                row += 1
            elif character == "\r":
                column = 0
            elif character >= " " and row < LINES and column < COLUMNS:
                cells[row][column] = character
                column += 1
                if cell_len(character) == 2:
                    cells[row][column] = ""
                    column += 1
        return "\n".join("".join(line).rstrip() for line in cells[:LINES])


def start(*arguments: str, ignoring: str = "", program: str = "-m regtui") -> Terminal:
    trap = f"trap '' {ignoring};" if ignoring else ""
    return Terminal(["/bin/sh", "-c", f'{trap} exec {sys.executable} {program} "$@"', "sh", *arguments])
