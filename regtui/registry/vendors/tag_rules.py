"""Rules by which a registry locks tags: regular expressions that a stranger wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable

RULES = 20
"""Rules of one repository that are looked at."""

_LENGTH = 200
_TAG_LENGTH = 64
_REPEATS = 4
_CHOICES = 8


def is_locked(tag: str, rules: Iterable[re.Pattern[str]]) -> bool:
    """Whether a rule fits the whole tag. Tags of more than 64 characters are not looked at."""
    return len(tag) <= _TAG_LENGTH and any(rule.fullmatch(tag) for rule in rules)


def read_rules(texts: Iterable[str]) -> list[re.Pattern[str]]:
    """The rules that can be tried in bounded time.

    What is left out (groups that repeat, many repetitions or choices, another dialect) is the registry's to enforce:
    it refuses the deletion then, only later.
    """
    rules = []
    for text in list(texts)[:RULES]:
        try:
            if _is_tame(text):
                rules.append(re.compile(text))
        except (re.error, OverflowError, RecursionError):
            continue
    return rules


def _is_tame(text: str) -> bool:
    bare = re.sub(r"\\.", "x", text)
    bare = re.sub(r"\[[^]]*]", "x", bare)
    return (
        len(text) <= _LENGTH
        and not re.search(r"\)[*+{]", bare)
        and len(re.findall(r"[*+{]", bare)) <= _REPEATS
        and len(re.findall(r"[|?]", bare)) <= _CHOICES
    )
