"""The order of tags by name: natural, the newest version first."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from regtui.operations.inventory import newest_version_first, version_key


def in_this_order(*tags: str) -> None:
    shuffled = list(tags)
    random.Random(1).shuffle(shuffled)
    assert newest_version_first(shuffled) == list(tags)


def test_numbers_count_by_their_value() -> None:
    in_this_order("v1.10", "v1.9", "v1.2.10", "v1.2.9", "v1.2", "v1")


def test_a_release_stands_above_its_variants_and_those_above_what_came_before_it() -> None:
    in_this_order("1.10", "1.10-alpine", "1.10-slim", "1.10-rc2", "1.10-rc1", "1.10-beta1", "1.10-alpha", "1.9")
    in_this_order("3.13.0", "3.13.0rc1", "3.13.0b2", "3.13.0a1", "3.12.7")


def test_names_without_a_number_come_first_and_what_is_no_version_last() -> None:
    in_this_order("latest", "main", "stable", "stable-slim", "2.0", "v1.0", "9f2c41d", "alpine3.18", "alpine3.9")


def test_a_v_makes_no_difference() -> None:
    in_this_order("v3", "2", "v1")


@given(st.lists(st.text("v0123456789.-_abrc", min_size=1, max_size=20), unique=True, max_size=30))
def test_every_tag_has_a_key_of_its_own_and_one_place(tags: list[str]) -> None:
    assert len({version_key(tag) for tag in tags}) == len(tags)
    assert newest_version_first(tags) == newest_version_first(reversed(tags))
