"""How fast a layer comes, as the files pane says it."""

from __future__ import annotations

import pytest

from regtui.speed import Speed, duration


def test_it_says_nothing_before_it_can_tell_and_then_the_rate_and_what_is_left() -> None:
    speed = Speed()
    assert speed.text(120_000_000) == ""
    speed.note(0, 10.0)
    speed.note(1_000_000, 10.1)
    assert speed.text(120_000_000) == ""
    speed.note(24_000_000, 12.0)
    assert speed.text(120_000_000) == "12.0 MB/s · 8 s left"


def test_of_other_things_it_says_which() -> None:
    speed = Speed("steps")
    speed.note(0, 10.0)
    speed.note(5, 12.0)
    assert speed.text(10) == "2.5 steps/s · 2 s left"
    speed.note(100, 14.0)
    assert speed.text(100) == "25 steps/s · 0 s left"


def test_only_the_last_seconds_count() -> None:
    speed = Speed()
    for second in range(20):
        speed.note(min(second, 10) * 10_000_000, float(second))
    assert speed.text(120_000_000) == ""  # nothing came lately


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (99, "99 s"), (150, "2 min"), (9000, "2 h")])
def test_long_times_are_said_in_larger_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
