"""`regtui login` and `regtui logout`."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from regtui.cli.failures import say
from regtui.cli.flags import password_of, this_run, with_flags
from regtui.errors import UsageError
from regtui.operations.login import Stored, check_place, log_in, log_out
from regtui.operations.naming import server_of
from regtui.text import Shown, shown

if TYPE_CHECKING:
    from regtui.operations.session import Credentials


@click.command()
@click.argument("registry", metavar="HOST")
@click.option("--realm", metavar="HOST", default="", help="Show the login to this login server too; it is remembered.")
@with_flags
def login(registry: str, realm: str) -> None:
    """Try a login at a registry, and keep it where docker or podman would find it.

    HOST may be followed by a namespace, HOST/NAMESPACE, for a login that holds there only (podman's kind).
    """
    run = this_run()
    place = _server(check_place(registry))
    credentials = run.credentials or _ask(place)
    if not credentials.password:
        raise UsageError("The password is empty")
    stored = asyncio.run(log_in(place, credentials, run.settings, realm=realm))
    if stored is None:  # not when it is to be kept
        return
    click.echo(_sentence(place, credentials.username, stored))
    if not run.quiet:
        for note in _notes(place, stored):
            say(note)


@click.command()
@click.argument("registry", metavar="HOST")
@with_flags
def logout(registry: str) -> None:
    """Remove a registry's logins from docker's and podman's files and their helpers."""
    this_run()
    place = _server(check_place(registry))
    removed = asyncio.run(log_out(place))
    click.echo(
        f"Logged out of {place}; removed from {shown(' and '.join(removed))}"
        if removed
        else f"There was no login for {place}"
    )


def _server(place: str) -> str:
    """Where a login counts: registries.conf may lead from a registry's name to another."""
    host, slash, namespace = place.partition("/")
    server = server_of(host)
    if server != host:
        say(f"{host} is {server}, by registries.conf")
    return f"{server}{slash}{namespace}"


def _ask(place: str) -> Credentials:
    """Asks for name and password at the terminal. Raises `UsageError` without one."""
    from regtui.operations.session import Credentials

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the user name", "Use --username NAME --password-stdin.")
    click.echo(f"User name for {place}: ", nl=False, err=True)
    name = sys.stdin.readline().strip()
    if not name:
        raise UsageError("The user name is empty")
    return Credentials(name, password_of(name, from_stdin=False))


def _sentence(place: str, name: str, stored: Stored) -> Shown:
    done = f"Logged in to {place} as {name}"
    if not stored.is_checked:
        done = f"{place} asked for no login, so that of {name} is not checked"
    return shown(f"{done}; kept {'in' if stored.is_plain else 'by'} {stored.where}")


def _notes(place: str, stored: Stored) -> list[str]:
    notes = []
    if stored.is_plain:
        notes.append(f"The password is not encrypted in {stored.where}. A credential helper would keep it safer")
    if stored.shadowed_by:
        notes.append(f"Another login for {place}, in {stored.shadowed_by}, is found before this one")
    return notes
