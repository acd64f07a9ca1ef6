"""Rules by which a registry locks tags: regular expressions that a stranger wrote."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

RULES = 20
"""Rules of one repository that are looked at."""

BUDGET = 1.0
"""Seconds for all tags of one repository; what isn't looked at by then is the registry's to refuse."""

_LENGTH = 200
_TAG_LENGTH = 64
_REPEATS = 4
_CHOICES = 8


class TagRules:
    """The rules that can be tried in bounded time.

    What is left out (groups that repeat, many repetitions or choices, another dialect) is the registry's to enforce:
    it refuses the deletion then, only later.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._rules: list[re.Pattern[str]] = []
        self._spent = 0.0
        for text in list(texts)[:RULES]:
            try:
                if _is_tame(text):
                    self._rules.append(re.compile(text))
            except (re.error, OverflowError, RecursionError):
                continue

    def __len__(self) -> int:
        return len(self._rules)

    def lock(self, tag: str) -> bool:
        """Whether a rule fits the whole tag. Tags of more than 64 characters are not looked at."""
        if len(tag) > _TAG_LENGTH:
            return False
        for rule in self._rules:
            if self._spent > BUDGET:
                return False
            began = time.perf_counter()
            fits = rule.fullmatch(tag)
            self._spent += time.perf_counter() - began
            if fits:
                return True
        return False


def _is_tame(text: str) -> bool:
    bare = re.sub(r"\\.", "x", text)
    bare = re.sub(r"\[[^]]*]", "x", bare)
    return (
        len(text) <= _LENGTH
        and not re.search(r"\)[*+{]", bare)
        and len(re.findall(r"[*+{?]", bare.replace("(?", "("))) <= _REPEATS
        and bare.count("|") <= _CHOICES
    )
