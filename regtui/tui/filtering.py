"""What one types after `/`: words, `glob*`, or `re:` and a regular expression; case never counts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence

from regtui.errors import UsageError
from regtui.text import shown


class Filter:
    """Keeps the names that hold every word; a word with `*` or `?` has to match the whole name.

    Raises `UsageError` when what follows `re:` is no regular expression.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._words: list[str] = []
        self._patterns: list[Callable[[str], object]] = []
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
                self._patterns.append(re.compile(fnmatch.translate(word.replace("[", "[[]")), re.IGNORECASE).match)
            else:
                self._words.append(word.lower())

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
