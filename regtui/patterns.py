"""What one looks for among many names: words, `glob*`, or `re:` and a regular expression; case never counts.

A regular expression is run as it is: one that backtracks without end, over names that make it do so, takes its time.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence

from regtui.errors import UsageError
from regtui.text import shown

_Match = Callable[[str], object]


class Filter:
    """Keeps the names that hold every word; a word with `*` or `?` has to match the whole name.

    Raises `UsageError` when what follows `re:` is no regular expression.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._words: list[str] = []
        self._patterns: list[_Match] = []
        if self.text.startswith("re:"):
            try:
                self._patterns.append(re.compile(self.text[3:], re.IGNORECASE).search)
            except (re.error, RecursionError, OverflowError) as error:
                raise UsageError(
                    f"{shown(self.text[3:], 60)!r} is no regular expression: {error}",
                    "Without re: in front, words and * are looked for as they are.",
                ) from None
            return
        for word in self.text.split():
            if "*" in word or "?" in word:
                self._patterns.append(self._glob(word))
            else:
                self._words.append(self._word(word).lower())

    def __bool__(self) -> bool:
        return bool(self.text)

    def keep(self, names: Sequence[str], indices: Iterable[int]) -> list[int]:
        """Those indices whose names match, in their order."""
        kept = list(indices)
        for word in self._words:
            kept = [i for i in kept if word in names[i].lower()]
        for matches in self._patterns:
            kept = [i for i in kept if matches(names[i])]
        return kept

    def _word(self, word: str) -> str:
        return word

    def _glob(self, word: str) -> _Match:
        return re.compile(fnmatch.translate(word.replace("[", "[[]")), re.IGNORECASE).match


class WholeNames(Filter):
    """For what is done to the names that it keeps: what isn't a glob or `re:` has to be the whole name, too.

    Raises `UsageError` for nothing, which would keep all.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        if not self:
            raise UsageError("An empty pattern matches nothing", "Write one as 'pr-*', or as 're:^pr-[0-9]+$'.")
        self._patterns += [self._glob(word) for word in self._words]
        self._words = []


class PathFilter(Filter):
    """Of paths without a leading slash. A glob without a slash has to match the name, with one the whole path.

    A slash that a word or a glob begins with doesn't count. `*` stands for slashes too.
    """

    def _word(self, word: str) -> str:
        return word.lstrip("/")

    def _glob(self, word: str) -> _Match:
        if "/" not in word:
            in_name = super()._glob(word)
            return lambda path: in_name(path.rpartition("/")[2])
        in_path = super()._glob(word if word.startswith("*") else "/" + word.lstrip("/"))
        return lambda path: in_path(f"/{path}")
