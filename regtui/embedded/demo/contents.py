"""What the demo's files hold: made from their names, the same every time, about as compressible as the real thing."""

from __future__ import annotations

import random
from functools import cache


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WORDS = words(
    "the of and to a in is that for it as was with be by on not this are or from at which but have an they you "
    "were package license copyright software permission notice provided source binary form documentation warranty "
    "without system file option default value network service request response server client config update "
    "version release"
)
_LINES = (
    "    def {a}(self, {b}: str, *, {c}: int = {n}) -> bool:",
    "        if {a} is None or len({b}) > {n}:",
    "            raise ValueError(f'{a} must not be {{{b}}}')",
    "        return self._{a}.{b}({c}, timeout={n})",
    "        for {a}, {b} in sorted({c}.items()):",
    "            self.{a}[{b}] = {c} or '{n}'",
    "",
    "class {c}(Base):",
    '    """Keeps the {a} of a {b} until {c} asks for it."""',
)


def binary(name: str, size: int) -> bytes:
    """A program or library of `size` bytes: less than a third of it is new, the rest repeats, as machine code does."""
    seeded = random.Random(name)
    pieces = [b"\x7fELF\x02\x01\x01" + bytes(57)]
    length = len(pieces[0])
    while length < size:
        new = seeded.randbytes(2400)
        pieces += (new, new[:1500], new[700:2100], bytes(800), new[:1900])
        length += 8000
    return b"".join(pieces)[:size]


def prose(name: str, size: int) -> bytes:
    """Text as in licences, manuals and change logs."""
    return _slice(_prose(), name, size)


def code(name: str, size: int) -> bytes:
    """Something like Python."""
    return f'"""{name}"""\n\n'.encode() + _slice(_code(), name, size)


def lines(*text: str) -> bytes:
    return ("\n".join(text) + "\n").encode()


def _slice(pool: bytes, name: str, size: int) -> bytes:
    start = random.Random(name).randrange(len(pool) - 1)
    repeated = pool[start:] + pool * (size // len(pool) + 1)
    return repeated[:size]


@cache
def _prose() -> bytes:
    seeded = random.Random("prose")
    return "\n".join(" ".join(seeded.choices(_WORDS, k=12)).capitalize() + "." for _ in range(700)).encode()


@cache
def _code() -> bytes:
    seeded = random.Random("code")
    made = []
    for _ in range(1200):
        a, b, c = seeded.choices(_WORDS, k=3)
        made.append(seeded.choice(_LINES).format(a=a, b=b, c=c.title(), n=seeded.randrange(1000)))
    return "\n".join(made).encode()
