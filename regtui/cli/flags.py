"""The flags that mean the same everywhere: before a command, after it, and for the app."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regtui.config import Settings, load_settings
from regtui.errors import UsageError

if TYPE_CHECKING:
    from regtui.operations.session import Credentials, RequestLog

Command = TypeVar("Command", bound=Callable[..., Any])
_PASSWORD_LIMIT = 64 * 1024
_RUN = "regtui.run"


@dataclass(frozen=True, slots=True)
class Run:
    """What this run was started with."""

    settings: Settings
    credentials: Credentials | None
    quiet: bool
    log: RequestLog | None = None
    """Opened at once where there is to be one: a file that can't be written is said before anything is done."""


def with_flags(command: Command) -> Command:
    """Gives a command the common flags; what they hold is read by `this_run`."""

    def option(*names: str, **how: Any) -> None:
        nonlocal command
        command = click.option(*names, expose_value=False, callback=_remember, **how)(command)

    option("--quiet", is_flag=True, envvar="REGTUI_QUIET", help="No progress and no notes, only results and errors.")
    option("--platform", metavar="OS/ARCH", help="The platform to choose from an index: linux/arm64.")
    option("--log", metavar="FILE", help="Append each request to this file, without logins.")
    option("--timeout", metavar="SECONDS", help="How long a registry may keep silent (30).")
    option("--read-only", is_flag=True, help="Change nothing.")
    option("--password-stdin", is_flag=True, help="Read the password from standard input.")
    option(
        "--username", metavar="NAME", envvar="REGTUI_USERNAME", help="Log in under this name; asks for the password."
    )
    option("--ca-file", metavar="FILE", help="Trust the certificates of this PEM file too.")
    option("--insecure-tls", is_flag=True, help="Don't check certificates.")
    option("--plain-http", is_flag=True, help="Speak plain HTTP.")
    return command


def this_run() -> Run:
    """Settings and credentials for the command in hand. Asks for the password when there is a name and a terminal."""
    root = click.get_current_context().find_root()
    if _RUN not in root.meta:  # a password is asked for once
        root.meta[_RUN] = _run(dict(root.ensure_object(dict)))
    run: Run = root.meta[_RUN]
    return run


def _run(flags: dict[str, Any]) -> Run:
    quiet, username = bool(flags.pop("quiet", False)), flags.pop("username", "")
    from_stdin = flags.pop("password_stdin", False)
    settings = load_settings(flags)
    log = _open_log(settings.log) if settings.log else None
    if from_stdin and not username:
        raise UsageError("--password-stdin needs a name too", "Add --username NAME.")
    return Run(settings, _login(username, from_stdin) if username else None, quiet, log)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and parameter.name:
        context.find_root().ensure_object(dict)[parameter.name] = value


def _open_log(file: str) -> RequestLog:
    from regtui.operations.session import RequestLog

    return RequestLog(file)


def _login(username: str, from_stdin: bool) -> Credentials:
    from regtui.operations.session import Credentials

    return Credentials(username, password_of(username, from_stdin=from_stdin))


def password_of(username: str, *, from_stdin: bool) -> str:
    """The password from standard input, from `REGTUI_PASSWORD`, or asked for at the terminal."""
    if from_stdin:
        if sys.stdin is None:
            return ""
        pipe = sys.stdin.buffer  # Google's keys have many lines
        raw = pipe.readline(_PASSWORD_LIMIT) if sys.stdin.isatty() else pipe.read(_PASSWORD_LIMIT)
        return raw.decode(errors="surrogateescape").rstrip("\r\n")
    if "REGTUI_PASSWORD" in os.environ:
        return os.environ["REGTUI_PASSWORD"]
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password", "Use --password-stdin.")
    from getpass import getpass

    try:
        return getpass(f"Password of {username}: ")
    except EOFError:
        raise UsageError("No password was given") from None
