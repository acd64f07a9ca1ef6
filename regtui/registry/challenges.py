"""`WWW-Authenticate`: how a registry asks for a login (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HEADER_LIMIT = 16 * 1024
"""Characters of all challenges of one answer that are read; the rest is ignored."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))', re.DOTALL)
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|(?=,)|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")
_SEPARATOR = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in. `scheme` and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Sequence[str]) -> list[Challenge]:
    """The challenges of all `WWW-Authenticate` headers of an answer, in their order, of known schemes or not.

    Never raises: what can't be read is left out, and the rest is still understood. A parameter named twice keeps its
    first value.
    """
    found: list[Challenge] = []
    left = HEADER_LIMIT
    for header in headers:
        found += _parse(header[:left])
        left -= min(len(header), left)
    return found


def _parse(text: str) -> list[Challenge]:
    found: list[Challenge] = []
    parameters: dict[str, str] | None = None
    at = 0
    while True:
        at = _end(_SEPARATOR.match(text, at), at)
        if at >= len(text):
            return found
        if parameters is not None and (match := _PARAMETER.match(text, at)):
            name, quoted, plain = match.groups()
            parameters.setdefault(name.lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
            at = match.end()
        elif match := _SCHEME.match(text, at):
            parameters = {}
            found.append(Challenge(match[1].lower(), parameters))
            at = _end(_TOKEN68.match(text, match.end()), match.end())  # one opaque value, as Negotiate has
        else:  # nothing that the grammar allows: go on after the next comma
            comma = text.find(",", at)
            at = len(text) if comma < 0 else comma + 1


def _end(match: re.Match[str] | None, at: int) -> int:
    return match.end() if match else at
