"""Lists that come in pages: where the next one is (RFC 8288; distribution-spec, "Listing Tags")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

PAGE_SIZE = 1000
"""Names asked for at once: what distribution gives at most. Servers answer with more, fewer or all of them."""

PAGES_LIMIT = 10_000
"""Pages that are followed in one list."""

NAMES_LIMIT = 2_000_000
"""Names that one list may have."""

_LINK_LIMIT = 8 * 1024
# Nothing is given back once it matched (`*+`): spaces could belong to either side, two ways each, and all are tried.
_PARAMETER = r'\s*+;\s*+[^=;,\s]++(?:\s*+=\s*+(?:"[^"]*+"|[^",;\s]*+))?+'
_LINK = re.compile(rf"\s*+(?:<([^<>]*+)>|([^<>,;\s]++))((?:{_PARAMETER})*+)\s*+(?:,|$)")
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)


def next_page(headers: Sequence[str], current: str) -> str | None:
    """The path and query of the page after `current` (a URL, or its path), or None on the last one.

    A link may be relative or absolute, stand without its angle brackets or without `rel`. Only its path and query
    count: a registry behind a proxy names hosts and schemes that nobody can reach, and a hostile one those of others;
    whatever it names is asked of the registry itself.
    """
    for header in headers:
        for target, parameters in _links(header[:_LINK_LIMIT]):
            rel = _REL.search(parameters)
            if rel and "next" not in (rel[1] or rel[2] or "").lower().split():
                continue
            try:
                parts = urlsplit(urljoin(current, target.strip()))
            except ValueError:  # such as an unclosed IPv6 address
                continue
            if parts.path.startswith("/"):
                return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return None


def _links(header: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(header):
        if match := _LINK.match(header, at):
            yield match[1] if match[1] is not None else match[2], match[3]
            at = match.end()
        else:
            comma = header.find(",", at)
            at = len(header) if comma < 0 else comma + 1


class Pages:
    """What a list has given so far: tells new names from repeated ones, and when to stop."""

    def __init__(self, first: str) -> None:
        self.begun = False
        self._asked = {first}
        self._names: set[str] = set()
        self._stuck = False

    def fresh(self, names: Sequence[str]) -> list[str]:
        """The names that were not there yet, each once, in their order."""
        self.begun = True
        found = [name for name in dict.fromkeys(names) if name not in self._names]
        self._names.update(found)
        self._stuck = bool(names) and not found
        return found

    def follow(self, link: str | None) -> str | None:
        """The link, or None when the list is at its end: no link, a page asked before, or one with nothing new."""
        if link is None or link in self._asked or self._stuck:
            return None
        self._asked.add(link)
        return link

    @property
    def endless(self) -> bool:
        """Whether the list goes beyond what a registry in earnest has."""
        return len(self._asked) > PAGES_LIMIT or len(self._names) > NAMES_LIMIT
