"""What commands write: results on standard output, safe to print; progress and questions on standard error."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from regtui.text import shown

_ROWS_TO_MEASURE = 20
_PROGRESS_PAUSE = 0.2
"""Seconds between two lines of progress: over SSH each costs a packet."""


def print_json(values: Mapping[str, Any]) -> None:
    """One object on one line. Everything but printable ASCII is escaped, so that it is safe on a terminal too."""
    click.echo(json.dumps({"version": 1, **values}, separators=(",", ":")))


def json_text(name: str, text: str) -> dict[str, str]:
    """A path, and its bytes too when they aren't UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
        return {name: raw.decode("utf-8", "replace"), f"{name}_bytes": b64encode(raw).decode()}
    return {name: text}


def json_time(date: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second: `2026-03-04T05:06:07Z`."""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if date else None


class Table:
    """Aligned columns that are written while rows still come: the first rows measure them. The last isn't padded."""

    def __init__(self, *titles: str, right: Sequence[str] = (), err: bool = False) -> None:
        self._right = [title in right for title in titles]
        self._err = err
        self._waiting: list[Sequence[str]] | None = [titles]
        self._widths = [0] * len(titles)

    def row(self, *cells: str) -> None:
        safe = [shown(cell) for cell in cells]
        if self._waiting is None:
            self._write(safe)
            return
        self._waiting.append(safe)
        if len(self._waiting) > _ROWS_TO_MEASURE:
            self.close()

    def close(self) -> None:
        """Writes what still waits."""
        waiting, self._waiting = self._waiting or [], None
        if waiting:
            self._widths = [max(map(len, column)) for column in zip(*waiting, strict=True)]
        for cells in waiting:
            self._write(cells)

    def _write(self, cells: Sequence[str]) -> None:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, self._widths, self._right, strict=True)
        ]
        click.echo("  ".join(padded).rstrip(), err=self._err)


class Progress:
    """One line on a terminal that says what is going on, and is gone afterwards."""

    def __init__(self, quiet: bool) -> None:
        self._shows = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._next = 0.0
        self._drawn = False

    def __call__(self, text: str) -> None:
        if self._shows and time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_PAUSE
            self._drawn = True
            click.echo(f"\r\x1b[K{shown(text)}", nl=False, err=True)

    def clear(self) -> None:
        if self._drawn:
            self._drawn = False
            click.echo("\r\x1b[K", nl=False, err=True)


def can_ask() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


async def ask(question: str) -> str:
    """The line that a person at the terminal answers with, without spaces around it; empty at the end of input.

    Waits on the event loop, so that Ctrl+C is heard at once.
    """
    click.echo(f"{shown(question)} ", nl=False, err=True)
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    answer: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        loop.remove_reader(descriptor)
        try:
            answer.set_result(os.read(descriptor, 4096))  # a terminal hands over whole lines
        except OSError:  # it hung up
            answer.set_result(b"")

    loop.add_reader(descriptor, read)
    try:
        return (await answer).decode(errors="replace").strip()
    finally:
        loop.remove_reader(descriptor)
