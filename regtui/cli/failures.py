"""How a command ends when it doesn't end well: one sentence on standard error and an exit code, never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType

import click

from regtui.cli.log import log_file, warnings_to_log_file
from regtui.errors import RegtuiError, UsageError
from regtui.text import shown

FAILED = 1
USAGE = 2
_CLOSED_PIPE = 128 + signal.SIGPIPE


def guarded(work: Callable[[], int]) -> int:
    """The exit code of `work`, whatever happens in it."""
    with warnings_to_log_file(), _terminated_like_interrupted() as terminated:
        return _guarded(work, terminated)


def _guarded(work: Callable[[], int], terminated: Event) -> int:
    try:
        code = work()
        if sys.stdout:
            sys.stdout.flush()
    except RegtuiError as error:
        say(str(error))
        return USAGE if isinstance(error, UsageError) else FAILED
    except click.ClickException as error:
        say(_sentence(error))
        return error.exit_code
    except click.exceptions.Exit as end:  # --help, --version
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 128 + (signal.SIGTERM if terminated.is_set() else signal.SIGINT)
    except OSError as error:
        is_hung_up = error.errno == errno.EIO and _terminal_is_gone()
        if error.errno not in (errno.EPIPE, errno.ENOSPC) and not is_hung_up:
            return _inside(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes once more when it ends
        if is_hung_up:
            return 128 + signal.SIGHUP
        if error.errno == errno.EPIPE:
            return _CLOSED_PIPE
        say("The disk is full")
        return FAILED
    except Exception as error:
        return _inside(error)
    return code


def say(sentence: str) -> None:
    """One line on standard error, made safe."""
    with suppress(OSError):  # nobody may be left to read it
        click.echo(f"regtui: {shown(sentence)}", err=True)


def _terminal_is_gone() -> bool:
    """Whether standard output or error was a terminal that has hung up."""
    poll = select.poll()
    for stream in (1, 2):
        poll.register(stream, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _inside(error: Exception) -> int:
    logging.getLogger(__name__).error("regtui itself failed", exc_info=error)
    say(f"Something went wrong inside regtui: {type(error).__name__}. The details are in {log_file()}")
    return FAILED


@contextmanager
def _terminated_like_interrupted() -> Iterator[Event]:
    """SIGTERM does what Ctrl+C does, so that every `finally` is reached; the event says that it was SIGTERM."""
    terminated, before = Event(), signal.getsignal(signal.SIGTERM)

    def terminate(number: int, frame: FrameType | None) -> None:
        terminated.set()
        signal.raise_signal(signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # ignored by who runs a script in the background
        signal.signal(signal.SIGTERM, terminate)
    try:
        yield terminated
    finally:
        signal.signal(signal.SIGTERM, before)


def _sentence(error: click.ClickException) -> str:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "regtui"
    advice = f" Try {command} --help." if isinstance(error, click.UsageError) else ""
    message = " ".join(error.format_message().split()).rstrip(".")  # click breaks lines at choices
    return f"{message}{'' if message.endswith('?') else '.'}{advice}"
