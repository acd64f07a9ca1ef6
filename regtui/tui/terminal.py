"""What the terminal can do, and how the program ends when the terminal or the system says so."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Callable, Mapping
from threading import Event, Thread
from types import FrameType, TracebackType
from typing import TextIO

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

GRACE = 3.0
"""Seconds that the app has, once the step in hand is done, to end by itself before the process is ended for it."""

_LEFT = 0  # the byte that says that the app has ended; no signal has this number
_RESTORE = (
    "\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)


def why_no_screen(environ: Mapping[str, str], streams: tuple[TextIO | None, ...] | None = None) -> str:
    """Why the screens can't be shown here, and what to use instead; empty when they can."""
    names = ("standard input", "standard output", "standard error")
    instead = "Use the commands instead: regtui ls HOST, regtui tags HOST/REPOSITORY, regtui --help."
    for name, stream in zip(names, streams or (sys.stdin, sys.stdout, sys.stderr), strict=True):
        if stream is None or stream.closed or not stream.isatty():
            return f"regtui's screens need a terminal, and {name} is none. {instead}"
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        return (
            f"regtui's screens need a terminal that can move its cursor, and TERM says that this one can't. {instead}"
        )
    return ""


class Ending:
    """Ends the app on a signal, or when its terminal is gone, with the step in hand done first.

    The app's own loop may stand still then: Textual's writer blocks it when the terminal has stopped reading. So a
    thread waits for signals and for the terminal's end, lets `finish` wait for the runner, asks the app to `leave` with
    the exit code, and after `GRACE` restores the terminal and ends the process itself.
    """

    def __init__(self, finish: Callable[[], None], leave: Callable[[int], None]) -> None:
        self._finish = finish
        self._leave = leave
        self._left = Event()
        self.code = 0
        """128 and the signal's number, once one came; a terminal that is gone counts as SIGHUP."""

    def __enter__(self) -> Ending:
        self._terminal = sys.__stdin__.fileno() if sys.__stdin__ else -1
        self._attributes = None
        with contextlib.suppress(termios.error, OSError):
            self._attributes = termios.tcgetattr(self._terminal)
        self._receive, self._send = os.pipe()
        self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS if not _ignored(number)}
        self._thread = Thread(target=self._watch, name="regtui-ending", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        os.write(self._send, bytes([_LEFT]))
        self._thread.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._receive)
        os.close(self._send)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Nothing here takes a lock: the main thread may hold any. A session that ends sends SIGCONT after SIGHUP, at
        which Textual would begin to read anew from a terminal that is gone, without end."""
        signal.signal(signal.SIGCONT, lambda *_: None)
        os.write(self._send, bytes([number]))

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._receive, select.POLLIN)
        if self._attributes is not None:
            poll.register(self._terminal, 0)  # no more than its hang-up, which is always told
        ready = poll.poll()
        number = os.read(self._receive, 1)[0] if any(fd == self._receive for fd, _ in ready) else int(signal.SIGHUP)
        if number == _LEFT:
            return
        self.code = 128 + number
        self._finish()
        self._leave(self.code)
        if not self._left.wait(GRACE):
            self._restore()
            os._exit(self.code)

    def _restore(self) -> None:
        """The terminal as it was, as far as it still takes it; never waits for it."""
        with contextlib.suppress(OSError, termios.error):
            if self._attributes is not None:
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._attributes)
            terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.write(terminal, _RESTORE.encode())


def _ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
