"""Rules that lock tags: strangers wrote them, so that none may take long."""

from __future__ import annotations

import time

import pytest

from regtui.registry.vendors.tag_rules import TagRules


@pytest.mark.parametrize(
    ("rule", "locked", "free"),
    [
        (".*", ["latest", "1"], []),
        ("v.*", ["v1"], ["dev1"]),
        (".*-RELEASE", ["1-RELEASE"], ["1-RELEASE2"]),
        (r"^[0-9]+\.[0-9]+\.[0-9]+$", ["1.2.3"], ["1.2", "1.2.3-rc1"]),
        (r"\d+\.\d+(-rc\d+)?", ["1.2", "1.2-rc1"], ["1.2-beta"]),
        ("(stable|lts)", ["stable", "lts"], ["latest"]),
        (r"[*+?|]{3}\+", [], ["latest"]),
    ],
)
def test_a_rule_fits_the_whole_tag(rule: str, locked: list[str], free: list[str]) -> None:
    rules = TagRules([rule])
    assert len(rules) == 1
    assert [tag for tag in [*locked, *free] if rules.lock(tag)] == locked


@pytest.mark.parametrize(
    "rule",
    [
        "(a+)+$",
        "(a|aa)*b",
        "(a*){9}b",
        "(?:a+)+b",
        ".*.*.*.*.*b",
        "a?" * 30,
        "a*a*a*a*b?b?b?c",
        "(a|a)" * 20,
        "a" * 300,
        "(",
        "[z-a]",
        r"\z\z[",
    ],
)
def test_a_rule_that_might_take_long_or_is_none_is_left_to_the_registry(rule: str) -> None:
    assert len(TagRules([rule])) == 0


def test_the_worst_that_is_tried_is_quick() -> None:
    rules = TagRules([".*.*.*.*b", "a*a*a*b?c"] * 100)
    began = time.process_time()
    assert not any(rules.lock("a" * 64) for _ in range(1000))
    assert not TagRules([".*"]).lock("a" * 65)  # too long to be looked at
    assert time.process_time() - began < 5
