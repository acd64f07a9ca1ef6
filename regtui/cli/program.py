"""The command line's grammar: the first word is a command, or else a reference that the app opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import click

from regtui import __version__
from regtui.cli.failures import guarded
from regtui.cli.flags import this_run, with_flags
from regtui.config import Settings
from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.session import Credentials

_COMMANDS = {
    "ls": "listing",
    "tags": "listing",
    "inspect": "inspecting",
    "files": "files",
    "find": "find",
    "log": "tag_log",
    "cat": "contents",
    "extract": "contents",
    "diff": "diff",
    "packages": "packages",
    "rm": "changing",
    "tag": "changing",
    "cp": "copying",
    "mv": "copying",
    "pull": "moving",
    "push": "moving",
    "undo": "undoing",
    "resume": "resuming",
    "history": "undoing",
    "login": "logging_in",
    "logout": "logging_in",
    "config": "configuration",
    "completion": "completion",
}
"""Each command, and the module that is imported when it is called."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the app is started with; without a reference it begins with the start screen."""

    settings: Settings
    reference: Reference | None
    credentials: Credentials | None
    namespace: str = ""


StartApp = Callable[[Start], int]


class Program(click.Group):
    """Commands by name; `open_command` takes a first word that is a reference instead."""

    open_command: click.Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_COMMANDS, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"regtui.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word.startswith("-") or word in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        if not (any(mark in word for mark in ".:/") or word == "localhost"):
            what = f"{shown(word, 100)!r} is neither a command nor a reference"
            raise UsageError(what, _advice(word, self.list_commands(ctx)))
        return "open", self.open_command, args


def _advice(word: str, commands: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, commands, 1)
    if close:
        return f"Did you mean: regtui {close[0]}?"
    return f"Commands: {', '.join(commands)}. An image of Docker Hub is written with its tag: {shown(word, 60)}:latest."


def program(start_app: StartApp) -> Program:
    """The commands, and the app behind `start_app`."""

    @click.group(
        cls=Program,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Without a command: regtui REFERENCE opens the app there, regtui alone its start screen.",
    )
    @click.version_option(__version__, message="regtui %(version)s")
    @with_flags
    @click.pass_context
    def group(context: click.Context) -> int | None:
        """A terminal UI and command line for container registries."""
        return start(None) if context.invoked_subcommand is None else None

    def start(reference: Reference | None, namespace: str = "") -> int:
        run = this_run()
        return start_app(Start(run.settings, reference, run.credentials, namespace))

    @click.command("open", hidden=True)
    @click.argument("reference")
    @with_flags
    def open_(reference: str) -> int:
        """Opens the app at a registry, a namespace in it, a repository, a tag or a digest."""
        from regtui.operations.archives import place_in
        from regtui.operations.naming import resolve_place

        where, namespace = resolve_place(reference)
        return start(place_in(where), namespace)

    @click.command()
    @with_flags
    def demo() -> int:
        """Open the app on the demo's registry: no network, nothing to set up."""
        from regtui.operations.session import DEMO

        return start(Reference(DEMO))

    group.add_command(demo)
    group.open_command = open_
    return group


def run(arguments: Sequence[str], start_app: StartApp) -> int:
    """Does what the arguments say; returns the exit code. Nothing is raised, and errors are one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a locale that lacks a letter is no reason to fail

    if "_REGTUI_COMPLETE" in os.environ:  # a shell asks what could come next
        from regtui.cli.completion import answer

        return answer(program(start_app), os.environ)

    def work() -> int:
        group = program(start_app)
        # not `main`, which handles Ctrl+C and closed pipes in its own way
        with group.make_context("regtui", list(arguments)) as context:
            return group.invoke(context) or 0

    return guarded(work)
