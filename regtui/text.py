"""The one gate for text from outside.

Tag names, labels, history, paths, error bodies: a stranger wrote them. `shown` turns them into text that a terminal
can print: no control character, escape sequence, bidi override, invisible or unassigned character gets through; each is
written out as its escape (`\\x1b`, `\\u202e`). The gate is idempotent, so that every layer that draws may apply it.
"""

from __future__ import annotations

import shlex
import unicodedata
from typing import NewType

Shown = NewType("Shown", str)
"""Text that has been through the gate. What draws on a terminal takes this type, not `str`."""

LINE_LIMIT = 4096
"""Characters of one line that are drawn at most; what is cut is said by a `…` at the end."""

_STACK = 3
"""Combining marks in a row that are drawn; more would climb into other lines."""


def shown(text: str | bytes, limit: int = LINE_LIMIT) -> Shown:
    """One line of safe text. Bytes are read as UTF-8; those that aren't appear as `\\xNN`."""
    if isinstance(text, bytes):
        text = text[: limit * 4 + 4].decode("utf-8", "surrogateescape")
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isascii() and text.isprintable():
        return Shown(text)
    return Shown("".join(_safe(text)))


def shown_lines(text: str, limit: int = 1000) -> list[Shown]:
    """Text of several lines, each safe; at most `limit` lines. Tabs become spaces."""
    lines = text[: limit * LINE_LIMIT].expandtabs(4).splitlines()
    kept = [shown(line) for line in lines[:limit]]
    if len(lines) > limit:
        kept.append(Shown(f"… {len(lines) - limit} more lines"))
    return kept


def for_shell(text: str) -> str:
    """One word for a shell's line, safe to paste: bash, zsh and ksh read the same bytes out of it.

    Quotes alone don't do: a control character in them can end a terminal's bracketed paste, or send the line off.
    """
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_octal, text)) + "'"


def _octal(char: str) -> str:
    if char.isprintable() and char not in "'\\":
        return char
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def _safe(text: str) -> list[str]:
    pieces: list[str] = []
    stacked = _STACK  # a line that begins with a combining mark would change the cell before it
    for char in text:
        if not char.isprintable() or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
            pieces.append(_escape(char))
            stacked = 0
        elif unicodedata.category(char)[0] == "M":
            stacked += 1
            pieces.append(char if stacked <= _STACK else _escape(char))
        else:
            pieces.append(char)
            stacked = 0
    return pieces


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
