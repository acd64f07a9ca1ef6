"""How a command ends when it doesn't end well: one sentence on standard error and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType

import click

from regtui.errors import RegtuiError, UsageError
from regtui.text import shown

FAILED = 1
USAGE = 2
_CLOSED_PIPE = 128 + signal.SIGPIPE


def guarded(work: Callable[[], int]) -> int:
    """The exit code of `work`, whatever happens in it."""
    with _terminated_like_interrupted() as terminated:
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes once more when it ends
        return _CLOSED_PIPE
    except Exception as error:
        say(f"Something went wrong inside regtui: {type(error).__name__}. {_log(error)}")
        return FAILED
    return code


def say(sentence: str) -> None:
    """One line on standard error, made safe."""
    click.echo(f"regtui: {shown(sentence)}", err=True)


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
    message = error.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else '.'}{advice}"


def _log(error: Exception) -> str:
    """Writes the traceback where it can be found, and says where."""
    import platformdirs

    folder = Path(os.environ.get("REGTUI_STATE_DIR") or platformdirs.user_state_path("regtui"))
    file = folder / "regtui.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", errors="backslashreplace") as log:
            log.write(f"{datetime.now(UTC).isoformat()}\n")
            log.writelines(traceback.format_exception(error))
    except OSError:
        return "The details can't be written to this machine's state folder."
    return f"The details are in {file}: please report them."
